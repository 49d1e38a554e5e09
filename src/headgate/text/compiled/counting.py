"""In how many texts words occur, how rare the wording of a text is, and terms as columns of a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.compiled.hashing import in_order, mixed
from headgate.text.tape import Hashes, Positions


@part
def spot(table, held, word):
    """Where a word stands in a table of places, or the free place where it would; `held` lists the words."""
    mask = len(table) - 1
    place = np.int64(word >> np.uint64(20)) & mask
    while table[place] >= 0 and held[table[place]] != word:
        place = (place + 1) & mask
    return place


@kernel(f"int64({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, uint64[::1], int64[::1])")
def collect(words, offsets, chosen, held, table):
    """Distinct words of the chosen texts in order of their first use, and the table that finds them; -1: no room."""
    used = 0
    for text in chosen:
        for at in range(offsets[text], offsets[text + 1]):
            place = spot(table, held, words[at])
            if table[place] < 0:
                if used == len(held):
                    return -1
                table[place], held[used] = used, words[at]
                used += 1
    return used


def vocabulary(words: Hashes, offsets: Positions, chosen: Positions) -> tuple[Hashes, Positions]:
    """Distinct words of the chosen texts, and the table that finds them."""
    room = 1 << 16
    while True:
        held, table = np.empty(room, dtype=np.uint64), np.full(4 * room, -1, dtype=np.int64)
        used = collect(words, offsets, chosen, held, table)
        if used >= 0:
            return held[:used], table
        room *= 4


@kernel(f"int64({read_only('uint64')}, int64[::1], int64[::1], int32[::1])")
def number(words, table, first, codes):
    """Numbers words by their first use; `first` is where each number is used first. -1: no room in `first`."""
    mask, used = len(table) - 1, 0
    for at in range(len(words)):
        place = np.int64(words[at] >> np.uint64(20)) & mask
        while table[place] >= 0 and words[first[table[place]]] != words[at]:
            place = (place + 1) & mask
        if table[place] < 0:
            if used == len(first):
                return -1
            table[place], first[used] = used, at
            used += 1
        codes[at] = table[place]
    return used


def coded(words: Hashes) -> tuple[NDArray[np.int32], Positions]:
    """The number of each word by first use, and where each number is used first."""
    codes, room = np.empty(len(words), dtype=np.int32), 1 << 16
    while True:
        first, table = np.empty(room, dtype=np.int64), np.full(4 * room, -1, dtype=np.int64)
        used = number(words, table, first, codes)
        if used >= 0:
            return codes, first[:used]
        room *= 4


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, int64, int64, {read_only('uint64')}, "
    f"{read_only('int64')}, int64[::1])"
)
def document_counts(words, offsets, first, last, held, table, out):
    """Adds to `out` in how many of the texts `first` to `last` each word of a vocabulary occurs."""
    seen = np.full(len(held), -1, np.int64)
    for text in range(first, last):
        for at in range(offsets[text], offsets[text + 1]):
            which = table[spot(table, held, words[at])]
            if which >= 0 and seen[which] != text:
                seen[which] = text
                out[which] += 1


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, "
    f"{read_only('int64')}, {read_only('float64')}, float64[::1])"
)
def mean_weights(words, offsets, chosen, held, table, weights, out):
    """Mean weight of the distinct words of each chosen text, summed in order of their hashes."""
    for at in range(len(chosen)):
        own = words[offsets[chosen[at]] : offsets[chosen[at] + 1]].copy()
        in_order(own)
        total, number = 0.0, 0
        for place in range(len(own)):
            if place == 0 or own[place] != own[place - 1]:
                total += weights[table[spot(table, held, own[place])]]
                number += 1
        out[at] = total / max(number, 1)


@kernel(
    f"int64({read_only('uint64')}, {read_only('int64')}, int64, int64, {read_only('uint64')}, uint64, "
    "int32[::1], float64[::1], int64[::1])"
)
def term_counts(words, offsets, first, last, steps, shift, columns, counts, ends):
    """Sorted distinct columns of the words and pairs of words of each text, and how often each occurs.

    Those of text i end at ends[i - first]; a column is a hash without its last `shift` bits.
    """
    used = 0
    for text in range(first, last):
        begin, end = offsets[text], offsets[text + 1]
        found = np.empty(max(2 * (end - begin) - 1, 0), np.int32)
        for at in range(begin, end):
            found[at - begin] = np.int32(mixed(words[at]) >> shift)
            if at > begin:
                found[end + at - 2 * begin - 1] = np.int32(mixed(words[at - 1] + words[at] * steps[1]) >> shift)
        in_order(found)
        for at in range(len(found)):
            if at and found[at] == found[at - 1]:
                counts[used - 1] += 1.0
            else:
                columns[used], counts[used] = found[at], 1.0
                used += 1
        ends[text - first] = used
    return used


@kernel(f"void({read_only('int32')}, uint32[::1])")
def tally(columns, out):
    """Adds to `out` how often each column occurs."""
    for column in columns:
        out[column] += np.uint32(1)


@kernel(
    f"void(float64[::1], {read_only('int32')}, {read_only('int64')}, {read_only('uint32')}, {read_only('float64')})"
)
def weigh(data, columns, bounds, texts_of, idf):
    """Multiplies entries by the weights of their columns and brings each row to unit length, in place.

    A column's weight is the one of its number of texts. Squares are summed row by row, in the order of the plain
    version.
    """
    for row in range(len(bounds) - 1):
        total = 0.0
        for at in range(bounds[row], bounds[row + 1]):
            data[at] *= idf[texts_of[columns[at]]]
            total += data[at] * data[at]
        norm = max(np.sqrt(total), 1e-12)
        for at in range(bounds[row], bounds[row + 1]):
            data[at] /= norm


@kernel(
    f"int64({read_only('float64')}, {read_only('int32')}, {read_only('int64')}, {read_only('uint32')}, "
    f"{read_only('float64')}, {read_only('int32')}, float64[::1], int32[::1], int64[::1])"
)
def weigh_some(data, columns, bounds, texts_of, idf, places, kept, at_places, ends):
    """The entries of some columns as `weigh` weighs them, without writing the others.

    `places` numbers those columns; the others have -1. Entries of row i end at ends[i + 1]. How many there are.
    """
    used = 0
    ends[0] = 0
    for row in range(len(bounds) - 1):
        total, begin = 0.0, used
        for at in range(bounds[row], bounds[row + 1]):
            column = columns[at]
            value = data[at] * idf[texts_of[column]]
            total += value * value
            if places[column] >= 0:
                kept[used], at_places[used] = value, places[column]
                used += 1
        norm = max(np.sqrt(total), 1e-12)
        for at in range(begin, used):
            kept[at] /= norm
        ends[row + 1] = used
    return used
