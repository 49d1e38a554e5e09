"""Short texts looked for in long ones: known grams of each row, and the longest run of words in common."""

from __future__ import annotations

import numpy as np

from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.compiled.hashing import ONE, gram, grams_into, in_order, table_size
from headgate.text.ngrams import KEPT_BITS
from headgate.text.tape import Hashes, Positions

CUT = np.uint64(64 - KEPT_BITS)
SIX, SIXTY_THREE = np.uint64(6), np.uint64(63)
SIEVE_BITS = 22  # half a megabyte of single bits: it stays in the cache
SIEVE_CUT = np.uint64(64 - SIEVE_BITS)
ROOM = 1 << 16  # hits of a range of texts for which there is room at first; memory that is not used costs nothing


@kernel(f"void({read_only('uint64')}, uint64[::1], int64[::1])")
def index_known(known, sieve, table):
    """Fills single bits by the leading bits of the known grams, and a table (of -1) with their places."""
    for at in range(len(known)):
        leading = (known[at] << CUT) >> SIEVE_CUT
        sieve[np.int64(leading >> SIX)] |= ONE << (leading & SIXTY_THREE)
        place = np.int64(known[at]) & (len(table) - 1)
        while table[place] >= 0:
            place = (place + 1) & (len(table) - 1)
        table[place] = at


@kernel(
    f"int64({read_only('uint64')}, {read_only('int64')}, int64, int64, {read_only('uint64')}, {read_only('uint64')}, "
    f"{read_only('uint64')}, {read_only('int64')}, uint64[::1], int64[::1], int64[::1], int64[::1])"
)
def known_grams(words, offsets, first, last, steps, known, sieve, table, values, here, owners, places):
    """Distinct known grams of texts `first` to `last`: text and place in `known`, by text, then place.

    Gives their number; those for which there is no room in `owners` and `places` are only counted. `values` and
    `here` have room for all grams of one text.
    """
    mask, used = len(table) - 1, 0
    for text in range(first, last):
        count = max(offsets[text + 1] - offsets[text] - len(steps) + 1, 0)
        grams_into(words, offsets[text], count, steps, values)
        passed, found = np.int64(0), 0
        for at in range(count):  # what passes the sieve moves to the front, without a branch to be guessed
            value = values[at]
            leading = value >> SIEVE_CUT
            values[passed] = value
            passed += np.int64((sieve[leading >> SIX] >> (leading & SIXTY_THREE)) & ONE)
        for at in range(passed):
            key = values[at] >> CUT
            place = np.int64(key) & mask
            while table[place] >= 0 and known[table[place]] != key:
                place = (place + 1) & mask
            if table[place] >= 0:
                here[found] = table[place]
                found += 1
        ordered = here[:found]
        in_order(ordered)
        for at in range(found):
            if at == 0 or ordered[at] != ordered[at - 1]:
                if used < len(owners):
                    owners[used], places[used] = text, ordered[at]
                used += 1
    return used


class Known:
    """Grams that are looked for, ready to be found; K of them, sorted, cut to the bits that are kept."""

    def __init__(self, known: Hashes) -> None:
        self.known = known
        self.sieve = np.zeros((1 << SIEVE_BITS) // 64, dtype=np.uint64)
        self.table = np.full(1 << max((2 * len(known)).bit_length(), 4), -1, dtype=np.int64)
        index_known(known, self.sieve, self.table)

    def found(self, words: Hashes, offsets: Positions, texts: slice, steps: Hashes) -> tuple[Positions, Positions]:
        """Texts of a range and places of the known grams that each of them holds, by text, then place."""
        first, last = texts.start, texts.stop
        longest = int(np.diff(offsets[first : last + 1]).max(initial=0))
        own = np.empty(longest, dtype=np.uint64), np.empty(longest, dtype=np.int64)
        room, used = ROOM, ROOM
        owners = places = np.empty(0, dtype=np.int64)
        while len(owners) < used:
            owners, places = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
            used = known_grams(
                words, offsets, first, last, steps, self.known, self.sieve, self.table, *own, owners, places
            )
            room = max(used, room)
        return owners[:used], places[:used]


@part
def found(grams, heads, stamps, stamp, key):
    """The place of a gram in a table of chains, or the free place where it would stand."""
    mask = len(heads) - 1
    place = np.int64(key >> CUT) & mask
    while stamps[place] == stamp and grams[heads[place]] != key:
        place = (place + 1) & mask
    return place


@kernel(
    f"void({read_only('uint64')}, {read_only('int64')}, {read_only('uint64')}, {read_only('int64')}, "
    f"{read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, int64[:,::1])"
)
def longest_runs(words, offsets, item_words, item_offsets, rows, items, steps, out):
    """The longest run of words that each pair shares: words, first word in the row, first word in the item.

    Runs under len(steps) words are not seen: 0, 0, 0. Of equally long ones the least by diagonal, then by row.
    """
    n = len(steps)
    most = 0
    for item in items:
        most = max(most, item_offsets[item + 1] - item_offsets[item])
    runs, seen = np.zeros(most + 1, np.int64), np.empty(most + 1, np.int64)
    grams, following = np.empty(most + 1, np.uint64), np.empty(most + 1, np.int64)
    size = table_size(most)
    heads, stamps = np.empty(size, np.int64), np.full(size, -1, np.int64)
    for pair in range(len(rows)):
        begin, start = offsets[rows[pair]], item_offsets[items[pair]]
        there = max(item_offsets[items[pair] + 1] - start - n + 1, 0)
        for at in range(there):  # places of one gram in a chain, the last of them first
            grams[at], seen[at] = gram(item_words, start + at, steps), -2
            place = found(grams, heads, stamps, pair, grams[at])
            following[at] = heads[place] if stamps[place] == pair else -1
            heads[place], stamps[place] = at, pair
        best, diagonal, row = 0, 0, 0
        for at in range(offsets[rows[pair] + 1] - begin - n + 1):
            key = gram(words, begin + at, steps)
            place = found(grams, heads, stamps, pair, key)
            match = heads[place] if stamps[place] == pair else -1
            while match >= 0:
                # Matches come from the last to the first, so that the one before still tells of the row before.
                length = runs[match - 1] + 1 if match > 0 and seen[match - 1] == at - 1 else 1
                runs[match], seen[match] = length, at
                off, head = match - at, at - length + 1
                if length > best or (length == best and (off < diagonal or (off == diagonal and head < row))):
                    best, diagonal, row = length, off, head
                match = following[match]
        out[pair, 0] = best + n - 1 if best else 0
        out[pair, 1] = row
        out[pair, 2] = row + diagonal
