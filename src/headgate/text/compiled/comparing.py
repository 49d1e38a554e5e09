"""Sets of grams compared exactly: how many each text has, and how many two texts share.

No set is ever sorted: one text of a pair lies in a small table, the grams of the other are looked up.
Grams are cut to the bits that the plain comparison keeps, so that both count the same.
"""

from __future__ import annotations

import numpy as np

from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.compiled.hashing import gram, grams_into, table_size
from headgate.text.ngrams import KEPT_BITS

CUT = np.uint64(64 - KEPT_BITS)


@part
def place_of(table, stamps, stamp, key):
    """Where a key stands in the part of the table that carries the stamp, or the free place where it would."""
    mask = len(table) - 1
    place = np.int64(key) & mask
    while stamps[place] == stamp and table[place] != key:
        place = (place + 1) & mask
    return place


@part
def grams_at(offsets, text, n):
    """How many grams a text has, repeats counted."""
    return max(offsets[text + 1] - offsets[text] - n + 1, 0)


@kernel(f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, int64[::1])")
def distinct_counts(values, offsets, chosen, steps, out):
    """Distinct grams of each chosen text."""
    most = 0
    for text in chosen:
        most = max(most, grams_at(offsets, text, len(steps)))
    size = table_size(most)
    table, stamps = np.empty(size, np.uint64), np.full(size, -1, np.int64)
    for at in range(len(chosen)):
        begin = offsets[chosen[at]]
        found = 0
        for step in range(grams_at(offsets, chosen[at], len(steps))):
            key = gram(values, begin + step, steps) >> CUT
            place = place_of(table, stamps, at, key)
            if stamps[place] != at:
                table[place], stamps[place] = key, at
                found += 1
        out[at] = found


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('int64')}, "
    f"{read_only('uint64')}, int64[::1])"
)
def shared_counts(values, offsets, left, right, steps, out):
    """Distinct grams that both texts of each pair have; quickest where pairs of one left text stand together."""
    most = 0
    for text in left:
        most = max(most, grams_at(offsets, text, len(steps)))
    size = table_size(most)
    table, stamps, met = np.empty(size, np.uint64), np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    stamp, held = 0, -1
    for pair in range(len(left)):
        if left[pair] != held:
            held, stamp = left[pair], stamp + 1
            for step in range(grams_at(offsets, held, len(steps))):
                key = gram(values, offsets[held] + step, steps) >> CUT
                place = place_of(table, stamps, stamp, key)
                table[place], stamps[place] = key, stamp
        found = 0
        for step in range(grams_at(offsets, right[pair], len(steps))):
            key = gram(values, offsets[right[pair]] + step, steps) >> CUT
            place = place_of(table, stamps, stamp, key)
            if stamps[place] == stamp and met[place] != pair:
                met[place] = pair
                found += 1
        out[pair] = found


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('uint64')}, {read_only('int64')}, "
    f"{read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, int64[::1])"
)
def held_counts(values, offsets, keys, bounds, left, right, steps, out):
    """Of the cut, distinct grams of the right text of each pair, how many the left one has; pairs by left text."""
    most = 0
    for text in left:
        most = max(most, grams_at(offsets, text, len(steps)))
    size = table_size(most)
    table, stamps, own = np.empty(size, np.uint64), np.full(size, -1, np.int64), np.empty(most, np.uint64)
    stamp, held = 0, -1
    for pair in range(len(left)):
        if left[pair] != held:
            held, stamp = left[pair], stamp + 1
            count = grams_at(offsets, held, len(steps))
            grams_into(values, offsets[held], count, steps, own)
            for at in range(count):
                key = own[np.uint64(at)] >> CUT
                place = place_of(table, stamps, stamp, key)
                table[place], stamps[place] = key, stamp
        found = 0
        for at in range(bounds[right[pair]], bounds[right[pair] + 1]):
            if stamps[place_of(table, stamps, stamp, keys[at])] == stamp:
                found += 1
        out[pair] = found


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, "
    f"{read_only('int64')}, {read_only('int64')}, {read_only('int64')}, int64, float64[::1])"
)
def aligned_shares(words, begins, sizes, item_words, item_offsets, items, weights, excess, out):
    """Share of each item's weight in the best local alignment with a stretch of words of a row."""
    most = 0
    for item in items:
        most = max(most, item_offsets[item + 1] - item_offsets[item])
    held = np.empty(most, np.int64)
    for pair in range(len(items)):
        start = item_offsets[items[pair]]
        count = item_offsets[items[pair] + 1] - start
        total, best = 0, 0
        for at in range(count):
            held[at] = 0
            total += weights[start + at]
        gap = total // max(excess * count, 1)
        for place in range(begins[pair], begins[pair] + sizes[pair]):
            before, run = 0, 0
            for at in range(count):
                above = held[at]
                run = max(run, above - gap)
                if item_words[start + at] == words[place]:
                    run = max(run, before + weights[start + at])
                held[at], before = run, above
            best = max(best, run)
        out[pair] = best / max(total, 1)
