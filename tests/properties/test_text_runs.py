"""Runs of telling n-grams are what a search by hand finds."""

from __future__ import annotations

import random

import numpy as np
import pytest

from headgate.text.coverage import N, coverage
from headgate.text.ngrams import word_ngrams
from headgate.text.tape import tape_of

WORDS = ["refund", "card", "lost", "order", "euro", "late", "item", "box"]


def longest(item: list[int], row: set[int], boilerplate: set[int]) -> int:
    """Telling n-grams of an item, in order, that a row has one after the other."""
    best = here = 0
    for gram in item:
        if gram in boilerplate:
            continue
        here = here + 1 if gram in row else 0
        best = max(best, here)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_runs_pass_over_boilerplate(seed: int) -> None:
    """Items with repeats, rows that share some of their runs, n-grams of more than three rows left out."""
    drawn = random.Random(seed)
    items = [" ".join(drawn.choices(WORDS, k=drawn.randint(0, 25))) for _ in range(6)]
    rows = []
    for _ in range(30):
        words = drawn.choice(items).split()
        begin = drawn.randrange(len(words) + 1)
        rows.append(" ".join([*drawn.choices(WORDS, k=3), *words[begin : begin + drawn.randint(0, 14)]]))
    row_tape, item_tape = tape_of(rows), tape_of(items)
    found = coverage(row_tape, item_tape, common_rows=3, common_share=0.0)
    of_rows = [set(word_ngrams(row_tape, N).of(row).tolist()) for row in range(len(rows))]
    of_items = [word_ngrams(item_tape, N).of(item).tolist() for item in range(len(items))]
    everywhere = [gram for grams in of_rows for gram in grams]
    boilerplate = {gram for gram in set(everywhere) if everywhere.count(gram) > 3}
    pairs = zip(found.rows.tolist(), found.items.tolist(), strict=True)
    wanted = [longest(of_items[item], of_rows[row], boilerplate) for row, item in pairs]
    assert wanted == found.run.tolist()
    assert np.count_nonzero(found.run > 1) > 3
