"""The two questions that answer most audits: what is downstream of this, and what does this need?

Edges point from a thing to what it needs (an adapter is `derived-from` its run, a run is `trained-on`
a dataset version), with two exceptions: the whole of a `member-of` edge needs its members, and
`supersedes` is an order and no need. Rows hang on dataset versions by bitmaps, on their sources, and on
other rows by their parents. A walk goes level by level over all of these at once, because a row that
was made from a person's row may stand in a version that holds none of the person's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from headgate.ledger.nodes import Link, Node, Nodes
from headgate.ledger.rows import Rows
from headgate.ledger.versions import KIND, Versions

MEMBER = "member-of"
ORDER = "supersedes"


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
        ids, rows, held = self._walk(set(), numbers, downstream=True)
        return Lineage(nodes=tuple(self._nodes.many(ids)), rows=rows, held=held)

    def closure(self, address: str) -> Lineage:
        """Everything that a node or row needs, down to rows and their sources."""
        return self._from(address, downstream=False)

    def _from(self, address: str, *, downstream: bool) -> Lineage:
        number = self._rows.number_of(address)
        start = {self._nodes.get(address).id} if number is None else set()
        own = BitMap() if number is None else BitMap([number])
        ids, rows, held = self._walk(start, own, downstream=downstream)
        return Lineage(nodes=tuple(self._nodes.many(ids - start)), rows=rows - own, held=held)

    def _walk(self, ids: set[str], numbers: BitMap, *, downstream: bool) -> tuple[set[str], BitMap, Counter[str]]:
        seen, seen_rows, held = set(ids), BitMap(numbers), Counter[str]()
        front, front_rows = set(ids), BitMap(numbers)
        while front or front_rows:
            # Rows to their end first: what holds any of them is then read once, and not once for each generation.
            front_rows = self._family(front_rows, seen_rows, downstream=downstream)
            seen_rows |= front_rows
            # Links may lead to rows, and rows have links of their own.
            linked = self._linked(front, front_rows, downstream=downstream)
            near, near_rows = self._below(front, front_rows) if downstream else self._above(front, front_rows)
            held.update(near)  # each time of other rows
            near_rows |= self._rows.numbers_of(linked)
            front, front_rows = (linked | set(near)) - seen, near_rows - seen_rows
            seen |= front
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

    def _linked(self, ids: set[str], numbers: BitMap, *, downstream: bool) -> set[str]:
        to_targets, to_sources = (
            self._nodes.links(ids, upstream=upstream) + self._nodes.links_of_rows(numbers, upstream=upstream)
            for upstream in (True, False)
        )
        return {link.target_id for link in to_targets if _follows(link, to_whole=downstream, towards_target=True)} | {
            link.source_id for link in to_sources if _follows(link, to_whole=downstream, towards_target=False)
        }

    def _below(self, ids: set[str], numbers: BitMap) -> tuple[dict[str, int], BitMap]:
        rows = BitMap()
        for node in self._nodes.many(ids, kinds=("source", "subject")):
            if node.kind == "source":
                rows |= self._rows.numbers_of_source(node.id)
            else:
                rows |= self._rows.numbers_of_subject(str(node.body.get("key", node.name)))
        return self._versions.nodes_holding(numbers) if numbers else {}, rows

    def _above(self, ids: set[str], numbers: BitMap) -> tuple[dict[str, int], BitMap]:
        rows = BitMap()
        for node in self._nodes.many(ids, kinds=(KIND,)):
            rows |= self._versions.get(node.name).numbers
        return dict.fromkeys(self._rows.sources_of(numbers), 0) if numbers else {}, rows


def _follows(link: Link, *, to_whole: bool, towards_target: bool) -> bool:
    """Whether a walk goes along an edge; `to_whole` is downstream, where members lead to their whole."""
    if link.label == ORDER:
        return False
    needs_target = link.label != MEMBER
    return (needs_target != to_whole) if towards_target else (needs_target == to_whole)
