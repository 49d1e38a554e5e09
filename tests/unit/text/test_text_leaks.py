"""Copies of items in rows, and the likest row of an item."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text.coverage import coverage, longest_run
from headgate.text.leaks import copies, needed_share, same_words
from headgate.text.similarity import calibrate, nearest
from headgate.text.tape import tape_of

ITEM = (
    "A gardener plants 12 rows of beans with 9 plants in each row, and after a frost in May one third of all "
    "plants has died; how many plants does she have to buy to fill the gaps in every row again?"
)


def found(rows: list[str], items: list[str]) -> list[tuple[int, int]]:
    """Pairs of row and item that are copies and no twins."""
    pairs = copies(tape_of(rows), tape_of(items))
    kept = pairs.where(~pairs.twin)
    return list(zip(kept.rows.tolist(), kept.items.tolist(), strict=True))


@pytest.mark.parametrize(
    "row",
    [
        ITEM,
        ITEM.upper().replace(",", " "),
        "Exam of last year. " + ITEM + " Show your work. The answer is 36.",
        " ".join(ITEM.split()[:24]),
        ITEM.replace("gardener", "farmer").replace("beans", "peas"),
    ],
    ids=["whole", "case", "inside", "cut", "edited"],
)
def test_copies_of_a_long_item(row: str) -> None:
    """Whole, in other case, inside a longer text, cut to 60 %, lightly edited."""
    assert [(1, 0)] == found(["something else about beans and frost", row], ["who are you", ITEM][1:])


def test_the_longest_run_is_measured_in_words() -> None:
    """Words in common, and where the run begins in both texts."""
    row, item = tape_of(["x y a b c d e z"]), tape_of(["q a b c d e w"])
    assert (5, 2, 1) == longest_run(row.words, item.words)
    assert (0, 0, 0) == longest_run(row.words, tape_of(["a b"]).words)


def test_other_numbers_make_twins() -> None:
    """The same frame with other numbers is a twin; with the same numbers it is a copy."""
    twin = ITEM.replace("12", "40").replace("9", "31").replace("one third", "a quarter")
    pairs = copies(tape_of([twin, ITEM.replace("gardener", "farmer")]), tape_of([ITEM]))
    assert [(0, True), (1, False)] == list(zip(pairs.rows.tolist(), pairs.twin.tolist(), strict=True))


def test_short_items_need_all_their_words() -> None:
    """From 25 telling n-grams half is enough, from 9 all; below that nothing is."""
    telling = np.array([8, 9, 13, 17, 25])
    assert [2.0, 1.0, 0.75, 0.65, 0.5] == needed_share(telling).tolist()
    assert [2.0, 1.0, 0.9, 0.9, 0.9] == needed_share(telling, 0.9).tolist()


def test_same_words_lists_every_row() -> None:
    """An item that stands in two rows has two pairs; items without words have none."""
    rows, items = tape_of(["Hi!", "hello there", "hi", ""]), tape_of(["hi", "", "nobody"])
    left, right = same_words(rows, items)
    assert [(0, 0), (2, 0)] == list(zip(left.tolist(), right.tolist(), strict=True))


def test_boilerplate_proves_nothing_unless_the_item_is_whole() -> None:
    """A frame that forty rows share is no copy; the item from end to end is, in spite of the frame."""
    frame = "You are a careful assistant of the library and answer in one sentence with the number of the shelf:"
    rows = [f"{frame} where is book {n}" for n in range(40)]
    item = f"{frame} where do the atlases stand"
    assert [] == found(rows, [item])
    assert [(40, 0)] == found([*rows, item], [item])


def test_coverage_is_of_the_item_and_not_of_the_row() -> None:
    """A long row does not dilute the share; a repeated n-gram counts once."""
    rows = tape_of(["lorem ipsum " * 200 + "one two three four five six " * 3])
    pairs = coverage(rows, tape_of(["one two three four five six"]))
    assert [1.0] == pairs.share.tolist()
    assert [3] == pairs.shared.tolist()


def test_nothing_to_compare() -> None:
    """Empty sides give no pairs and no scores."""
    empty, some = tape_of([]), tape_of([ITEM])
    for rows, items in ((empty, some), (some, empty), (empty, empty)):
        assert 0 == len(copies(rows, items).rows)
        assert len(items) == len(nearest(items, rows).score)


def test_the_likest_row_keeps_the_numbers() -> None:
    """Of two rows on one topic, the one with the item's numbers comes first."""
    rows = [
        "Beans stand in 7 rows of 30 plants. One half dies in the frost. How many must the gardener buy?",
        "After the frost a third of 12 by 9 bean plants is dead. How many must be bought again?",
        "Which river flows through Budapest?",
    ]
    best = nearest(tape_of([ITEM, "the name of the river in Budapest"]), tape_of(rows))
    assert [1, 2] == best.row.tolist()
    assert (best.score <= best.cosine + 1e-12).all()


def test_a_row_can_be_skipped() -> None:
    """A row compared with its own corpus is not its own neighbour."""
    rows = tape_of(["red apples and green pears", "green pears and red plums", "a boat on the lake"])
    best = nearest(rows, rows, skip=np.arange(3))
    assert [1, 0] == best.row[:2].tolist()
    assert best.score[2] < 0.5


def test_an_item_that_shares_no_word_has_no_neighbour() -> None:
    """Row -1 and score 0."""
    best = nearest(tape_of(["zebra"]), tape_of(["apple pie", "plum cake"]))
    assert ([-1], [0.0]) == (best.row.tolist(), best.score.tolist())


def test_calibration_leaves_copies_out() -> None:
    """Rows with a word-for-word copy do not raise the threshold."""
    vocabulary = [f"{a}{b}" for a in "bcdfg" for b in "aeiou"]
    drawn = np.random.default_rng(2)
    texts = [" ".join(drawn.choice(vocabulary, 12)) for _ in range(120)]
    clean, copied = calibrate(tape_of(texts)), calibrate(tape_of([*texts, *texts[:40]]))
    assert 120 == clean.honest
    assert 80 == copied.honest
    assert copied.threshold < 0.95
    assert (1.0, 0) == (calibrate(tape_of([])).threshold, calibrate(tape_of([])).honest)
