"""The two questions that answer most audits: what is downstream of this, and what does this need?

Edges point from a thing to what it needs (an adapter is `derived-from` its run, a run is `trained-on`
a dataset version). Rows hang on dataset versions by bitmaps and on other rows by their parents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from headgate.ledger.nodes import Node, Nodes
from headgate.ledger.rows import Rows
from headgate.ledger.versions import KIND, Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a walk found; what it started from is left out."""

    nodes: tuple[Node, ...]  # oldest first
    rows: BitMap

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
        number = self._rows.number_of(address)
        rows = self._rows_made_from(number)
        node = None if number is not None else self._nodes.get(address)
        if node is not None and node.kind == "source":
            rows |= self._rows.numbers_of_source(node.id)
        if node is not None and node.kind == "subject":
            rows |= self._rows.numbers_of_subject(str(node.body.get("key", node.name)))
        level = (
            {address} | {self._versions.get(name).node_id for name in self._versions.holding(rows)}
            if rows
            else {address}
        )
        found = self._walk(level, upstream=False) | (level - {address})
        return Lineage(nodes=tuple(self._nodes.many(found)), rows=rows - BitMap([number] if number is not None else []))

    def impact_of_subject(self, key: str) -> Lineage:
        """Everything downstream of the rows about a person."""
        rows = self._rows.numbers_of_subject(key)
        rows |= self._descendants(rows)
        level = {self._versions.get(name).node_id for name in self._versions.holding(rows)}
        return Lineage(nodes=tuple(self._nodes.many(level | self._walk(level, upstream=False))), rows=rows)

    def closure(self, address: str) -> Lineage:
        """Everything that a node needs, down to rows and their sources."""
        start = self._nodes.get(address)
        found = {start.id} | self._walk({start.id}, upstream=True)
        rows = BitMap()
        for node in self._nodes.many(found):
            if node.kind == KIND:
                rows |= self._versions.get(node.name).numbers
        found |= self._rows.sources_of(rows)
        return Lineage(nodes=tuple(self._nodes.many(found - {start.id})), rows=rows)

    def _walk(self, level: Iterable[str], *, upstream: bool) -> set[str]:
        seen: set[str] = set(level)
        begun = set(seen)
        front = set(seen)
        while front:
            links = self._nodes.links(front, upstream=upstream)
            front = {link.target_id if upstream else link.source_id for link in links} - seen
            seen |= front
        return seen - begun

    def _rows_made_from(self, number: int | None) -> BitMap:
        if number is None:
            return BitMap()
        return BitMap([number]) | self._descendants(BitMap([number]))

    def _descendants(self, numbers: BitMap) -> BitMap:
        seen = BitMap(numbers)
        front = BitMap(numbers)
        while front:
            ids = [row_id for _, row_id in self._rows.ids(front)]
            front = self._rows.children_of(ids) - seen
            seen |= front
        return seen - numbers
