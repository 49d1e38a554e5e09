"""What holds for any texts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.text.clusters import components
from headgate.text.disguises import unhidden
from headgate.text.leaks import copies, same_words
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.ngrams import exact_hashes
from headgate.text.tape import block_tape, joined, seen, tape_of

TEXTS = st.lists(st.text(max_size=60), max_size=12)
SENTENCES = st.lists(
    st.lists(
        st.sampled_from(["the", "a", "card", "is", "not", "lost", "5", "7", "refund", "my", "please"]), max_size=30
    ).map(" ".join),
    max_size=14,
)
SLOW = settings(max_examples=25, derandomize=True, deadline=None)
FEW = settings(max_examples=60, derandomize=True, deadline=None)


@FEW
@given(TEXTS)
def test_spans_lie_in_their_text_in_order(texts: list[str]) -> None:
    """Every word is a piece of its text, words do not overlap, and no word holds white space."""
    tape = tape_of(texts)
    assert len(texts) == len(tape)
    for index, text in enumerate(texts):
        end = 0
        for place in range(int(tape.lengths[index])):
            first, last = tape.span(index, place, 1)
            assert end <= first < last <= len(text)
            assert not any(char.isspace() for char in text[first:last])
            end = last


@FEW
@given(TEXTS)
def test_equal_words_have_equal_hashes_and_only_they(texts: list[str]) -> None:
    """Hashes and words as they are seen name each other one to one."""
    tape = tape_of(texts)
    owners = np.repeat(np.arange(len(texts)), tape.lengths)
    words = [
        unhidden(seen(texts[owner])[start:end])
        for owner, start, end in zip(owners.tolist(), tape.starts.tolist(), tape.ends.tolist(), strict=True)
    ]
    assert len(set(words)) == len(set(tape.words.tolist())) == len(set(zip(words, tape.words.tolist(), strict=True)))


@FEW
@given(TEXTS, st.integers(1, 5))
def test_blocks_do_not_matter(texts: list[str], size: int) -> None:
    """Any cutting into blocks gives the same tape."""
    whole = tape_of(texts)
    parts = joined(block_tape(texts[first : first + size]) for first in range(0, len(texts), size))
    assert whole.words.tolist() == parts.words.tolist()
    assert whole.offsets.tolist() == parts.offsets.tolist()
    assert whole.starts.tolist() == parts.starts.tolist()


@SLOW
@given(SENTENCES, st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_change_clusters(texts: list[str], drawn: object) -> None:
    """Shuffled texts fall into the same clusters of duplicates."""
    order = list(range(len(texts)))
    drawn.shuffle(order)  # type: ignore[attr-defined]

    def clusters(some: list[str], names: list[int]) -> set[frozenset[int]]:
        pairs = near_duplicate_pairs(some).duplicates
        labels = components(len(some), pairs.left, pairs.right).tolist()
        return {frozenset(n for n, own in zip(names, labels, strict=True) if own == label) for label in labels}

    assert clusters(texts, list(range(len(texts)))) == clusters([texts[place] for place in order], order)


@SLOW
@given(SENTENCES)
def test_duplicates_never_differ_in_numbers(texts: list[str]) -> None:
    """Whatever else is alike, the numbers are the same, how often included."""
    pairs = near_duplicate_pairs(texts).duplicates
    for one, two in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        assert sorted(filter(str.isdigit, texts[one].split())) == sorted(filter(str.isdigit, texts[two].split()))


@FEW
@given(SENTENCES)
def test_every_item_is_found_among_itself(texts: list[str]) -> None:
    """Each text with words has itself for an exact copy, and equal hashes mean equal words."""
    tape = tape_of(texts)
    rows, items = same_words(tape, tape)
    assert {n for n, length in enumerate(tape.lengths.tolist()) if length} == {
        row for row, item in zip(rows.tolist(), items.tolist(), strict=True) if row == item
    }
    hashes = exact_hashes(tape).tolist()
    assert len({tuple(text.split()) for text in texts}) == len(set(hashes))


@SLOW
@given(SENTENCES, SENTENCES, SENTENCES)
def test_more_rows_never_hide_an_exact_copy(rows: list[str], more: list[str], items: list[str]) -> None:
    """Adding rows keeps every pair of a long item and the row that is the item."""
    able = [item for item in items if len(set(item.split())) > 8 and len(item.split()) >= 24]
    pairs = copies(tape_of([*rows, *able, *more]), tape_of(able))
    held = set(zip(pairs.rows.tolist(), pairs.items.tolist(), strict=True))
    assert all((len(rows) + number, number) in held for number in range(len(able)))
