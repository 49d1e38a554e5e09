"""Edited, cut and embedded copies of items that are too short for a share of n-grams to tell.

One word in seven exchanged leaves a third of a question's 4-grams; half of the 4-grams of a short question stand
in honest rows. What tells is how many of the item's words stand in the row in the same order with little between
them, each word weighed by how many rows and other items have the phrases around it: a frame that
many texts share ("Respond to the user input in an unhelpful way") weighs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.coverage import Coverage, N, longest_runs
from headgate.text.ngrams import KEPT_BITS, distinct, word_ngrams
from headgate.text.tape import Mask, Positions, Tape, ranges, tape_of_words

WEIGHT = 256  # of a word whose phrases no other row or item has
HALVED = 4  # rows with the phrase at which a word weighs half; another item counts as two rows
EXCESS = 10  # a word of the row between words of the item costs one tenth of the item's mean weight

BRIEF, LEAST, MOST, LONG = 8, 12, 63, 20  # words of an item
CANDIDATE = 0.15  # share of an item's telling 4-grams from which a pair is aligned
EDITED, EDITED_WORDS = 0.7, 4  # share of an item's weight that stands in order, of so many words' weight
TELLING = 0.15  # and of so many of its words: the others are a frame
REPEATED, REPEATED_WORDS = 0.75, 20  # the same, of a copy that is certain
CUT = 0.55  # share of an item's words that one run must be
CUT_WORDS = {True: 1, False: 4}  # whole words that it must weigh, by whether the row says nothing else
WHOLE_WORDS = 3  # whole words that a short item must weigh to be no turn of phrase
WINDOW = 256  # words; of longer rows the part with most of the item's n-grams is looked at
PAIRS = 1 << 10  # compared at a time by compiled kernels
CELLS = 1 << 20  # pairs of a word of a row and a word of an item compared at a time

Shares = NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Edited:
    """What alignment says of P pairs of a row and an item that share telling 4-grams."""

    share: Shares  # (P,): of the item's weight that stands in the row in order; 0 where not looked at
    likely: Mask  # (P,): an edited, cut or embedded copy
    certain: Mask  # (P,): edited lightly enough, and long enough, to be nothing else

    @classmethod
    def none(cls, pairs: int) -> Edited:
        """Of pairs that were not looked at."""
        return cls(np.zeros(pairs), np.zeros(pairs, dtype=bool), np.zeros(pairs, dtype=bool))


def candidates(pairs: Coverage, lengths: Positions) -> Mask:
    """The pairs that are looked at; `lengths` are the items' words."""
    telling = pairs.telling[pairs.items]
    words = lengths[pairs.items]
    share = pairs.shared / np.maximum(telling, 1)
    aligned = (words >= LEAST) & (words <= MOST) & (share >= CANDIDATE)
    found: Mask = aligned | ((words >= BRIEF) & (words < LEAST) & (pairs.shared == telling))
    return found


def edited(rows: Tape, items: Tape, pairs: Coverage, asked: Positions) -> Edited:
    """Looks at pairs word by word; `asked` are the words of the question of each row."""
    chosen = np.flatnonzero(candidates(pairs, items.lengths))
    row, item = pairs.rows[chosen], pairs.items[chosen]
    weights = word_weights(items, pairs)
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(weights)])
    total = (before[items.offsets[1:]] - before[items.offsets[:-1]])[item]
    words = items.lengths[item]
    share = np.zeros(len(chosen))
    long = np.flatnonzero(words >= LEAST)
    share[long] = aligned_shares(rows, items, row[long], item[long], weights)
    run, first = np.zeros((2, len(chosen)), dtype=np.int64)
    # A run that is long enough for a cut has nearly as many n-grams; those that are no boilerplate, once, are shared.
    dull = words - (N - 1) - pairs.telling[item]
    cuts = np.flatnonzero(pairs.shared[chosen] >= CUT * words - (N - 1) - dull)
    run[cuts], _, first[cuts] = longest_runs(rows, items, row[cuts], item[cuts]).T
    begin = items.offsets[item] + first
    weight = before[begin + run] - before[begin]
    alone = asked[row] == run
    cut = (words >= LEAST) & (run >= CUT * words) & (alone | (words >= LONG))
    cut &= weight >= np.where(alone, CUT_WORDS[True], CUT_WORDS[False]) * WEIGHT
    whole = (words < LEAST) & (run == words) & (total >= WHOLE_WORDS * WEIGHT)
    like = (share >= EDITED) & (total >= np.maximum(EDITED_WORDS, TELLING * words) * WEIGHT)
    likely, certain, shares = (np.zeros(len(pairs.rows), dtype=kind) for kind in (bool, bool, float))
    likely[chosen] = like | cut | whole
    certain[chosen] = (share >= REPEATED) & (total >= REPEATED_WORDS * WEIGHT)
    shares[chosen] = np.maximum(share, np.where(cut | whole, run / np.maximum(words, 1), 0.0))
    return Edited(shares, likely, certain)


def word_weights(items: Tape, pairs: Coverage) -> Positions:
    """How telling each word of the items is, from 0 to `WEIGHT`: by the commonest n-gram that it stands in."""
    own = distinct(word_ngrams(items, N))
    keys = (own.owners.astype(np.uint64) << np.uint64(KEPT_BITS)) | own.hashes
    grams = word_ngrams(items, N)
    wanted = (grams.owners.astype(np.uint64) << np.uint64(KEPT_BITS)) | (grams.hashes >> np.uint64(64 - KEPT_BITS))
    place = np.searchsorted(keys, wanted)
    _, again, times = np.unique(own.hashes, return_inverse=True, return_counts=True)
    elsewhere = np.maximum(pairs.frequency - 1, 0) + 2 * (times[again] - 1)
    around = np.zeros(len(items.words), dtype=np.int64)
    begins = ranges(items.offsets[:-1], grams.offsets)
    for step in range(N):
        around[begins + step] = np.maximum(around[begins + step], elsewhere[place])
    weights: Positions = WEIGHT * HALVED // (HALVED + around)
    return weights


def aligned_shares(rows: Tape, items: Tape, row: Positions, item: Positions, weights: Positions) -> Shares:
    """Share of each item's weight that stands in the row in order, less what stands between; shape (P,).

    The best local alignment: a word of the item that the row lacks costs nothing, a word of the row in
    between costs a tenth of the item's mean weight. Whole numbers, so that the order of sums changes nothing.
    """
    out = np.zeros(len(row))
    begins, sizes = _windows(rows, items, row, item)
    if kernels.compiled():
        from headgate.text.compiled import comparing

        def align(piece: slice) -> None:
            stretches, own = (rows.words, begins[piece], sizes[piece]), (items.words, items.offsets, item[piece])
            comparing.aligned_shares(*stretches, *own, weights, EXCESS, out[piece])

        list(kernels.spread(align, kernels.slices(len(row), PAIRS)))
        return out
    order = np.lexsort((sizes, items.lengths[item]))
    first = 0
    while first < len(order):
        # Pairs of like size go together; what is padded costs time and changes nothing.
        cells = int(items.lengths[item[order[first]]] * (sizes[order[first]] + 1))
        last = min(first + 1 + CELLS // max(cells, 1), len(order))
        some = order[first:last]
        there = _padded(rows.words, begins[some], sizes[some], 0)
        here = _padded(items.words, items.offsets[item[some]], items.lengths[item[some]], 1)
        worth = _padded(weights, items.offsets[item[some]], items.lengths[item[some]], 0)
        total = worth.sum(axis=1)
        gap = total // np.maximum(EXCESS * items.lengths[item[some]], 1)
        out[some] = _best(there, here, worth, gap) / np.maximum(total, 1)
        first = last
    return out


def _best(there: NDArray[np.uint64], here: NDArray[np.uint64], worth: Positions, gap: Positions) -> Positions:
    """Weight of the best local alignment of each pair."""
    held = np.zeros((len(here), here.shape[1] + 1), dtype=np.int64)
    best = np.zeros(len(here), dtype=np.int64)
    for place in range(there.shape[1]):
        met = np.where(here == there[:, place : place + 1], held[:, :-1] + worth, 0)
        np.maximum.accumulate(np.maximum(met, held[:, 1:] - gap[:, None]), axis=1, out=held[:, 1:])
        np.maximum(best, held[:, -1], out=best)
    return best


def _windows(rows: Tape, items: Tape, row: Positions, item: Positions) -> tuple[Positions, Positions]:
    """The part of each row that is looked at: all of it, or what is around most of the item's n-grams."""
    begins, sizes = rows.offsets[row].copy(), rows.lengths[row].copy()
    for pair in np.flatnonzero(sizes > WINDOW).tolist():
        one, two = int(row[pair]), int(item[pair])
        n = int(items.lengths[two])
        there = word_ngrams(tape_of_words(rows.words_of(one)), N).hashes
        ours = word_ngrams(items, N)
        places = np.flatnonzero(np.isin(there, ours.hashes[ours.offsets[two] : ours.offsets[two + 1]]))
        if len(places):
            densest = places[np.argmax(np.searchsorted(places, places + n, side="right") - np.arange(len(places)))]
            first = max(int(densest) - n, 0)
            begins[pair] += first
            sizes[pair] = min(3 * n, int(sizes[pair]) - first)
    return begins, sizes


def _padded(values: NDArray[Number], begins: Positions, sizes: Positions, fill: int) -> NDArray[Number]:
    """Some stretches of an array as rows of a table."""
    out = np.full((len(begins), int(sizes.max(initial=0))), fill, dtype=values.dtype)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    places = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], sizes)
    out[np.repeat(np.arange(len(begins)), sizes), places] = values[ranges(begins, offsets)]
    return out
