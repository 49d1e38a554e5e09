"""The rows that rows were made from, as far as the ledger knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyroaring import BitMap

from headgate.ledger.ledger import Ledger
from headgate.ledger.schema import is_address
from headgate.rows.row import Kind, Row, Side
from headgate.rows.stored import stored_rows


def ancestry(ledger: Ledger, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The rows, and their parents, the parents of these and so on, each once.

    Both name their parents by address where the ledger has linked them, though a file named them by ids of its own:
    the same id may be that of other rows in another file. Parents that were never captured, or were erased, are left
    out; what those were made from is not.
    """
    given = list(rows)
    made = [row for row in given if row.side.parents]
    if not made:
        return given, []
    called = {parent for row in made for parent in row.side.parents if is_address(parent)}
    level = ledger.rows.numbers_of(called) | ledger.rows.parents_of(ledger.rows.numbers_of(row.id for row in made))
    seen = BitMap()
    while level:
        seen |= level
        level = ledger.rows.parents_of(level) - seen
    return _traced(ledger, given), _traced(ledger, [row for _, row in stored_rows(ledger, seen)])


def erased_above(ledger: Ledger, rows: Iterable[Row]) -> list[Row]:
    """Those that rows were made from and whose words were erased: under the address that stays, with whom it is about.

    A row that was also made from rows of others outlives them, and their person has withdrawn no less.
    """
    level = ledger.rows.numbers_of(row.id for row in rows if row.side.parents)
    seen = BitMap()
    while level := ledger.rows.parents_of(level) - seen:
        seen |= level
    gone = {number: Side(subject=subject, source=source) for number, subject, source in ledger.rows.erased_among(seen)}
    return [
        Row(kind=Kind.DEMONSTRATION, side=gone[number]).known_as(address) for number, address in ledger.rows.kept(gone)
    ]


def _traced(ledger: Ledger, rows: list[Row]) -> list[Row]:
    named = {row.id for row in rows if not all(map(is_address, row.side.parents))}
    if not named:
        return rows
    children = dict(ledger.rows.ids(ledger.rows.numbers_of(named)))
    links = list(ledger.rows.links_up(children))
    addresses = dict(ledger.rows.ids(parent for _, parent in links))
    found: dict[str, dict[str, None]] = {}
    for child, parent in links:
        found.setdefault(children[child], {})[addresses[parent]] = None
    return [_naming(row, found[row.id]) if row.id in found else row for row in rows]


def _naming(row: Row, found: Iterable[str]) -> Row:
    """A row with its parents by address first, and then those that it names and the ledger does not know."""
    parents = tuple(dict.fromkeys((*found, *row.side.parents)))
    return replace(row, side=replace(row.side, parents=parents)).known_as(row.id, getattr(row, "_content_id", None))
