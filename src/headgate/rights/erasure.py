"""Erasure: the words of a person, a source or a row, gone from the ledger and from every file beside it.

Rows keep their numbers, addresses and edges, and dataset versions their bitmaps: what was made from them can still be
told. What goes are the bodies of the rows, of every record and piece of content that quotes them, the shards of token
ids that were trained on, and files of work and reports that quote them; all of these can be made again from what is
left. Row bodies go last, for the search needs them: an erasure that was killed is run again and goes on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pyroaring import BitMap
from sqlalchemy import select

from headgate.kit.clock import stamp
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger import schema
from headgate.ledger.ledger import Ledger
from headgate.rights.reach import Reach, Target, reach
from headgate.rights.traces import Traces, strings_of
from headgate.train.shard import MAGIC

ITEMS = ("item", "suite", "probe")  # what models are asked: a person decides whether an item goes
NEVER = ("dataset-version", "protection")  # hold addresses and counts, and prove what was held out
LEDGER_FILES = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm")
ADAPTERS = "adapters"  # weights; what they remember is a matter of remedies


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be erased."""

    target: Target
    found: Reach
    rows: BitMap  # whose bodies go
    merged: BitMap  # rows that were also made from rows of others, and stay
    items: bool  # whether evaluation items and frozen prompts go too


@dataclass(slots=True, kw_only=True)
class Erased:
    """What was erased, and what was not."""

    rows: int = 0
    records: list[str] = field(default_factory=list)  # ids of nodes
    content: int = 0
    files: list[str] = field(default_factory=list)  # relative to the folder of the ledger
    left: list[str] = field(default_factory=list)  # records that still quote the words, and are not taken
    yours: list[str] = field(default_factory=list)  # files of the project that hold the words
    remaining: list[str] = field(default_factory=list)  # where the search at the end still found them
    record: str = ""

    def as_json(self) -> dict[str, Any]:
        """As printed and recorded."""
        names = ("rows", "content", "records", "files", "left", "yours", "remaining", "record")
        return {name: getattr(self, name) for name in names}


def plan(ledger: Ledger, target: Target, *, merged: bool = False, items: bool = False) -> Plan:
    """The rows of a target and rows made from them alone; with `merged`, also those made from others' rows too.

    With `items`, evaluation items and frozen prompts that quote them are to go as well.

    Raises:
        Refused: the ledger knows no such person, source or row.
    """
    found = reach(ledger, target)
    rows, mixed = found.rows if merged else BitMap(found.own), BitMap(found.derived)
    parents = {number: ledger.rows.parents_of([number]) for number in found.derived - rows}
    grown = True
    while grown:
        alone = [number for number, made_of in parents.items() if number not in rows and not made_of - rows]
        rows.update(alone)
        grown = bool(alone)
    return Plan(target=target, found=found, rows=rows, merged=mixed - rows, items=items)


def erase(
    ledger: Ledger, planned: Plan, *, store: Path, by: str, reason: str, now: datetime, quiet: bool = True
) -> Erased:
    """Erases, searches again, and records what was done. `store`: the folder of the ledger, in its project.

    Raises:
        Refused: nobody is named, or no reason.
        Busy: erased, but another process reads the ledger; run it again when that has ended.
    """
    for name, text in (("name", by), ("reason", reason)):
        if not text.strip():
            raise Refused(f"an erasure without a {name}", wanted=f"--{'by' if name == 'name' else name} TEXT")
    traces, out = _traces(ledger, planned, quiet), Erased()
    shards = {row_id for _, row_id in ledger.rows.ids(planned.rows)}
    for path in _files(store):
        if _has_rows(path, shards) or (path.suffix != ".shard" and traces.in_file(path)):
            path.unlink()
            out.files.append(str(path.relative_to(store)))
    _erase_content(ledger, traces, planned.items, out)
    _erase_records(ledger, traces, planned.items, out)
    out.rows = ledger.rows.erase(planned.rows)
    out.yours = [str(path.relative_to(store.parent)) for path in _own_files(store) if traces.in_file(path)]
    out.remaining = remaining(ledger, traces, store)
    said = {
        "target": str(planned.target),
        "by": by,
        "reason": reason,
        "at": stamp(now),
        "merged_left": len(planned.merged),
    }
    out.record = ledger.record("decision", "erasure", said | out.as_json())
    return out


def remaining(ledger: Ledger, traces: Traces, store: Path) -> list[str]:
    """Where the words still stand: bytes of every file beside the ledger and of the ledger's own, raw and unpacked."""
    out = [path.name for path in (store / name for name in LEDGER_FILES) if path.exists() and traces.in_file(path)]
    out += [str(path.relative_to(store)) for path in _files(store) if traces.in_file(path)]
    out += [f"content {address}" for address in traces.among(_content(ledger))]
    bodies = ((number, _text(body)) for number, _, body in ledger.rows.bodies(ledger.rows.all_numbers()))
    return out + [f"the body of row {number}" for number in traces.among(bodies)]


def _traces(ledger: Ledger, planned: Plan, quiet: bool) -> Traces:
    texts = [text for _, _, body in ledger.rows.bodies(planned.rows) for text in strings_of(orjson.loads(body))]
    others = ledger.rows.all_numbers() - planned.rows

    def surviving() -> Iterator[str]:
        with progress("reading the rows that stay", len(others), quiet=quiet) as advance:
            for _, _, body in ledger.rows.bodies(others):
                advance(1)
                yield from strings_of(orjson.loads(body))

    return Traces.of(texts, surviving())


def _erase_content(ledger: Ledger, traces: Traces, items: bool, out: Erased) -> None:
    prompts = {str(node.body.get("prompts")): node for node in ledger.find("probe")}
    for address in list(traces.among(_content(ledger))):
        if address in prompts and not items:
            out.left.append(f"prompts of probe {prompts[address].name} {address}")
        else:
            out.content += ledger.content.erase(address)


def _erase_records(ledger: Ledger, traces: Traces, items: bool, out: Erased) -> None:
    found = traces.among(((node, kind, name), body) for node, kind, name, body in _records(ledger))
    for node, kind, name in list(found):
        if kind in NEVER or (kind in ITEMS and not items):
            out.left.append(f"{kind} {name} {node}")
        elif ledger.nodes.erase(node):
            out.records.append(node)


def _records(ledger: Ledger) -> Sequence[Any]:
    nodes, bodies = schema.nodes, schema.node_bodies
    query = select(nodes.c.id, nodes.c.kind, nodes.c.name, bodies.c.body).join(bodies, bodies.c.seq == nodes.c.seq)
    with ledger.snapshot() as connection:
        return connection.execute(query).all()


def _content(ledger: Ledger) -> Iterator[tuple[str, str]]:
    with ledger.snapshot() as connection:
        known = list(connection.scalars(select(schema.content_bytes.c.digest)))
    for address in known:
        yield address, _text(ledger.content.get(address))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _files(store: Path) -> Iterator[Path]:
    """Files of the folder of the ledger but the ledger itself and weights."""
    for path in sorted(store.rglob("*")):
        weights = path.suffix == ".safetensors"
        if path.is_file() and not path.is_symlink() and path.name not in LEDGER_FILES and not weights:
            yield path


def _own_files(store: Path) -> Iterator[Path]:
    """Files of the project that are the user's."""
    for path in sorted(store.parent.rglob("*")):
        inside = path.relative_to(store.parent).parts
        hidden = any(part.startswith(".") for part in inside)
        if path.is_file() and not path.is_symlink() and not hidden and path.suffix != ".safetensors":
            yield path


def _has_rows(path: Path, ids: set[str]) -> bool:
    """Whether a file is a shard of token ids with one of the rows."""
    if path.suffix != ".shard":
        return False
    with path.open("rb") as stream:
        head = stream.read(len(MAGIC) + 8)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + 8:
            return True  # damaged: it can be made again
        header = stream.read(struct.unpack("<Q", head[len(MAGIC) :])[0])
    try:
        return not ids.isdisjoint(orjson.loads(header)["rows"])
    except (orjson.JSONDecodeError, KeyError):
        return True


def lines(planned: Plan, done: Erased | None) -> list[str]:
    """A plan, or what was done, in one screen."""
    made = len(planned.rows - planned.found.own)
    out = [f"{planned.target}: {len(planned.rows):,} rows, {made:,} of them made from the others"]
    if planned.merged:
        out.append(f"  {len(planned.merged):,} rows were made from rows of others too and stay (--merged takes them)")
    if planned.found.shared:
        out.append(f"  {planned.found.shared:,} rows say what rows of others say: those others stay")
    if done is None:
        return [*out, "nothing was erased: look at `headgate rights impact`, then add --yes"]
    out.append(
        f"  erased: {done.rows:,} row bodies, {len(done.records):,} records, {done.content:,} pieces of content, "
        f"{len(done.files):,} files"
    )
    out += [f"    {name}" for name in done.files]
    out += [f"  left, for a person to decide (--items takes them): {name}" for name in done.left]
    out += [f"  still in a file of yours: {name}" for name in done.yours]
    found = ", ".join(done.remaining[:3])
    out.append(
        f"  STILL THERE: {found}"
        if done.remaining
        else "  a search of every file of the ledger finds none of their words"
    )
    return out
