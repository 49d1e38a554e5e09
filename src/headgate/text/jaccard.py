"""Exact Jaccard similarity of many pairs of texts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.ngrams import KEPT_BITS, Grams, Shingles, distinct
from headgate.text.tape import Positions, Tape, ranges

PIECE = 1 << 21  # hashes sorted at a time
PAIRS = 1 << 12  # pairs compared at a time by compiled kernels
PAIR_BITS = 64 - KEPT_BITS


def similarities(tape: Tape, shingles: Shingles, left: Positions, right: Positions) -> NDArray[np.float64]:
    """Jaccard similarity of the shingles of given pairs of texts; only texts in a pair are looked at."""
    if kernels.compiled():
        return _compiled_similarities(tape, shingles, left, right)
    involved = np.unique(np.concatenate([left, right]))
    grams = shingles(tape.take(involved))
    return jaccard(grams, np.searchsorted(involved, left), np.searchsorted(involved, right))


def _compiled_similarities(tape: Tape, shingles: Shingles, left: Positions, right: Positions) -> NDArray[np.float64]:
    from headgate.text.compiled import comparing, hashing

    involved = np.unique(np.concatenate([left, right]))
    texts = involved
    if shingles.characters:
        tape, texts = tape.take(involved), np.arange(len(involved))
    values, steps = shingles.values(tape), hashing.steps_of(shingles.n)
    one, two = np.searchsorted(involved, left), np.searchsorted(involved, right)
    sizes, both = np.empty(len(texts), dtype=np.int64), np.empty(len(left), dtype=np.int64)
    first, second = texts[one], texts[two]

    def count(piece: slice) -> None:
        comparing.distinct_counts(values.hashes, values.offsets, texts[piece], steps, sizes[piece])

    def share(piece: slice) -> None:
        comparing.shared_counts(values.hashes, values.offsets, first[piece], second[piece], steps, both[piece])

    list(kernels.spread(count, kernels.slices(len(texts), PAIRS)))
    list(kernels.spread(share, kernels.slices(len(left), PAIRS)))
    return _share(both, sizes[one], sizes[two])


def jaccard(grams: Grams, left: Positions, right: Positions) -> NDArray[np.float64]:
    """|A and B| / |A or B| of the gram sets of each pair (left[i], right[i]); 0 where both are empty.

    Both sets of a pair are sorted together under the pair's number; a hash that follows its like is
    in both.
    """
    sets = distinct(grams)
    sizes = sets.counts
    both = np.zeros(len(left), dtype=np.int64)
    work = np.cumsum(sizes[left] + sizes[right]) if len(left) else np.zeros(0, dtype=np.int64)
    first = 0
    while first < len(left):
        before = int(work[first - 1]) if first else 0
        last = int(np.searchsorted(work, before + PIECE, side="right"))
        last = min(max(last, first + 1), first + (1 << PAIR_BITS) - 1)
        both[first:last] = _shared(sets, left[first:last], right[first:last])
        first = last
    return _share(both, sizes[left], sizes[right])


def _share(both: Positions, one: Positions, two: Positions) -> NDArray[np.float64]:
    union = one + two - both
    share: NDArray[np.float64] = np.divide(both, union, out=np.zeros(len(both)), where=union > 0)
    return share


def _shared(sets: Grams, left: Positions, right: Positions) -> Positions:
    ends = np.stack([left, right], axis=1).reshape(-1)
    counts = sets.counts[ends]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    owner = np.repeat(np.arange(len(ends), dtype=np.uint64) // np.uint64(2), counts)
    keys = np.sort((owner << np.uint64(KEPT_BITS)) | sets.hashes[ranges(sets.offsets[:-1][ends], offsets)])
    twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(KEPT_BITS)
    return np.bincount(twice.astype(np.int64), minlength=len(left))
