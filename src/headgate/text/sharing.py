"""How many grams the texts of two tapes have in common, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.ngrams import KEPT_BITS, Grams, Shingles, distinct
from headgate.text.tape import Hashes, Positions, Tape, ranges

PIECE = 1 << 21  # gram hashes sorted at a time
PAIRS = 1 << 12  # compared at a time by compiled kernels
SIEVE_BITS = 20
WINDOW_BITS = 64 - KEPT_BITS


def shared(left: Tape, right: Tape, shingles: Shingles, one: Positions, two: Positions) -> tuple[Positions, Positions]:
    """Distinct grams that both texts of each pair (left[one], right[two]) have, and those of each text on the right.

    Quickest where texts on the right are short.
    """
    theirs = distinct(shingles(right))
    if kernels.compiled():
        return _compiled(shingles.values(left), theirs, shingles.n, one, two), theirs.counts
    ours = distinct(_among(shingles(left), theirs.hashes))
    return shared_grams(ours, theirs, one, two), theirs.counts


def shared_grams(left: Grams, right: Grams, one: Positions, two: Positions) -> Positions:
    """How many grams both texts of each pair have; each text's own are distinct."""
    out = np.zeros(len(one), dtype=np.int64)
    for piece in pieces(left.counts[one] + right.counts[two]):
        keys, _ = keys_of(left, one[piece], right, two[piece])
        keys.sort()
        twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(KEPT_BITS)
        out[piece] = np.bincount(twice.astype(np.int64), minlength=len(one[piece]))
    return out


def keys_of(left: Grams, one: Positions, right: Grams, two: Positions) -> tuple[NDArray[np.uint64], int]:
    """Grams of the left texts, then of the right ones, each under the number of its pair; and how many are left."""
    parts = []
    for grams, index in ((left, one), (right, two)):
        counts = grams.counts[index]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        owner = np.repeat(np.arange(len(index), dtype=np.uint64), counts)
        parts.append((owner << np.uint64(KEPT_BITS)) | grams.hashes[ranges(grams.offsets[:-1][index], offsets)])
    return np.concatenate(parts), len(parts[0])


def pieces(work: Positions) -> Iterator[slice]:
    """Consecutive pairs with about `PIECE` grams together."""
    total = np.cumsum(work)
    first = 0
    while first < len(work):
        before = int(total[first - 1]) if first else 0
        last = int(np.searchsorted(total, before + PIECE, side="right"))
        last = min(max(last, first + 1), first + (1 << WINDOW_BITS) - 1)
        yield slice(first, last)
        first = last


def _among(grams: Grams, known: Hashes) -> Grams:
    """The grams that may be among known ones, which are cut; most of the others are left out unsorted."""
    sieve = np.zeros(1 << SIEVE_BITS, dtype=bool)
    sieve[(known >> np.uint64(KEPT_BITS - SIEVE_BITS)).astype(np.int64)] = True
    kept = sieve[(grams.hashes >> np.uint64(64 - SIEVE_BITS)).astype(np.int64)]
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])
    return Grams(grams.hashes[kept], sums[grams.offsets])


def _compiled(left: Grams, right: Grams, n: int, one: Positions, two: Positions) -> Positions:
    """As `shared_grams`, where the texts on the left are not cut into grams yet."""
    from headgate.text.compiled import comparing, hashing

    steps, order = hashing.steps_of(n), np.argsort(one, kind="stable")
    both = np.empty(len(one), dtype=np.int64)
    first, second = one[order], two[order]

    def share(piece: slice) -> None:
        comparing.held_counts(
            left.hashes, left.offsets, right.hashes, right.offsets, first[piece], second[piece], steps, both[piece]
        )

    list(kernels.spread(share, kernels.slices(len(one), PAIRS)))
    out = np.empty_like(both)
    out[order] = both
    return out
