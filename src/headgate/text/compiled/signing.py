"""MinHash signatures, keys of bands, and the few texts that share one."""

from __future__ import annotations

import numpy as np

from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.compiled.hashing import ONE, ZERO, gram, mixed
from headgate.text.ngrams import STEP

HIGH, SIX = np.uint64(32), np.uint64(6)
SIXTY_THREE = np.uint64(63)
STRIDE = STEP
EMPTY = np.uint32(0xFFFFFFFF)
AT_ONCE = 8  # grams that meet a row of the signature while it is in a register


@part
def lower(values, place, end, steps, factors, shifts, low, least):
    """Lowers a signature by the grams that begin at a place and after, up to `end`."""
    rows = len(factors)
    while place < end:
        # The last grams of a text are met again rather than met one by one: a minimum does not count.
        for step in range(AT_ONCE):
            low[step] = np.uint32(gram(values, min(place + step, end - 1), steps) >> HIGH)
        a, b, c, d, e, f, g, h = low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7]
        for row in range(rows):
            factor, shift = factors[row], shifts[row]
            one = min(np.uint32(a * factor + shift), np.uint32(b * factor + shift))
            two = min(np.uint32(c * factor + shift), np.uint32(d * factor + shift))
            three = min(np.uint32(e * factor + shift), np.uint32(f * factor + shift))
            four = min(np.uint32(g * factor + shift), np.uint32(h * factor + shift))
            least[row] = min(least[row], min(min(one, two), min(three, four)))
        place += AT_ONCE


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, "
    f"{read_only('uint32')}, {read_only('uint32')}, uint32[:,::1])"
)
def min_hashes(values, offsets, chosen, steps, factors, shifts, out):
    """Signatures of the chosen texts: the least of factor * gram + shift modulo 2**32 in each row."""
    low = np.empty(AT_ONCE, np.uint32)
    for at in range(len(chosen)):
        least = out[at]
        for row in range(len(factors)):
            least[row] = EMPTY
        end = offsets[chosen[at] + 1] - len(steps) + 1
        lower(values, offsets[chosen[at]], end, steps, factors, shifts, low, least)


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('int64', 2)}, "
    f"{read_only('uint64')}, {read_only('uint32')}, {read_only('uint32')}, uint32[:,::1], uint32[:,::1], "
    "uint32[:,::1])"
)
def min_hashes_of_halves(values, offsets, sizes, places, steps, factors, shifts, whole, first, second):
    """Signatures of texts and of their first `sizes` values and the rest, each gram met once.

    Those of text i go to rows places[i, 0] of `whole`, places[i, 1] of `first` and places[i, 2] of `second`; -1:
    nowhere.
    """
    rows, n = len(factors), len(steps)
    low = np.empty(AT_ONCE, np.uint32)
    one, two = np.empty(rows, np.uint32), np.empty(rows, np.uint32)
    for text in range(len(sizes)):
        if places[text, 0] < 0 and places[text, 1] < 0 and places[text, 2] < 0:
            continue
        begin, end = offsets[text], offsets[text + 1]
        middle = begin + sizes[text]
        for row in range(rows):
            one[row], two[row] = EMPTY, EMPTY
        lower(values, begin, middle - n + 1, steps, factors, shifts, low, one)
        lower(values, middle, end - n + 1, steps, factors, shifts, low, two)
        for row in range(rows):
            if places[text, 1] >= 0:
                first[places[text, 1], row] = one[row]
            if places[text, 2] >= 0:
                second[places[text, 2], row] = two[row]
        if places[text, 0] >= 0:
            least = whole[places[text, 0]]
            for row in range(rows):
                least[row] = min(one[row], two[row])
            lower(values, max(begin, middle - n + 1), min(middle, end - n + 1), steps, factors, shifts, low, least)


@kernel(f"void({read_only('uint32', 2)}, int64, int64, uint32[:,::1])")
def band_keys(table, first, width, out):
    """One hash for each band of `width` rows of each signature, to out[band, first:]; the table is (texts, rows)."""
    for text in range(len(table)):
        for band in range(len(out)):
            key = ZERO
            for row in range(band * width, (band + 1) * width):
                key = mixed(key * STRIDE + np.uint64(table[text, row]))
            out[band, first + text] = np.uint32(key >> HIGH)


@kernel(f"int64({read_only('uint32')}, int64, int64[::1])")
def crowded(keys, bits, out):
    """Positions of keys that may occur twice, ascending: all that do, and a few that share a place in the sieve."""
    shift = np.uint64(32 - bits)
    once = np.zeros((1 << bits) // 64, np.uint64)
    twice = np.zeros((1 << bits) // 64, np.uint64)
    for key in keys:
        place = np.uint64(key) >> shift
        bit = ONE << (place & SIXTY_THREE)
        word = np.int64(place >> SIX)
        twice[word] |= once[word] & bit
        once[word] |= bit
    total = 0
    for at in range(len(keys)):
        place = np.uint64(keys[at]) >> shift
        if twice[np.int64(place >> SIX)] & (ONE << (place & SIXTY_THREE)):
            out[total] = at
            total += 1
    return total


@kernel(f"void({read_only('uint32', 2)}, {read_only('int64')}, {read_only('int64')}, float64[::1])")
def agreement(table, left, right, out):
    """Share of rows in which the signatures of each pair agree; the table is (texts, rows)."""
    rows = table.shape[1]
    for pair in range(len(left)):
        one, two = table[left[pair]], table[right[pair]]
        same = np.int64(0)
        for row in range(rows):
            same += np.int64(one[row] == two[row])
        out[pair] = same / rows
