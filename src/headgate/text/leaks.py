"""Copies of short texts (items) inside longer ones (rows): whole, embedded, cut or lightly edited.

How much of an item must be covered depends on how much there is to cover: half of forty words is
evidence, half of eight is a turn of phrase. `needed_share` with `STEPS` was set on the 3,080 test questions of
banking77 and the 3,000 validation questions of clinc150, where it leaves 2 in 1,000 (all of them
longer questions that really are reworked copies). With `LIKELY_SHARE` and `LIKELY_STEPS` heavily edited copies
are found as well, and 1.3 rows in 10,000 that are none (chosen on banking77, clinc150, STAR, LLMBar and GPTeacher;
the page of self-leak has what both do on other data). Items under nine telling n-grams count only
when their words are the same from end to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.coverage import Coverage, N, coverage, longest_runs
from headgate.text.edited import Edited, edited
from headgate.text.guards import number_words
from headgate.text.ngrams import exact_hashes, word_ngrams
from headgate.text.tape import Hashes, Mask, Positions, Tape, ranges

LONG, MIDDLE, BRIEF, SHORT = 25, 17, 13, 9  # telling n-grams of an item (its words less three)
STEPS = {MIDDLE: 0.65, BRIEF: 0.75, SHORT: 1.0}  # share that is asked of items of that length
LIKELY_SHARE = 0.4  # of a long item, for a look by a person; of shorter ones `edited` says more
PHRASE_ROWS = 2  # rows; what more rows hold of an item under `BRIEF`, short of all of it, is a turn of phrase
TWIN_NUMBERS = 0.75  # share of the item's numbers that a true copy keeps, in order
RAREST_ROWS = 100  # rows looked at for an item that is all boilerplate


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Pairs of a row and an item of which the row holds a copy, by item, then row; P pairs."""

    rows: Positions  # (P,)
    items: Positions  # (P,)
    share: NDArray[np.float64]  # (P,): of the item's telling n-grams
    words: Positions  # (P,): longest run of words in common
    twin: Mask  # (P,): same frame with other numbers: two fillings of a template, not a copy
    aligned: NDArray[np.float64]  # (P,): of the weight of the item's words, in order; 0 where that was not looked at
    repeated: Mask  # (P,): of which so much is in order that nothing but a copy is

    @property
    def covered(self) -> NDArray[np.float64]:
        """Share of each item that the row covers, by n-grams or word by word; shape (P,)."""
        return np.maximum(self.share, self.aligned)

    def where(self, kept: Mask | Positions) -> Copies:
        """Some of the pairs, by mask or by position."""
        return Copies(
            rows=self.rows[kept],
            items=self.items[kept],
            share=self.share[kept],
            words=self.words[kept],
            twin=self.twin[kept],
            aligned=self.aligned[kept],
            repeated=self.repeated[kept],
        )


def together(one: Copies, other: Copies) -> Copies:
    """The pairs of both, each once: what is no twin before a twin, then as the first has it."""
    columns = ((getattr(one, name), getattr(other, name)) for name in Copies.__dataclass_fields__)
    both = Copies(*(np.concatenate(column) for column in columns))
    order = np.lexsort((both.twin, both.rows, both.items))
    rows, items = both.rows[order], both.items[order]
    first = np.append(True, (np.diff(rows) != 0) | (np.diff(items) != 0)) if len(order) else np.zeros(0, dtype=bool)
    return both.where(order[first])


def needed_share(
    telling: Positions, long_share: float = 0.5, shorter: Mapping[int, float] = STEPS
) -> NDArray[np.float64]:
    """Share of its telling n-grams that makes a copy of an item; above 1 where no share is enough."""
    steps = [telling >= LONG, *(telling >= least for least in shorter)]
    return np.select(steps, [long_share, *(max(long_share, share) for share in shorter.values())], default=2.0)


def copies(
    rows: Tape,
    items: Tape,
    *,
    long_share: float = 0.5,
    shorter: Mapping[int, float] = STEPS,
    found: Coverage | None = None,
    asked: Positions | None = None,
) -> Copies:
    """Rows that hold a copy of an item; `found` is `coverage(rows, items)` where that is at hand.

    With `asked`, the words of each row's question, pairs are also looked at word by word, and likely copies are kept.
    """
    found = coverage(rows, items) if found is None else found
    telling = found.telling[found.items]
    share = found.shared / np.maximum(telling, 1)
    enough = share >= needed_share(telling, long_share, shorter)
    held = np.bincount(found.items[enough], minlength=len(items))[found.items]
    enough &= (telling >= BRIEF) | (held <= PHRASE_ROWS) | (share >= 1.0)
    looked = Edited.none(len(share)) if asked is None else edited(rows, items, found, asked)
    enough |= looked.likely
    row, item, share = found.rows[enough], found.items[enough], share[enough]
    more_rows, more_items = _boilerplate(rows, items, found, item)
    row, item = np.concatenate([row, more_rows]), np.concatenate([item, more_items])
    ones = np.ones(len(more_rows))
    share, aligned = np.concatenate([share, ones]), np.concatenate([looked.share[enough], ones])
    repeated = np.concatenate([looked.certain[enough], np.zeros(len(more_rows), dtype=bool)])
    words = longest_runs(rows, items, row, item)[:, 0]
    twin = np.zeros(len(row), dtype=bool)
    some, at = np.unique(row, return_inverse=True)
    here = rows.take(some)
    row_numbers, item_numbers = number_words(here), number_words(items)
    row_grams, item_grams = word_ngrams(here, N), word_ngrams(items, N)
    numbers = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(item_numbers)])[items.offsets]
    # An item without numbers fills no template with them.
    for pair in np.flatnonzero((words < items.lengths[item]) & (np.diff(numbers)[item] > 0)).tolist():
        one, two = int(at[pair]), int(item[pair])
        matches = _matches(row_grams.of(one), item_grams.of(two)), _matches(item_grams.of(two), row_grams.of(one))
        flags = _of(here, row_numbers, one), _of(items, item_numbers, two)
        twin[pair] = _twins(here.words_of(one), items.words_of(two), *flags, *matches)
    order = np.lexsort((row, item))
    return Copies(row, item, share, words, twin, aligned, repeated).where(order)


def same_words(rows: Tape, items: Tape, *, least_words: int = 1) -> tuple[Positions, Positions]:
    """Pairs (rows, items) with the same words in the same order, by item, then row."""
    keys = exact_hashes(rows)
    order = np.argsort(keys, kind="stable").astype(np.int64)
    wanted = exact_hashes(items)
    left, right = (np.searchsorted(keys[order], wanted, side=side) for side in ("left", "right"))
    counts = np.where(items.lengths >= max(least_words, 1), right - left, 0)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    inside = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1] - left, counts)
    return order[inside], np.repeat(np.arange(len(items)), counts)


def _matches(ours: Hashes, theirs: Hashes) -> tuple[int, int] | None:
    """The first and the last of our n-grams that are theirs too."""
    there = set(theirs.tolist())
    places = [place for place, gram in enumerate(ours.tolist()) if gram in there]
    return (places[0], places[-1]) if places else None


def _twins(
    row: Hashes,
    item: Hashes,
    row_numbers: Mask,
    item_numbers: Mask,
    in_row: tuple[int, int] | None,
    in_item: tuple[int, int] | None,
) -> bool:
    """Whether the matched parts of both texts disagree in more than a quarter of the item's numbers."""
    if in_row is None or in_item is None:
        return False
    # Numbers stand in the slots between the matches, and up to one n-gram outside them where both texts go on
    # with numbers; where the row was cut off, what the item says next is no disagreement.
    here, there = _numbers_between(item, item_numbers, in_item), _numbers_between(row, row_numbers, in_row)
    for side in (0, 1):
        here_outside = _numbers_outside(item, item_numbers, in_item)[side]
        there_outside = _numbers_outside(row, row_numbers, in_row)[side]
        if here_outside and there_outside:
            here = [*here_outside, *here] if side == 0 else [*here, *here_outside]
            there = [*there_outside, *there] if side == 0 else [*there, *there_outside]
    return bool(here) and _in_order(here, there) < TWIN_NUMBERS * len(here)


def _numbers_between(words: Hashes, numbers: Mask, matches: tuple[int, int]) -> list[int]:
    inside = slice(matches[0], matches[1] + N)
    return [int(word) for word in words[inside][numbers[inside]]]


def _numbers_outside(words: Hashes, numbers: Mask, matches: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Numbers in the few words before the first match and after the last."""
    first, last = matches[0], matches[1] + N
    before, after = slice(max(first - N, 0), first), slice(last, last + N)
    return [int(word) for word in words[before][numbers[before]]], [int(word) for word in words[after][numbers[after]]]


def _in_order(one: list[int], two: list[int]) -> int:
    """Length of the longest common subsequence."""
    best = [0] * (len(two) + 1)
    for left in one:
        before = 0
        for place, right in enumerate(two, start=1):
            kept = best[place]
            best[place] = before + 1 if left == right else max(best[place], best[place - 1])
            before = kept
    return best[-1]


def _of(tape: Tape, flags: Mask, index: int) -> Mask:
    return flags[tape.offsets[index] : tape.offsets[index + 1]]


def _boilerplate(rows: Tape, items: Tape, found: Coverage, known: Positions) -> tuple[Positions, Positions]:
    """Rows that hold the whole of an item whose n-grams are mostly boilerplate."""
    suspects = np.setdiff1d(np.flatnonzero((found.telling < found.all) & (found.all >= SHORT)), known)
    # Every row that holds the item holds its telling n-grams too, if it has any.
    whole = found.shared == found.telling[found.items]
    row, item = found.rows[whole], found.items[whole]
    first, last = (np.searchsorted(item, suspects, side=side) for side in ("left", "right"))
    counts = np.minimum(last - first, RAREST_ROWS)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    looked = ranges(first.astype(np.int64), offsets)
    row, item = row[looked], item[looked]
    held = longest_runs(rows, items, row, item)[:, 0] == items.lengths[item]
    return row[held], item[held]
