"""The two questions that answer most audits: what is downstream of this, and what does this need?

Edges point from a thing to what it needs (an adapter is `derived-from` its run, a run is `trained-on`
a dataset version), with two exceptions: the whole of a `member-of` edge needs its members, and
`supersedes` is an order and no need. Rows hang on dataset versions by bitmaps, on their sources, and on
other rows by their parents. A walk goes level by level over all of these at once, because a row that
was made from a person's row may stand in a version that holds none of the person's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from headgate.ledger.nodes import Node, Nodes
from headgate.ledger.rows import Rows
from headgate.ledger.versions import KIND, Versions

SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a walk found; what it started from is left out."""

    nodes: tuple[Node, ...]  # oldest first
    rows: BitMap
    held: Mapping[str, int]  # downstream: how many of the rows each dataset version holds that holds any, by node id

    def of(self, kind: str) -> list[Node]:
        """The nodes of one kind."""
        return [node for node in self.nodes if node.kind == kind]

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        nodes = [{"id": node.id, "kind": node.kind, "name": node.name, "at": node.at} for node in self.nodes]
        return {"nodes": nodes, "rows": len(self.rows)}


class Walker:
    """Walks the graph level by level."""

    def __init__(self, nodes: Nodes, rows: Rows, versions: Versions) -> None:
        self._nodes = nodes
        self._rows = rows
        self._versions = versions

    def impact(self, address: str) -> Lineage:
        """Everything downstream of a node or row."""
        return self._from(address, downstream=True)

    def impact_of_subject(self, key: str) -> Lineage:
        """The rows about a person and everything downstream of them."""
        return self.impact_of_rows(self._rows.numbers_of_subject(key))

    def impact_of_rows(self, numbers: BitMap) -> Lineage:
        """Some rows and everything downstream of them."""
        seqs, rows, held = self._walk(set(), numbers, downstream=True)
        return self._lineage(seqs, rows, held, start=set())

    def closure(self, address: str) -> Lineage:
        """Everything that a node or row needs, down to rows and their sources."""
        return self._from(address, downstream=False)

    def _from(self, address: str, *, downstream: bool) -> Lineage:
        number = self._rows.number_of(address)
        start = {self._nodes.get(address).seq} if number is None else set()
        own = BitMap() if number is None else BitMap([number])
        seqs, rows, held = self._walk(start, own, downstream=downstream)
        return self._lineage(seqs, rows - own, held, start=start)

    def _lineage(self, seqs: Set[int], rows: BitMap, held: Mapping[int, int], start: Set[int]) -> Lineage:
        nodes = self._nodes.at(seqs)
        return Lineage(
            nodes=tuple(node for node in nodes if node.seq not in start),
            rows=rows,
            held={node.id: held[node.seq] for node in nodes if node.seq in held},
        )

    def _walk(self, seqs: Set[int], numbers: BitMap, *, downstream: bool) -> tuple[set[int], BitMap, Counter[int]]:
        """Nodes, by their log entries, and rows that were reached, the start included; and what versions hold."""
        seen, seen_rows, held = set(seqs), BitMap(numbers), Counter[int]()
        front = {node.seq: node.kind for node in self._nodes.at(seqs)}
        front_rows = BitMap(numbers)
        while front or front_rows:
            # Rows to their end first: what holds any of them is then read once, and not once for each generation.
            front_rows = self._family(front_rows, seen_rows, downstream=downstream)
            seen_rows |= front_rows
            # Edges may lead to rows, and rows have edges of their own.
            linked, addresses = self._nodes.beside(front, front_rows, downstream=downstream)
            near, near_rows = self._below(front, front_rows) if downstream else self._above(front, front_rows)
            if addresses:
                near_rows |= self._rows.numbers_of(addresses)
            held.update(near)  # each time of other rows
            # Of what was not reached by an edge, the kind follows from how it was reached.
            reached = dict.fromkeys(near, KIND if downstream else SOURCE) | linked
            front = {seq: kind for seq, kind in reached.items() if seq not in seen}
            front_rows = near_rows - seen_rows
            seen.update(front)
            seen_rows |= front_rows
        return seen, seen_rows, held

    def _family(self, numbers: BitMap, seen: BitMap, *, downstream: bool) -> BitMap:
        """Some rows, and all rows made from them, or that they were made from, but those seen before."""
        step = self._rows.children_of if downstream else self._rows.parents_of
        family, newest = BitMap(numbers), numbers
        while newest:
            newest = step(newest) - family - seen
            family |= newest
        return family

    def _below(self, front: Mapping[int, str], numbers: BitMap) -> tuple[dict[int, int], BitMap]:
        rows = BitMap()
        if sources := _of(SOURCE, front):
            rows |= self._rows.numbers_of_sources(sources)
        for node in self._nodes.at(_of("subject", front)):
            rows |= self._rows.numbers_of_subject(str(node.body.get("key", node.name)))
        return self._versions.counts(numbers) if numbers else {}, rows

    def _above(self, front: Mapping[int, str], numbers: BitMap) -> tuple[dict[int, int], BitMap]:
        rows = self._versions.numbers_of(_of(KIND, front))
        return dict.fromkeys(self._rows.source_seqs(numbers), 0), rows


def _of(kind: str, front: Mapping[int, str]) -> set[int]:
    return {seq for seq, one in front.items() if one == kind}
