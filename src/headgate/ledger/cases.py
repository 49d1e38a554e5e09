"""Open cases as they are read below the desk that works on them: whether a model was made from rows of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyroaring import BitMap

from headgate.ledger.nodes import Node

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger

KIND, PREFIX = "case", "rights/"
ROWS = "rows"  # some rows, by the address of the bitmap of their numbers
OPEN, CLOSED = "open", "closed"
JUSTIFY = "justify"  # the one remedy under which a model stays in use


def latest(ledger: Ledger) -> list[Node]:
    """The newest record of every case, in order of opening."""
    found: dict[str, Node] = {}
    for node in ledger.find(KIND):
        if node.name.startswith(PREFIX):
            found[node.name] = node
    return list(found.values())


def rows_of(ledger: Ledger, kind: str, key: str) -> BitMap:
    """The rows of a person, of a source by name, one row by address, or some by that of their numbers."""
    if kind == ROWS:
        return BitMap.deserialize(ledger.content.get(key))
    if kind == "row":
        number = ledger.rows.number_of(key)
        return BitMap() if number is None else BitMap([number])
    if kind == "source":
        return BitMap.union(BitMap(), *(ledger.rows.numbers_of_source(node.id) for node in ledger.find(kind, key)))
    return ledger.rows.numbers_of_subject(key)


def open_on(ledger: Ledger, adapter: str) -> list[Node]:
    """Open cases about rows that an adapter was made from, directly or through rows made from them, and unanswered."""
    waiting = [node for node in latest(ledger) if node.body["state"] == OPEN]
    if not waiting:
        return []
    needed = ledger.closure(adapter).rows
    return [
        node
        for node in waiting
        if node.body["remedies"].get(adapter, {}).get("remedy") != JUSTIFY
        and not needed.isdisjoint(rows_of(ledger, node.body["about"]["kind"], node.body["about"]["key"]))
    ]
