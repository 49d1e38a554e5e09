"""The end of a curation: the proof that splits are disjoint, the manifest, and the frozen version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pyroaring import BitMap

from headgate.curate import disjoint, memory
from headgate.curate.disjoint import Proof
from headgate.curate.keys import alike_pairs
from headgate.curate.settings import Settings, SplitSettings
from headgate.curate.slices import table
from headgate.curate.splitting import ACROSS, Memory
from headgate.curate.working import Bench, removed_from
from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.versions import DatasetVersion
from headgate.rows.row import Row

FORMAT = 1  # of the manifest


def previous(ledger: Ledger, name: str) -> DatasetVersion | None:
    """The newest version of a dataset, or None."""
    if not any(known.rpartition("@")[0] == name for known in ledger.versions.names()):
        return None
    return ledger.versions.get(name)


def recalled(ledger: Ledger, version: DatasetVersion | None) -> Memory:
    """Assignments that must hold on."""
    return memory.recall(ledger, version.manifest.get("manifest", {}), version.splits) if version else Memory()


def part_twins(bench: Bench, settings: SplitSettings) -> None:
    """Takes rows away until no near-duplicates lie in two splits; the split named last keeps its rows.

    In a crowd of alike rows only some pairs are compared, and which ones depends on the crowd; so
    what is left at the end is compared once more.
    """
    rank = {name: place for place, name in enumerate([*settings.shares, settings.later])}
    while len({item.split for item in bench.items}) > 1:
        order = sorted(range(len(bench.items)), key=lambda p: (bench.items[p].split, bench.items[p].row.content_id))
        pairs = np.array(order, dtype=np.int64)[alike_pairs([bench.items[p].row for p in order], settings)]
        gone = {}
        for one, other in pairs.tolist():
            splits = [bench.items[p].split for p in (one, other)]
            if splits[0] != splits[1]:
                lower = min((rank.get(name, len(rank)), p) for name, p in zip(splits, (one, other), strict=True))[1]
                gone[lower] = removed_from(bench.items[lower], "split", ACROSS)
        if not gone:
            return
        bench.remove("split", gone)


def freeze(
    ledger: Ledger, name: str, bench: Bench, settings: Settings, assigned: Memory | None, selected: Sequence[Row]
) -> tuple[str, Mapping[str, Any]]:
    """Freezes the rows in hand; returns the version's name and the manifest. One transaction, the last act.

    Raises:
        Refused: there are no rows left.
        Broken: the splits are not disjoint.
    """
    if not bench.items:
        raise Refused("no row is left", wanted="a looser filter, or fewer steps", found=_counts(bench))
    splits: dict[str, list[Row]] = {}
    numbers: dict[str, BitMap] = {}
    for item in bench.items:
        splits.setdefault(item.split, []).append(item.row)
        numbers.setdefault(item.split, BitMap()).add(item.number)
    proof = disjoint.prove(splits, settings.splitting, ledger.seal)
    if not proof.holds:
        raise Broken("splits are not disjoint", found=str(proof.as_json()["between"]))
    everything = BitMap.union(*numbers.values())
    with ledger.transaction():
        manifest = _manifest(ledger, bench, settings, assigned, proof, table(selected, bench.rows()))
        sources = sorted(ledger.rows.sources_of(everything))
        held_out = [split for split in numbers if split != settings.splitting.train]
        version = ledger.versions.freeze(
            name, numbers=everything, splits=numbers, manifest=manifest, parents=sources, held_out=held_out
        )
    return version, manifest


def _manifest(
    ledger: Ledger,
    bench: Bench,
    settings: Settings,
    assigned: Memory | None,
    proof: Proof,
    slices: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    removed = b"".join(canonical_json(one.as_json()) + b"\n" for one in bench.removed)
    manifest = {
        "format": FORMAT,
        "settings": settings.plain(),
        "steps": [report.as_json() for report in bench.reports],
        "removed": {"rows": len(bench.removed), "list": ledger.content.put(removed) if removed else ""},
        disjoint.ENTRY: proof.as_json(),
        "slices": list(slices),
        "sources": _sources([item.row for item in bench.items]),
    }
    if assigned is not None:
        manifest[memory.ENTRY] = memory.remember(ledger, assigned)
    return manifest


def _sources(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows of each source, and the licences that the rows themselves state."""
    found: dict[str, Any] = {}
    for row in rows:
        entry = found.setdefault(row.side.source or "", {"rows": 0, "licences": {}})
        entry["rows"] += 1
        if row.side.licence:
            entry["licences"][row.side.licence] = entry["licences"].get(row.side.licence, 0) + 1
    return found


def _counts(bench: Bench) -> str:
    return ", ".join(f"{report.step}: {report.before:,} to {report.after:,}" for report in bench.reports)
