"""Proves that nothing was edited: recomputes the chain and compares every record with its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import zstandard
from pyroaring import BitMap
from sqlalchemy import Connection, Row, Select, func, select

from headgate.kit.hashing import digest, digest_json
from headgate.ledger import schema
from headgate.ledger.among import among, parts
from headgate.ledger.chain import GENESIS, Entry, Head, entry_hash, head_of
from headgate.ledger.rows import facts_digest, parents_digest
from headgate.ledger.sealing import Seal
from headgate.ledger.store import Store
from headgate.stats.verdict import Outcome

PROBLEMS_KEPT = 1000
AT_ONCE = 500  # rows whose bytes are read at once


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was recorded."""

    seq: int | None  # log entry
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found."""

    head: Head
    entries: int
    nodes: int
    rows: int
    content: int
    problems: tuple[Problem, ...]

    @property
    def outcome(self) -> Outcome:
        """Pass when nothing was found."""
        return Outcome.FAIL if self.problems else Outcome.PASS

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        counts = {name: getattr(self, name) for name in ("entries", "nodes", "rows", "content")}
        problems = [{"seq": one.seq, "what": one.what} for one in self.problems]
        return {"outcome": self.outcome.value, "head": self.head.hash, **counts, "problems": problems}


def with_problems(found: Verification, more: Iterable[str]) -> Verification:
    """A verification with problems that the tables alone do not show."""
    return replace(found, problems=(*found.problems, *(Problem(None, one) for one in more)))


def verify(connection: Connection, seal: Seal, store: Store, head: str | None = None) -> Verification:
    """Checks the whole ledger as one snapshot."""
    problems: list[Problem] = []
    checks = (_chain(connection, seal), _nodes(connection, seal), _edges(connection, seal))
    bytes_too = (_rows(connection, seal, store), _content(connection, seal, store), _place_of_content(connection))
    for check in (*checks, *bytes_too, _claims(connection, seal), _versions(connection, seal)):
        for problem in check:
            if len(problems) < PROBLEMS_KEPT:
                problems.append(problem)
    if head is not None and connection.scalar(select(schema.log.c.seq).where(schema.log.c.hash == head)) is None:
        problems.append(
            Problem(None, f"the expected head {head} is not in the chain: entries were cut off or replaced")
        )
    return Verification(
        head=head_of(connection),
        entries=_count(connection, schema.log),
        nodes=_count(connection, schema.nodes),
        rows=_count(connection, schema.rows),
        content=_count(connection, schema.content),
        problems=tuple(problems),
    )


def entries(
    connection: Connection, *, since: int = 0, limit: int | None = None, newest: bool = False, kind: str | None = None
) -> list[Entry]:
    """Log entries after a number, oldest first; `kind` keeps node entries of that kind."""
    table = schema.log
    order = table.c.seq.desc() if newest else table.c.seq
    query = select(table).where(table.c.seq > since).order_by(order)
    if kind is not None:
        of_kind = select(schema.nodes.c.seq).where(schema.nodes.c.kind == kind)
        query = query.where(table.c.seq.in_(of_kind))
    if limit is not None:
        query = query.limit(limit)
    found = [_entry(row) for row in connection.execute(query)]
    return found[::-1] if newest else found


def _entry(row: Any) -> Entry:
    fields = {name: getattr(row, name) for name in Entry.__slots__ if name != "payload"}
    return Entry(payload=orjson.loads(row.payload), **fields)


def _chain(connection: Connection, _seal: Seal) -> Iterator[Problem]:
    previous, expected = GENESIS, 1
    for row in connection.execute(select(schema.log).order_by(schema.log.c.seq).execution_options(yield_per=2000)):
        if row.seq != expected:
            yield Problem(row.seq, f"entries {expected} to {row.seq - 1} are missing")
        if row.previous != previous:
            yield Problem(row.seq, "does not follow the entry before it: one of the two was changed, moved or removed")
        if digest(row.payload.encode()) != row.payload_digest:
            yield Problem(row.seq, "its payload was edited")
        if entry_hash(row.previous, row.seq, row.at, row.action, row.payload_digest) != row.hash:
            yield Problem(row.seq, "its own fields were edited")
        previous, expected = row.hash, row.seq + 1


def _payloads(connection: Connection, action: str) -> dict[int, Any]:
    query = select(schema.log.c.seq, schema.log.c.payload).where(schema.log.c.action == action)
    return {row.seq: orjson.loads(row.payload) for row in connection.execute(query)}


def _nodes(connection: Connection, seal: Seal) -> Iterator[Problem]:
    logged = _payloads(connection, "node")
    erased = {body["id"] for body in _payloads(connection, "node-erased").values()}
    nodes, bodies = schema.nodes, schema.node_bodies
    query = select(nodes, bodies.c.body).select_from(nodes.outerjoin(bodies, bodies.c.seq == nodes.c.seq))
    for row in connection.execute(query):
        said = logged.pop(row.seq, None)
        if said != {"id": row.id, "kind": row.kind, "name": row.name, "at": row.at}:
            yield Problem(row.seq, f"node {row.kind} {row.name!r} is not what the log says")
        if row.body is None:
            if row.id not in erased:
                yield Problem(row.seq, f"the body of {row.kind} {row.name!r} is gone and was not erased")
        elif seal.node(row.kind, row.name, orjson.loads(row.body)) != row.id:
            yield Problem(row.seq, f"the body of {row.kind} {row.name!r} was edited")
    for seq in logged:
        yield Problem(seq, "the node of this entry was deleted")


def _edges(connection: Connection, _seal: Seal) -> Iterator[Problem]:
    logged = {seq: {tuple(one) for one in body["edges"]} for seq, body in _payloads(connection, "edges").items()}
    table = schema.edges.c
    query = select(table.seq, table.source_id, table.label, table.target_id)
    for row in connection.execute(query):
        edge = (row.source_id, row.label, row.target_id)
        if edge not in logged.get(row.seq, set()):
            yield Problem(row.seq, f"an edge {row.label!r} that the log does not have")
        else:
            logged[row.seq].discard(edge)
    for seq, left in logged.items():
        if left:
            yield Problem(seq, f"{len(left)} edges of this entry were deleted")


def _rows(connection: Connection, seal: Seal, store: Store) -> Iterator[Problem]:
    erased = BitMap(n for body in _payloads(connection, "rows-erased").values() for n in body["numbers"])
    restated: dict[int, str] = {}
    for _, body in sorted(_payloads(connection, "rows-restated").items()):
        restated |= dict(body["rows"])
    decompress = zstandard.ZstdDecompressor().decompress
    rows, bodies = schema.rows, schema.row_bodies
    told = BitMap()
    for seq, batch in sorted(_payloads(connection, "rows").items()):
        first, count = batch["first"], batch["rows"]
        told |= BitMap(range(first, first + count))
        query = (
            select(rows, bodies.c.body, bodies.c.id.label("plain"))
            .select_from(rows.outerjoin(bodies, bodies.c.number == rows.c.number))
            .where(rows.c.number.between(first, first + count - 1))
            .order_by(rows.c.number)
        )
        facts = []
        for row, body in with_bytes(connection, store, query, "body"):
            facts.append(dict(row._mapping))
            if row.body is None:
                if row.number not in erased:
                    yield Problem(seq, f"the body of row {row.number} is gone and was not erased")
            elif body is None:
                yield Problem(seq, f"the body of row {row.number} is lost, or its object was edited")
            elif not _decodes(seal, decompress, body, restated.get(row.number, row.body_digest)):
                yield Problem(seq, f"the body of row {row.number} was edited")
            elif row.number in restated and row.plain is not None:
                yield Problem(seq, f"row {row.number} has its plain address again")
            elif row.plain is not None and seal.of(row.plain) != row.id:
                yield Problem(seq, f"the address of row {row.number} was edited")
        if facts_digest(facts) != batch["digest"]:
            yield Problem(seq, f"rows {first} to {first + count - 1} are not the ones that were appended")
        table = schema.row_parents
        made = connection.execute(select(table).where(table.c.child.between(first, first + count - 1)))
        if parents_digest(dict(one._mapping) for one in made) != batch["parents_digest"]:
            yield Problem(seq, f"the parents of rows {first} to {first + count - 1} were edited")
    if strays := BitMap(connection.scalars(select(rows.c.number)).all()) - told:
        yield Problem(None, f"{len(strays)} rows that the log does not have, the first {strays[0]}")


def _claims(connection: Connection, _seal: Seal) -> Iterator[Problem]:
    logged = _payloads(connection, "claim")
    names = ("about", "what", "source", "observed_at", "valid_from", "valid_to", "evidence", "supersedes")
    for row in connection.execute(select(schema.claims)):
        said = logged.pop(row.seq, {})
        fields = {name: getattr(row, name) for name in names} | {"value": orjson.loads(row.value)}
        told = (said.get("id"), said.get("recorded_at"))
        if told != (row.id, row.recorded_at) or digest_json(fields) != row.id:
            yield Problem(row.seq, f"the claim on {row.what} of {row.about} was edited")
    for seq in logged:
        yield Problem(seq, "the claim of this entry was deleted")


def _content(connection: Connection, seal: Seal, store: Store) -> Iterator[Problem]:
    logged = {body["digest"]: seq for seq, body in _payloads(connection, "content").items()}
    erased = {body["digest"] for body in _payloads(connection, "content-erased").values()}
    decompress = zstandard.ZstdDecompressor().decompress
    table, data = schema.content, schema.content_bytes
    query = select(table.c.digest, table.c.seq, data.c.bytes).select_from(
        table.outerjoin(data, data.c.digest == table.c.digest)
    )
    for row, data_there in with_bytes(connection, store, query, "bytes"):
        if logged.pop(row.digest, None) != row.seq:
            yield Problem(row.seq, "content that the log does not have")
        if row.bytes is None:
            if row.digest not in erased:
                yield Problem(row.seq, "content is gone and was not erased")
        elif data_there is None:
            yield Problem(row.seq, "content is lost, or its object was edited")
        elif not _decodes(seal, decompress, data_there, row.digest):
            yield Problem(row.seq, "content was edited")
    for seq in logged.values():
        yield Problem(seq, "the content of this entry was deleted")


def with_bytes(
    connection: Connection, store: Store, query: Select[Any], column: str
) -> Iterator[tuple[Row[Any], bytes | None]]:
    """Each row of a query, with the bytes that a column of it stands for; None where there are none."""
    for part in connection.execute(query.execution_options(yield_per=AT_ONCE)).partitions():
        kept = [getattr(row, column) for row in part if getattr(row, column) is not None]
        fetched = iter(store.fetch(connection, kept))
        for row in part:
            yield row, next(fetched) if getattr(row, column) is not None else None


def _place_of_content(connection: Connection) -> Iterator[Problem]:
    logged = _payloads(connection, "content-store")
    for row in connection.execute(select(schema.content_store)):
        if logged.pop(row.seq, None) != {"place": row.place, "folder": row.folder}:
            yield Problem(row.seq, "the place of content is not what the log says")
    for seq in logged:
        yield Problem(seq, "the place of content was deleted")


def _versions(connection: Connection, _seal: Seal) -> Iterator[Problem]:
    logged: dict[str, tuple[int, dict[str, Any]]] = {}
    logged |= {body["name"]: (seq, body) for seq, body in _payloads(connection, "version").items()}
    query = select(schema.versions, schema.node_bodies.c.body).join(
        schema.node_bodies, schema.node_bodies.c.seq == schema.versions.c.seq
    )
    for row in connection.execute(query):
        name = f"{row.name}@{row.number}"
        seq, said = logged.pop(name, (row.seq, {}))
        manifest = orjson.loads(row.body)
        if said.get("manifest") != row.manifest_digest or digest_json(manifest) != row.manifest_digest:
            yield Problem(seq, f"the manifest of {name} was edited")
        if not _holds(connection, row.numbers, manifest):
            yield Problem(seq, f"the rows of {name} are not those of its manifest")
        splits = connection.execute(select(schema.version_splits).where(schema.version_splits.c.seq == row.seq)).all()
        said_splits = manifest.get("splits", {})
        same = {one.split for one in splits} == set(said_splits)
        if not same or not all(_holds(connection, one.numbers, said_splits[one.split]) for one in splits):
            yield Problem(seq, f"the splits of {name} are not those of its manifest")
    for name, (seq, _) in logged.items():
        yield Problem(seq, f"dataset version {name} was deleted")


def _holds(connection: Connection, packed: bytes, said: dict[str, Any]) -> bool:
    try:
        numbers = sorted(BitMap.deserialize(packed))
    except (TypeError, ValueError):
        return False
    ids: list[str] = []
    table = schema.rows.c
    for part in parts(numbers):
        ids += connection.scalars(select(table.id).where(among(table.number, part)).order_by(table.number))
    return len(ids) == said.get("rows") and digest_json(ids) == said.get("ids")


def _decodes(seal: Seal, decompress: Callable[[bytes], bytes], packed: bytes, address: str) -> bool:
    try:
        return seal.address(decompress(packed)) == address
    except (TypeError, zstandard.ZstdError):
        return False


def _count(connection: Connection, table: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
