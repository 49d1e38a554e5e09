"""Exact Jaccard similarity of many pairs of texts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import KEPT_BITS, Grams, distinct
from headgate.text.tape import Positions, ranges

PIECE = 1 << 21  # hashes sorted at a time
PAIR_BITS = 64 - KEPT_BITS


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
    union = sizes[left] + sizes[right] - both
    share: NDArray[np.float64] = np.divide(both, union, out=np.zeros(len(left)), where=union > 0)
    return share


def _shared(sets: Grams, left: Positions, right: Positions) -> Positions:
    ends = np.stack([left, right], axis=1).reshape(-1)
    counts = sets.counts[ends]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    owner = np.repeat(np.arange(len(ends), dtype=np.uint64) // np.uint64(2), counts)
    keys = np.sort((owner << np.uint64(KEPT_BITS)) | sets.hashes[ranges(sets.offsets[:-1][ends], offsets)])
    twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(KEPT_BITS)
    return np.bincount(twice.astype(np.int64), minlength=len(left))
