"""The rows that rows were made from, as far as the ledger knows them."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows


def ancestors(ledger: Ledger, rows: Iterable[Row]) -> list[Row]:
    """Parents, their parents and so on, each once; parents that were never captured, or were erased, are left out."""
    seen: set[str] = set()
    level = {parent for row in rows for parent in row.side.parents}
    found: list[Row] = []
    while level:
        seen |= level
        above = [row for _, row in stored_rows(ledger, ledger.rows.numbers_of(level))]
        found += above
        level = {parent for row in above for parent in row.side.parents} - seen
    return found
