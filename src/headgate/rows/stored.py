"""Rows of the ledger as rows: the one place where stored bytes become a row again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyroaring import BitMap

from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row, from_bytes


def stored_rows(ledger: Ledger, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, Row]]:
    """Each row with its number, in order of number; erased rows are left out."""
    for number, address, body in ledger.rows.bodies(numbers):
        yield number, from_bytes(body).known_as(address)
