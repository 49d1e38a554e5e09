"""Where items stand whole inside rows."""

from __future__ import annotations

import random

import pytest

from headgate.text.occurrences import occurrences
from headgate.text.tape import tape_of


@pytest.mark.parametrize("seed", range(5))
def test_every_place_is_found(seed: int) -> None:
    """The same places as a scan word by word, over a vocabulary in which much repeats."""
    drawn = random.Random(seed)
    rows = [[drawn.choice("abc") for _ in range(drawn.randint(0, 60))] for _ in range(12)]
    items = [[drawn.choice("abc") for _ in range(drawn.randint(0, 9))] for _ in range(12)]
    slow = [
        (r, at, i)
        for r, row in enumerate(rows)
        for at in range(len(row))
        for i, item in enumerate(items)
        if len(item) >= 4 and row[at : at + len(item)] == item
    ]
    found = occurrences(tape_of([" ".join(row) for row in rows]), tape_of([" ".join(item) for item in items]))
    assert sorted(slow) == list(zip(found.rows.tolist(), found.places.tolist(), found.items.tolist(), strict=True))


def test_shorter_items_cannot_be_asked_for() -> None:
    """Items are found by their first four words."""
    with pytest.raises(ValueError, match="first 4 words"):
        occurrences(tape_of(["a b c d"]), tape_of(["a b c"]), least_words=3)
