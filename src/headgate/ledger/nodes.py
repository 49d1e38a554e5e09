"""Nodes and edges: everything that is known, by content address, and how it hangs together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, delete, insert, select
from sqlalchemy.sql import Select

from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import canonical_json, short
from headgate.ledger import schema
from headgate.ledger.among import among, among_addresses, parts
from headgate.ledger.chain import Writing
from headgate.ledger.sealing import Seal

KINDS = frozenset(
    {
        "source", "subject", "row", "signal", "trace", "dataset-version", "suite", "item", "rubric", "judge", "base",
        "run", "adapter", "probe", "score", "verdict", "decision", "waiver", "release", "deployment", "claim", "case",
        "step", "protection", "admission",
    }
)  # fmt: skip
LABELS = frozenset({"derived-from", "member-of", "trained-on", "judged-by", "served-as", "supersedes"})
MEMBER = "member-of"  # the whole needs its members
ORDER = "supersedes"  # no need
SHORTEST_PREFIX = len("b3:") + 4

Reading = Callable[[], AbstractContextManager[Connection]]
Begin = Callable[[], AbstractContextManager[Writing]]


@dataclass(frozen=True, slots=True)
class Edge:
    """From the node at hand to another: what it was made from, what it belongs to, ..."""

    label: str
    target_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing that is known. The id is the address of kind, name and body."""

    id: str
    kind: str
    name: str
    body: Mapping[str, Any]
    at: str  # moment of recording, ISO 8601 in UTC
    seq: int  # number of its log entry
    erased: bool = False  # the body was erased; id and edges stay

    def as_json(self) -> dict[str, Any]:
        """As printed and exported."""
        return {name: getattr(self, name) for name in ("id", "kind", "name", "at", "seq", "erased", "body")}


@dataclass(frozen=True, slots=True)
class Link:
    """One edge with both ends."""

    source_id: str
    label: str
    target_id: str


class Nodes:
    """The graph of one ledger."""

    def __init__(self, reading: Reading, begin: Begin, seal: Seal) -> None:
        self._reading = reading
        self._begin = begin
        self._seal = seal

    def record(self, kind: str, name: str, body: Mapping[str, Any], edges: Iterable[Edge] = ()) -> str:
        """Records a node and its edges; what is known already is not recorded again. Returns the id.

        Raises:
            Broken: unknown kind or edge label, or an edge to a node that is not there.
        """
        if kind not in KINDS:
            raise Broken("unknown kind of node", found=kind, wanted=", ".join(sorted(KINDS)))
        address = self._seal.node(kind, name, body)
        with self._begin() as writing:
            found = writing.connection.execute(select(schema.nodes.c.seq).where(schema.nodes.c.id == address)).first()
            if found is None:
                said = {"id": address, "kind": kind, "name": name, "at": writing.now()}
                row = {"seq": writing.append("node", said), **said}
                writing.connection.execute(insert(schema.nodes), row)
                text = canonical_json(body).decode()
                writing.connection.execute(insert(schema.node_bodies), {"seq": row["seq"], "body": text})
            self._link(writing, address, list(edges))
        return address

    def link(self, source_id: str, edges: Iterable[Edge]) -> int:
        """Adds edges to a node or row that is there; known edges are not added again. Returns how many were new."""
        with self._begin() as writing:
            return self._link(writing, source_id, list(edges))

    def _link(self, writing: Writing, source_id: str, edges: Sequence[Edge]) -> int:
        if not edges:
            return 0
        unknown = sorted({edge.label for edge in edges} - LABELS)
        if unknown:
            raise Broken("unknown edge label", found=", ".join(unknown), wanted=", ".join(sorted(LABELS)))
        named = {source_id, *(edge.target_id for edge in edges)}
        there = self._there(writing.connection, self._seal.either(named))
        kept = {one: one if one in there else self._seal.of(one) for one in named if schema.is_address(one)}
        if absent := sorted(one for one in named if kept.get(one) not in there):
            raise Broken("an edge to something that is not in the ledger", found=", ".join(absent[:3]))
        source_id = kept[source_id]
        wanted = {(source_id, edge.label, kept[edge.target_id]) for edge in edges}
        table = schema.edges.c
        known = writing.connection.execute(
            select(table.source_id, table.label, table.target_id).where(table.source_id == source_id)
        )
        new = sorted(wanted - {(a, b, c) for a, b, c in known})
        if not new:
            return 0
        seq = writing.append("edges", {"edges": [list(one) for one in new]})
        rows = [{"source_id": a, "label": b, "target_id": c, "seq": seq} for a, b, c in new]
        writing.connection.execute(insert(schema.edges), rows)
        return len(new)

    def _there(self, connection: Connection, ids: Iterable[str]) -> set[str]:
        wanted = sorted(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            for table in (schema.nodes, schema.rows):
                found |= set(connection.scalars(select(table.c.id).where(table.c.id.in_(part))))
        return found

    def erase(self, address: str) -> bool:
        """Removes what a node says for good; its id and edges stay. False when it was gone already.

        Raises:
            Refused: the body of a dataset version, which proves its rows and holds no text.
        """
        with self._begin() as writing:
            node = self.get(address)
            if node.kind == "dataset-version":
                raise Refused("the manifest of a dataset version is never erased", found=node.name)
            writing.erases = True
            if node.erased:
                return False
            bodies = schema.node_bodies
            writing.connection.execute(delete(bodies).where(bodies.c.seq == node.seq))
            writing.append("node-erased", {"id": node.id})
        return True

    def get(self, name: str) -> Node:
        """A node by id, by the beginning of its id, or by its name (the newest of that name).

        Raises:
            Refused: there is none, or the beginning fits several.
        """
        with self._reading() as connection:
            if schema.is_address(name):
                found = connection.execute(_nodes().where(schema.nodes.c.id == name)).first()
            elif name.startswith("b3:"):
                return self._by_prefix(connection, name)
            else:
                query = _nodes().where(schema.nodes.c.name == name).order_by(schema.nodes.c.seq.desc()).limit(1)
                found = connection.execute(query).first()
        if found is None:
            raise Refused("the ledger has no such record", found=name, next_step="headgate ledger log")
        return _node(found)

    def _by_prefix(self, connection: Connection, prefix: str) -> Node:
        digits = prefix.removeprefix("b3:")
        if len(prefix) < SHORTEST_PREFIX or not all(digit in "0123456789abcdef" for digit in digits):
            raise Refused("not the beginning of an address", found=prefix, wanted="b3: and at least 4 hex digits")
        low, high = "b3:" + digits.ljust(64, "0"), "b3:" + digits.ljust(64, "f")
        query = _nodes().where(schema.nodes.c.id.between(low, high)).limit(3)
        found = [_node(row) for row in connection.execute(query)]
        if not found:
            raise Refused("the ledger has no such record", found=prefix, next_step="headgate ledger log")
        if len(found) > 1:
            several = ", ".join(f"{node.kind} {short(node.id, len(digits) + 6)}" for node in found)
            raise Refused("the beginning of an address fits several records", found=several, wanted="more digits")
        return found[0]

    def find(self, kind: str, name: str | None = None) -> list[Node]:
        """All nodes of a kind (and name), oldest first."""
        query = _nodes().where(schema.nodes.c.kind == kind).order_by(schema.nodes.c.seq)
        if name is not None:
            query = query.where(schema.nodes.c.name == name)
        with self._reading() as connection:
            return [_node(row) for row in connection.execute(query)]

    def latest(self, kind: str, name: str) -> Node | None:
        """The newest node of a kind and name."""
        query = _nodes().where(schema.nodes.c.kind == kind, schema.nodes.c.name == name)
        with self._reading() as connection:
            row = connection.execute(query.order_by(schema.nodes.c.seq.desc()).limit(1)).first()
        return _node(row) if row else None

    def many(self, ids: Iterable[str], kinds: Collection[str] = ()) -> list[Node]:
        """Nodes by id, oldest first, of some kinds (or any); ids of rows and unknown ids are left out."""
        query = _nodes().where(schema.nodes.c.kind.in_(kinds)) if kinds else _nodes()
        query = query.where(among_addresses(schema.nodes.c.id, set(ids))).order_by(schema.nodes.c.seq)
        with self._reading() as connection:
            return [_node(row) for row in connection.execute(query)]

    def links(self, ids: Iterable[str], *, upstream: bool, label: str | None = None) -> list[Link]:
        """Edges that leave the nodes (upstream: to what they need) or that arrive at them."""
        table = schema.edges.c
        near = table.source_id if upstream else table.target_id
        query = select(table.source_id, table.label, table.target_id).where(among_addresses(near, set(ids)))
        if label is not None:
            query = query.where(table.label == label)
        with self._reading() as connection:
            return [Link(*row) for row in connection.execute(query.order_by(table.seq, table.label, table.target_id))]

    def beside(
        self, seqs: Iterable[int], numbers: Iterable[int], *, downstream: bool
    ) -> tuple[dict[int, str], set[str]]:
        """What is one step of a walk away from some nodes, by their log entries, and from some rows.

        Downstream is from what is needed to what needs it, and from members to their whole; upstream is back again.

        Returns:
            The kinds of the nodes that were found by their log entries, and the addresses of the rows.
        """
        near, rows = schema.nodes.alias("near"), schema.rows
        found: dict[int, str] = {}
        others: set[str] = set()
        starts = ((near, near.c.seq, seqs), (rows, rows.c.number, numbers))
        with self._reading() as connection:
            for (table, number, wanted), way in product(starts, _ways(downstream)):
                for part in parts(wanted):
                    query = _step(table, *way).where(among(number, part))
                    for seq, kind, address in connection.execute(query):
                        if seq is None:
                            others.add(address)
                        else:
                            found[seq] = kind
        return found, others

    def at(self, seqs: Iterable[int]) -> list[Node]:
        """Nodes by their log entries, oldest first."""
        out: list[Node] = []
        with self._reading() as connection:
            for part in parts(seqs):
                query = _nodes().where(among(schema.nodes.c.seq, part)).order_by(schema.nodes.c.seq)
                out += [_node(row) for row in connection.execute(query)]
        return out


def _ways(downstream: bool) -> tuple[tuple[ColumnElement[str], ColumnElement[str], ColumnElement[bool]], ...]:
    """The two kinds of edges of a walk: the end at which it is, the other end, and which edges."""
    edges = schema.edges.c
    source, target = edges.source_id, edges.target_id
    needs, belongs = and_(edges.label != MEMBER, edges.label != ORDER), edges.label == MEMBER
    if downstream:
        return (target, source, needs), (source, target, belongs)
    return (source, target, needs), (target, source, belongs)


def _step(
    start: FromClause, here: ColumnElement[str], there: ColumnElement[str], which: ColumnElement[bool]
) -> Select[Any]:
    """Log entry and kind of the nodes at the other ends of edges; of an end that is no node, its address."""
    far = schema.nodes.alias("far")
    # Most ends are nodes: their addresses are neither read as text nor looked for among millions of rows.
    other = case((far.c.seq.is_(None), there))
    ends = schema.edges.join(start, start.c.id == here).outerjoin(far, far.c.id == there)
    return select(far.c.seq, far.c.kind, other).select_from(ends).where(which)


def _nodes() -> Select[Any]:
    bodies = schema.node_bodies
    return select(schema.nodes, bodies.c.body).select_from(
        schema.nodes.outerjoin(bodies, bodies.c.seq == schema.nodes.c.seq)
    )


def _node(row: Any) -> Node:
    seq, address, kind, name, at, body = row
    known = orjson.loads(body) if body is not None else {}
    return Node(id=address, kind=kind, name=name, body=known, at=at, seq=seq, erased=body is None)
