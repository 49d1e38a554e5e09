"""Near copies of short texts, and phrases."""

from __future__ import annotations

import numpy as np

from headgate.text.short_items import alone, chance_rows, near_short
from headgate.text.tape import tape_of

ROWS = [
    "hello, how do i top up my apple watch please",
    "how do i top up my phone",
    "how do i top up by cheque",
    "where is the nearest machine that takes coins",
    "where is the nearest machine that takes coins",
    "i will be there at 5 tomorrow with my violin",
    *(f"yes please, that is number {n}" for n in range(40)),
]


def test_the_row_that_holds_most_is_found_with_its_lead() -> None:
    """A greeting does not hide a copy; the same words twice are one row; the gap is to what says something else."""
    items = tape_of(["how do i top up my apple watch", "where is the nearest machine that takes coin"])
    found = alone(tape_of(ROWS), items, np.arange(2))
    assert [0, 3] == found.row.tolist()
    assert 1.0 == found.held[0]
    assert 0.2 < found.gap[0] < 1.0
    assert found.held[1] == found.gap[1]


def test_another_number_or_word_is_another_question() -> None:
    """Nearly all characters agree, and the sense does not."""
    items = tape_of(["i will be there at 6 tomorrow with my violin", "i will be there at 5 tomorrow with my guitar"])
    near = near_short(tape_of(ROWS), items, np.arange(2), least=0.7)
    assert [(5, 0), (5, 1)] == list(zip(near.rows.tolist(), near.items.tolist(), strict=True))
    assert [False, False] == near.same_sense.tolist()


def test_a_row_that_is_skipped_is_not_found() -> None:
    """Rows are compared with the others, not with themselves."""
    rows = tape_of(ROWS)
    asked = np.array([0, 5])
    found = alone(rows, rows, asked, skip=asked)
    assert 5 not in found.row.tolist()
    assert 0 not in found.row.tolist()


def test_phrases_would_meet_by_chance() -> None:
    """Common words meet in some row anyway, rare ones do not."""
    expected = chance_rows(tape_of(ROWS), tape_of(["yes please", "apple violin", ""]), np.arange(3))
    assert expected[0] > 30
    assert expected[1] < 0.1
    assert len(ROWS) == expected[2]
