"""Erasure: the words of a person, a source or a row, gone from the ledger and from every file beside it.

Rows keep their numbers, addresses and edges, and dataset versions their bitmaps: what was made from them can still be
told. What goes are the bodies of the rows, of every record and piece of content that quotes them, the shards of token
ids that were trained on, and files of work and reports that quote them; all of these can be made again from what is
left. Row bodies go last, for the search needs them: an erasure that was killed is run again and goes on.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pyroaring import BitMap
from sqlalchemy import select

from headgate.kit.clock import stamp
from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY
from headgate.kit.hashing import PREFIX as ADDRESS
from headgate.kit.hashing import digest_file, digest_json
from headgate.kit.progress import progress
from headgate.ledger import schema
from headgate.ledger.approvals import BEGUN, DONE, ERASURE, second, spend
from headgate.ledger.cases import KIND, PREFIX
from headgate.ledger.claims import WHAT
from headgate.ledger.holds import must_not_be_held
from headgate.ledger.ledger import Edge, Ledger, Node
from headgate.ledger.roles import ERASE, require
from headgate.ledger.sealing import ITEMS, QUOTING
from headgate.rights import came_back, restating
from headgate.rights.copied import erase_in_copies
from headgate.rights.reach import Reach, Target, as_kept, reach
from headgate.rights.traces import Traces, strings_of
from headgate.rows.row import from_bytes
from headgate.train.shard import MAGIC

LEDGER_FILES = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.key")
FOLDER, OURS = ".headgate", ("work", "reports", "cache")  # where files may be deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be erased."""

    target: Target
    found: Reach
    rows: BitMap  # whose bodies go
    merged: BitMap  # rows that were also made from rows of others, and stay
    items: bool  # whether evaluation items and frozen prompts go too

    @property
    def scope(self) -> str:
        """Digest of what goes, so that what one person approved is what another one erases."""
        return digest_json([list(self.rows), self.items])

    @property
    def act(self) -> tuple[str, str, str]:
        """What it is about, its scope, and it in words, for somebody to approve."""
        return str(self.target), self.scope, f"{len(self.rows):,} rows of {self.target}"


@dataclass(slots=True, kw_only=True)
class Erased:
    """What was erased, and what was not."""

    rows: int = 0
    restated: int = 0  # rows that stay and named the erased ones, or each other, by plain addresses
    before: int = 0  # rows whose bodies were gone already, and cannot be searched for
    records: list[str] = field(default_factory=list)  # ids of nodes
    content: int = 0
    files: list[str] = field(default_factory=list)  # relative to the folder of the ledger
    left: list[str] = field(default_factory=list)  # records that still quote the words, and are not taken
    yours: list[str] = field(default_factory=list)  # files of the project that hold the words
    remaining: list[str] = field(default_factory=list)  # where the search at the end still found them
    unread: list[str] = field(default_factory=list)  # files that could not be searched, and why
    unreached: list[str] = field(default_factory=list)  # copies that only an administrator can remove
    unseen: list[str] = field(default_factory=list)  # erased by the book of the server, and not searched byte by byte
    record: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is left to do for a person."""
        return not (self.left or self.yours or self.remaining or self.unread or self.unreached)

    def as_json(self) -> dict[str, Any]:
        """As printed and recorded."""
        counts = ("rows", "restated", "before", "content")
        lists = ("records", "files", "left", "yours", "remaining", "unread", "unreached", "unseen")
        return {name: getattr(self, name) for name in (*counts, *lists, "record")}


def plan(ledger: Ledger, target: Target, *, merged: bool = False, items: bool = False) -> Plan:
    """The rows of a target and rows made from them alone; with `merged`, also those made from others' rows too.

    With `items`, evaluation items and frozen prompts that quote them are to go as well.

    Raises:
        Refused: the ledger knows no such person, source or row.
    """
    found = reach(ledger, target)
    rows, mixed = found.rows if merged else BitMap(found.own), BitMap(found.derived)
    parents = {number: ledger.rows.parents_of([number]) for number in found.derived - rows}
    above = BitMap.union(BitMap(), *parents.values())
    gone = above - BitMap(number for number, _, _ in ledger.rows.bodies(above))  # erased for others before
    grown = True
    while grown:
        alone = [number for number, made_of in parents.items() if number not in rows and not made_of - rows - gone]
        rows.update(alone)
        grown = bool(alone)
    return Plan(target=as_kept(ledger, target), found=found, rows=rows, merged=mixed - rows, items=items)


def erase(
    ledger: Ledger, planned: Plan, *, store: Path, by: str, reason: str, now: datetime, quiet: bool = True
) -> Erased:
    """Erases, searches again, and records what was done. `store`: the folder of the ledger, in its project.

    Raises:
        Refused: nobody is named, or no reason; a legal hold keeps a row; they may not erase, or nobody else approved
            it where two people want to.
        Busy: erased, but another process reads the ledger; run it again when that has ended.
    """
    must_be_answered_for(by, reason)
    person = require(ledger, ERASE, by=by, about=str(planned.target), now=now)
    must_not_be_held(ledger, planned.rows, now)
    approval = second(ledger, ERASE, str(planned.target), planned.scope, person, now)
    staying = restating.of(ledger, planned.rows, planned.merged)
    shards = _shards(ledger, planned, store)  # a run keeps their digests salted; other records and files go with them
    traces, out = _traces(ledger, planned, {*staying.addresses, *_digests(ledger, shards)}, quiet), Erased()
    out.before = len(planned.rows) - sum(1 for _ in ledger.rows.bodies(planned.rows))
    out.left = _items(ledger, traces) if not planned.items else []
    if out.left:
        return out  # whole or not at all: once the words are gone nobody could look for them again
    said = {"target": str(planned.target), "reason": reason, "at": stamp(now), **person.as_json()}
    said |= {"approval": approval.id} if approval else {}
    with ledger.transaction():
        spend(ledger, approval, person, now)
        begun = ledger.record("decision", ERASURE, said | {"state": BEGUN, "rows": len(planned.rows)})
    _erase_files(ledger, shards, traces, store, out)
    copied = erase_in_copies(ledger, traces, store.parent, out.unread)
    out.files, out.yours = [*out.files, *copied.gone], [*out.yours, *copied.kept]
    with ledger.erasing() as swept:
        for address in list(traces.among(_content(ledger))):
            out.content += ledger.content.erase(address)
        _erase_records(ledger, traces, planned.items, out)
        out.yours += [str(path.relative_to(store.parent)) for path in traces.in_files(_own_files(store), out.unread)]
        out.yours = [*dict.fromkeys([*out.yours, *_still_yours(ledger, planned.target, store)])]
        # Once the words are gone, nobody could find these files again: an erasure that is run again reads them here.
        marks = {name: _mark(ledger, path) for name in out.yours if (path := store.parent / name).is_file()}
        ledger.record("decision", ERASURE, said | {"state": "searched", "yours": marks})
        with ledger.transaction():  # the plain addresses of both are looked for as long as either has one
            ledger.rows.restate(staying.bodies)
            out.restated, out.rows = len(staying.bodies), ledger.rows.erase(planned.rows)
    out.unreached, out.unseen = list(swept.left), list(swept.unseen)
    out.remaining = remaining(ledger, traces, store, out)
    told = said | {"state": DONE, "merged_left": len(planned.merged), "whole": out.whole} | out.as_json()
    out.record = ledger.record("decision", ERASURE, told, edges=[Edge("supersedes", begun)])
    came_back.note(store, planned.target, said["at"], out.record)
    return out


def unfinished(ledger: Ledger, target: str = "") -> list[Node]:
    """Erasures that began and did not come to their end; of those about `target` (as written down), where given."""
    open_: dict[str, Node] = {}
    for node in ledger.find("decision", ERASURE):  # oldest first
        if node.body["state"] == BEGUN:
            open_[node.body["target"]] = node
        elif node.body["state"] == DONE:
            open_.pop(node.body["target"], None)
    return [node for about, node in open_.items() if target in ("", about)]


def _still_yours(ledger: Ledger, target: Target, store: Path) -> list[str]:
    """Files of the project in which an earlier erasure of the same found the words, and that are as they were then."""
    found: dict[str, str] = {}
    for node in ledger.find("decision", ERASURE):
        if (node.body.get("target"), node.body.get("state")) == (str(target), "searched"):
            found |= node.body["yours"]
    files = ((name, store.parent / name, mark) for name, mark in found.items())
    return [name for name, path, mark in files if path.is_file() and mark in (_mark(ledger, path), digest_file(path))]


def _mark(ledger: Ledger, path: Path) -> str:
    """What a file is known by; keyed, for it may hold little but the words."""
    return ledger.seal.of(digest_file(path))


def must_be_answered_for(by: str, reason: str) -> None:
    """Refuses an erasure that nobody answers for.

    Raises:
        Refused: no name, or no reason.
    """
    for name, option, text in (("name", "by", by), ("reason", "reason", reason)):
        if not text.strip() or not text.isprintable():
            raise Refused(f"an erasure without a {name} in one line", found=repr(text), wanted=f"--{option} TEXT")


def remaining(ledger: Ledger, traces: Traces, store: Path, done: Erased) -> list[str]:
    """Where the words still stand: the files of the ledger, raw and unpacked, and what it has in its tables."""
    out, unseen = ledger.database.found_in_files(traces.in_bytes)
    done.unseen += unseen
    out += [str(path.relative_to(store)) for path in traces.in_files(_files(store), done.unread)]
    out += [f"content {address}" for address in traces.among(_content(ledger))]
    bodies = ((number, _text(body)) for number, _, body in ledger.rows.bodies(ledger.rows.all_numbers()))
    return out + [f"the body of row {number}" for number in traces.among(bodies)]


def _traces(ledger: Ledger, planned: Plan, more: Iterable[str], quiet: bool) -> Traces:
    texts = [text for _, _, body in ledger.rows.bodies(planned.rows) for text in _words(body)]
    # A merged row that stays may hold words of the person, so that it does not make them anybody's.
    others = ledger.rows.all_numbers() - planned.rows - planned.merged

    def surviving() -> Iterator[str]:
        with progress("reading the rows that stay", len(others), quiet=quiet) as advance:
            for _, _, body in ledger.rows.bodies(others):
                advance(1)
                yield from _words(body)

    return Traces.of(texts, surviving(), {*_addresses(ledger, planned), *more}).without_values_in(_own_words(ledger))


def _own_words(ledger: Ledger) -> Iterator[str]:
    """What the ledger says by itself, and keeps: names of people who acted, reasons, settings, claims."""
    yield from (body for _, kind, _, body in _records(ledger) if kind not in QUOTING | ITEMS)
    for what in WHAT:
        yield from (orjson.dumps(claim.as_json()).decode() for claim in ledger.claims.all(what))


def _addresses(ledger: Ledger, planned: Plan) -> list[str]:
    """Plain addresses under which rows and their words may be named, and by which a short text could be guessed.

    Not that of words that rows of others say too, nor the keyed address by which a row that was erased before is named.
    """
    if not ledger.seal.keyed:
        return []
    kept = {address for _, address in ledger.rows.kept(planned.rows)}
    out = [row_id for _, row_id in ledger.rows.ids(planned.rows) if row_id not in kept]
    for _, _, body in ledger.rows.bodies(planned.rows - ledger.rows.said_elsewhere(planned.rows)):
        with contextlib.suppress(Refused):  # a body that is no row has no address of its words
            out.append(from_bytes(body).content_id)
    return out


def _words(body: bytes) -> Iterator[str]:
    """What a row says; of its side data only what nobody declared, for keys and names are no words of a person."""
    row = orjson.loads(body)
    side = row.pop("side", None) or {}
    yield from strings_of(row)
    yield from strings_of(side.get("extra"))


def _items(ledger: Ledger, traces: Traces) -> list[str]:
    """Evaluation items and frozen prompts that quote the words."""
    prompts = {str(node.body.get("prompts")): node.name for node in ledger.find("probe")}
    kinds = ((f"{kind} {name} {node}", body) for node, kind, name, body in _records(ledger) if kind in ITEMS)
    frozen = ((f"prompts of probe {prompts[a]} {a}", text) for a, text in _content(ledger) if a in prompts)
    return [*traces.among(kinds), *traces.among(frozen)]


def _shards(ledger: Ledger, planned: Plan, store: Path) -> list[Path]:
    ids = {row_id for _, row_id in ledger.rows.ids(planned.rows | planned.merged)}
    return [path for path in _files(store) if path.suffix == ".shard" and _has_rows(path, ids)]


def _digests(ledger: Ledger, shards: Sequence[Path]) -> Iterator[str]:
    """What shards are called by; not those that a run of an earlier headgate names, whose record stays as it is."""
    if not ledger.seal.keyed:
        return
    named = {str(run.body.get("plan", run.body).get("data", run.body).get("shard")) for run in ledger.find("run")}
    digests = (f"{ADDRESS}{path.stem}" for path in shards)
    yield from (one for one in digests if schema.is_address(one) and one not in named)


def _erase_files(ledger: Ledger, shards: Sequence[Path], traces: Traces, store: Path, out: Erased) -> None:
    quoting = traces.in_files((path for path in _files(store) if path.suffix != ".shard"), out.unread)
    for path in [*shards, *quoting]:
        inside = path.relative_to(store)
        if store.resolve().name != FOLDER or inside.parts[0] not in OURS:
            out.yours.append(str(inside))  # nothing that a person may have put there is deleted
            continue
        try:
            path.unlink(missing_ok=True)  # an erasure beside this one may have been there first
            out.files.append(str(inside.with_stem(_kept_name(ledger, path))))
        except OSError as error:
            out.unread.append(f"{inside}: {error.strerror}")
    out.unread += [f"{path.relative_to(store)}: a link" for path in sorted(store.rglob("*")) if path.is_symlink()]


def _kept_name(ledger: Ledger, path: Path) -> str:
    """The name under which a file is said to be gone: that of a shard is a digest to try texts for one row against."""
    address = ADDRESS + path.stem
    shard = path.suffix == ".shard" and schema.is_address(address)
    return ledger.seal.of(address).removeprefix(ADDRESS) if shard else path.stem


def _erase_records(ledger: Ledger, traces: Traces, items: bool, out: Erased) -> None:
    found = traces.among(((node, kind, name), body) for node, kind, name, body in _records(ledger))
    for node, kind, name in list(found):
        may = (kind in QUOTING and not (kind == KIND and name.startswith(PREFIX))) or (items and kind in ITEMS)
        if not may:
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
    """Files of the folder of the ledger but the ledger itself, weights, and notes of who was erased."""
    for path in sorted(store.rglob("*")):
        known = path.suffix == ".safetensors" or path.name in LEDGER_FILES or path.parent == store / came_back.NOTES
        if path.is_file() and not path.is_symlink() and not known:
            yield path


def _own_files(store: Path) -> Iterator[Path]:
    """Files of the project that are the user's."""
    for path in sorted(store.parent.rglob("*")):
        inside = path.relative_to(store.parent).parts
        # What a killed command of ours left half-written is hidden, and nobody knows of it.
        hidden = any(part.startswith(".") and not part.startswith(TEMPORARY) for part in inside)
        if path.is_file() and not path.is_symlink() and not hidden and path.suffix != ".safetensors":
            yield path


def _has_rows(path: Path, ids: set[str]) -> bool:
    """Whether a file is a shard of token ids with one of the rows; one that is damaged can be made again, and goes."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(MAGIC) + 8)
            size = struct.unpack("<Q", head[len(MAGIC) :])[0]
            header = stream.read(min(size, path.stat().st_size))
        return not head.startswith(MAGIC) or not ids.isdisjoint(orjson.loads(header)["rows"])
    except (OSError, struct.error, orjson.JSONDecodeError, KeyError, TypeError):
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
    if done.left and not done.record:
        out.append("nothing was erased: these quote them too. Take them with --items, or change them first:")
        return [*out, *(f"  {name}" for name in done.left)]
    out.append(
        f"  erased: {done.rows:,} row bodies, {len(done.records):,} records, {done.content:,} pieces of content, "
        f"{len(done.files):,} files"
    )
    if done.before:
        out.append(f"  {done.before:,} rows had been erased before: their words are not known and are not looked for")
    if done.restated:
        out.append(
            f"  {done.restated:,} rows that stay named them by addresses to try texts against: now by keyed ones"
        )
    out += [f"    {name}" for name in done.files]
    out += [f"  kept, and quotes them: {name}" for name in done.left]
    out += [f"  still in a file of yours: {name}" for name in done.yours]
    out += [f"  not searched: {name}" for name in done.unread]
    out += [f"  not reached, and may still hold them: {name}" for name in done.unreached]
    out += [f"  rewritten, and not searched byte by byte: {name}" for name in done.unseen]
    found = ", ".join(done.remaining[:3])
    if done.remaining:
        out.append(f"  STILL THERE: {found}")
    elif done.rows:
        out.append("  a search of the ledger, its work files and reports finds none of their words")
    return out
