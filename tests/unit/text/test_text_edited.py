"""Edited, cut and embedded copies of short items."""

from __future__ import annotations

import random

import numpy as np
import pytest

from headgate.text import edited as module
from headgate.text.coverage import coverage
from headgate.text.edited import WEIGHT, aligned_shares, edited, word_weights
from headgate.text.tape import tape_of

OTHERS = [f"Tell me all about lamp number {n} in hall {n % 7} of the palace by the sea" for n in range(40)]
ITEM = "Which of the four old bridges over the river was built before the mill burned down"


def looked(row: str, item: str = ITEM, *, others: list[str] | None = None, more: tuple[str, ...] = ()) -> module.Edited:
    """What is said of the pair of one row and one item."""
    rows, items = tape_of([row, *(OTHERS if others is None else others)]), tape_of([item, *more])
    pairs = coverage(rows, items)
    found = edited(rows, items, pairs, rows.lengths)
    kept = np.flatnonzero((pairs.rows == 0) & (pairs.items == 0))
    return module.Edited(found.share[kept], found.likely[kept], found.certain[kept])


def simple(row: list[int], item: list[int], weights: list[int]) -> int:
    """The best local alignment, cell by cell."""
    gap = sum(weights) // max(module.EXCESS * len(item), 1)
    held = [[0] * (len(item) + 1) for _ in range(len(row) + 1)]
    for here in range(1, len(row) + 1):
        for there in range(1, len(item) + 1):
            met = held[here - 1][there - 1] + weights[there - 1] if row[here - 1] == item[there - 1] else 0
            held[here][there] = max(met, held[here - 1][there] - gap, held[here][there - 1], 0)
    return max(max(line) for line in held)


@pytest.mark.parametrize("seed", range(8))
def test_alignment_is_that_of_the_textbook(seed: int) -> None:
    """Many pairs at once give what one table each gives."""
    drawn = random.Random(seed)
    texts = [" ".join(drawn.choices("abcdefgh", k=drawn.randint(1, 30))) for _ in range(24)]
    rows, items = tape_of(texts[:12]), tape_of(texts[12:])
    weights = np.array([drawn.randint(0, WEIGHT) for _ in range(len(items.words))], dtype=np.int64)
    row, item = (axis.ravel() for axis in np.meshgrid(np.arange(12), np.arange(12)))
    expected = []
    for one, two in zip(row.tolist(), item.tolist(), strict=True):
        own = weights[items.offsets[two] : items.offsets[two + 1]].tolist()
        best = simple(rows.words_of(one).tolist(), items.words_of(two).tolist(), own)
        expected.append(best / max(sum(own), 1))
    assert expected == aligned_shares(rows, items, row, item, weights).tolist()


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small limit on cells gives the same shares as a large one."""
    rows, items = tape_of([ITEM, *OTHERS]), tape_of([ITEM, OTHERS[3], "one two three four five"])
    row, item = (axis.ravel() for axis in np.meshgrid(np.arange(len(rows)), np.arange(3)))
    weights = np.full(len(items.words), WEIGHT, dtype=np.int64)
    whole = aligned_shares(rows, items, row, item, weights)
    monkeypatch.setattr(module, "CELLS", 64)
    assert whole.tolist() == aligned_shares(rows, items, row, item, weights).tolist()


def test_edited_copy_is_likely() -> None:
    """Three words of sixteen are other ones."""
    found = looked("Which of the five old bridges over the lake was built before the barn burned down")
    assert (True, False) == (bool(found.likely[0]), bool(found.certain[0]))
    assert 0.75 < found.share[0] < 0.85


def test_other_question_is_no_copy() -> None:
    """Four words in a row in common are a phrase."""
    found = looked("Nobody lived there before the mill burned down, so who owned the land then?")
    assert [False] == found.likely.tolist()


def test_cut_item_is_likely_where_the_row_says_nothing_else() -> None:
    """Ten words of sixteen alone, and the same ten before something else."""
    assert [True] == looked("Which of the four old bridges over the river was").likely.tolist()
    assert [False] == looked(
        "Which of the four old bridges over the river was your favourite then, dear?"
    ).likely.tolist()


def test_short_item_counts_where_it_stands_whole() -> None:
    """Nine words inside a longer text, and eight of them."""
    item = "Which king drained the marsh behind our old mill"
    assert [True] == looked(f"They asked: {item}, please?", item).likely.tolist()
    assert [False] == looked("They asked: which king drained the marsh behind our mill, please?", item).likely.tolist()


def test_frame_of_many_items_weighs_nothing() -> None:
    """Words that other items and rows open with are not what a copy is told by."""
    frame = "Answer in two sentences and never name any brand or shop at all: "
    asked = [frame + f"who painted gate {n}?" for n in range(30)]
    found = looked(
        frame + "how tall is tower seven?", asked[0], others=[frame + text for text in OTHERS], more=tuple(asked[1:])
    )
    assert not found.likely.any()


def test_long_rows_are_looked_at_where_the_item_is() -> None:
    """An edited copy inside a text of two thousand words."""
    drawn = random.Random(3)
    filler = " ".join(f"word{drawn.randint(0, 400)}" for _ in range(2000))
    copy = "which of the five old bridges over the lake was built before the barn burned down"
    found = looked(f"{filler} {copy} {filler}")
    assert [True] == found.likely.tolist()


def test_weights_fall_with_rows_that_have_the_phrase() -> None:
    """A phrase of one row more weighs four fifths; one of another item two thirds."""
    rows = tape_of(["alpha beta gamma delta", "alpha beta gamma delta", "one two three four"])
    items = tape_of(
        ["alpha beta gamma delta", "one two three four", "five six seven eight", "five six seven eight nine"]
    )
    weights = word_weights(items, coverage(rows, items))
    first = [int(weights[items.offsets[item]]) for item in range(3)]
    assert [WEIGHT * 4 // 5, WEIGHT, WEIGHT * 4 // 6] == first
