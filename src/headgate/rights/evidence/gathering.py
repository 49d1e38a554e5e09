"""Reads from the ledger what documents of evidence are made from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_file
from headgate.ledger.ledger import DatasetVersion, Ledger, Node
from headgate.models.adapter import adapter_mark
from headgate.release.aliases import find_release
from headgate.release.evidence import Grounds, grounds_of
from headgate.release.settings import Settings
from headgate.rights.evidence.counting import Tally, row_facts, tally
from headgate.rights.evidence.facts import (
    ADAPTER,
    RELEASE,
    DataFacts,
    Facts,
    FileFacts,
    ModelFacts,
    SourceFacts,
    Term,
    hex_of,
)
from headgate.rights.evidence.shielding import Shield, consent, shield_of

WORK = "work"  # below the folder of the ledger; adapters lie there


def gather(ledger: Ledger, name: str, at: datetime) -> Facts:
    """The facts about a release (name, digest or alias), an adapter (name or address) or a dataset version.

    `at`: the moment for which claims are read.

    Raises:
        Refused: the ledger knows nothing of that name, or its record is not whole.
    """
    node = None if name in ledger.versions.names() else _model_node(ledger, name)
    shield = shield_of(ledger)
    if node is None:
        version = ledger.versions.get(name)
        return Facts(at=at, made_by=__version__, data=_data(ledger, version, at, shield), model=None)
    adapter = node if node.kind == ADAPTER else _one(ledger, node, ADAPTER)
    run, base = _one(ledger, adapter, "run"), _one(ledger, adapter, "base")
    version = _trained_on(ledger, run)
    grounds = _grounds(ledger, node, adapter, at)
    model = ModelFacts(
        kind=node.kind,
        node=node,
        adapter=adapter,
        base=base,
        run=run,
        grounds=shield.grounds(grounds) if grounds else None,
        settings=shield.settings(_settings(ledger, node)),
        files=_files(ledger, node, adapter),
        retired=_term(ledger, node.id, "retired", at, shield) or _term(ledger, adapter.id, "retired", at, shield),
    )
    return Facts(at=at, made_by=__version__, data=_data(ledger, version, at, shield), model=model)


def _model_node(ledger: Ledger, name: str) -> Node | None:
    """The release or adapter of a name; None where the name is that of a dataset."""
    adapters = ledger.find(ADAPTER)
    for node in reversed(adapters):
        if name in (node.id, node.name):
            return node
    try:
        return find_release(ledger, name)
    except Refused:
        versions = ledger.versions.names()
        if name in {one.rpartition("@")[0] for one in versions}:
            return None
        if name.startswith("b3:") and (node := ledger.node(name)).kind in (ADAPTER, RELEASE):
            return node
        known = [node.name for node in (*ledger.find(RELEASE), *adapters)] + versions
        raise Refused(
            "no such release, adapter or dataset version", found=name, wanted=", ".join(known[-8:]) or "none yet"
        ) from None


def _one(ledger: Ledger, node: Node, kind: str) -> Node:
    linked = ledger.nodes.many(link.target_id for link in ledger.edges_from(node.id, "derived-from"))
    found = [one for one in linked if one.kind == kind]
    if not found:
        raise Refused(f"{node.kind} {node.name} has no {kind}", next_step="headgate ledger verify")
    return found[-1]


def _trained_on(ledger: Ledger, run: Node) -> DatasetVersion:
    linked = ledger.nodes.many(link.target_id for link in ledger.edges_from(run.id, "trained-on"))
    if not linked:
        raise Refused(f"run {run.name} has no dataset version", next_step="headgate ledger verify")
    return ledger.versions.get(linked[-1].name)


def _grounds(ledger: Ledger, node: Node, adapter: Node, at: datetime) -> Grounds | None:
    """What the release rests on; of an adapter the newest decision about it, whatever it says."""
    if node.kind == RELEASE:
        return grounds_of(ledger, ledger.node(str(node.body["decision"])), at)
    about = [
        one for one in ledger.find("decision") if one.body.get("adapter") == adapter.id and one.body.get("dataset")
    ]
    return grounds_of(ledger, about[-1], at) if about else None


def _settings(ledger: Ledger, node: Node) -> Settings:
    """What the flow file said of the release when it was made."""
    known = {one.name for one in fields(Settings)}
    for step in reversed(ledger.find("step", RELEASE)):
        if node.kind == RELEASE and step.body.get("outputs", {}).get("release") == node.name:
            told = {key.partition(".")[2]: value for key, value in step.body.get("settings", {}).items()}
            given = {key: value[0] for key, value in told.items() if key in known and isinstance(value, list)}
            return Settings(**given)
    return Settings()


def _files(ledger: Ledger, node: Node, adapter: Node) -> tuple[FileFacts, ...]:
    """Files by the digests of the record; SHA-256 where the file is at hand and still the one of the record."""
    store = ledger.file.resolve().parent
    if node.kind == RELEASE:
        folder = store.parent / str(node.body["folder"])
        recorded: Mapping[str, str] = node.body["files"]
        return tuple(_file(folder / name, name, address) for name, address in sorted(recorded.items()))
    folder = store / WORK / str(adapter.body.get("folder", ""))
    if not folder.is_dir() or adapter_mark(folder).digest != adapter.body.get("digest"):
        return ()
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return tuple(_file(path, path.name, digest_file(path)) for path in paths)


def _file(path: Path, name: str, address: str) -> FileFacts:
    if not path.is_file() or digest_file(path) != address:
        return FileFacts(name=name, blake3=hex_of(address), sha256="", size=None)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileFacts(name=name, blake3=hex_of(address), sha256=sha256, size=path.stat().st_size)


def _data(ledger: Ledger, version: DatasetVersion, at: datetime, shield: Shield) -> DataFacts:
    said: Mapping[str, Any] = version.manifest.get("manifest", {})
    whole = Tally()
    sources = []
    names: Counter[str] = Counter()
    for node in ledger.nodes.many(ledger.rows.sources_of(version.numbers)):
        numbers = ledger.rows.numbers_of_source(node.id) & version.numbers
        part = tally(ledger, numbers)
        whole.take(part)
        names[node.name] += 1
        # The manifest remembers what rows stated that have been erased since.
        remembered = said.get("sources", {}).get(node.name, {}).get("licences") if names[node.name] == 1 else None
        stated = remembered if remembered is not None else part.licences
        sources.append(_source(ledger, node, len(numbers), stated, at, shield))
    return DataFacts(
        version=version,
        frozen_at=ledger.node(version.node_id).at,
        sources=tuple(sorted(sources, key=lambda one: (one.name, one.id))),
        rows=row_facts(ledger, version.numbers, whole, at, shield),
        steps=tuple(
            {"step": shield.text(str(one["step"])), "before": one["before"], "after": one["after"]}
            for one in said.get("steps", ())
        ),
    )


def _source(
    ledger: Ledger, node: Node, rows: int, stated: Mapping[str, int], at: datetime, shield: Shield
) -> SourceFacts:
    about = f"source:{node.name}"
    terms = {what: _term(ledger, about, what, at, shield) for what in ("licence", "owner", "consent")}
    return SourceFacts(name=shield.text(node.name), id=node.id, rows=rows, stated=shield.licences(stated), **terms)


def _term(ledger: Ledger, about: str, what: str, at: datetime, shield: Shield) -> Term | None:
    claim = ledger.claims.at(about, what, at)
    if claim is None:
        return None
    said = {"licence": shield.licence, "consent": consent}.get(what, shield.text)(str(claim.value))
    day = claim.observed_at[:10]
    return Term(value=said, said_by=shield.text(claim.source), observed=day, until=claim.valid_to or "")
