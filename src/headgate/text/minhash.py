"""MinHash signatures and banding: from every pair of texts to the few that may be alike.

The chance that one row of two signatures agrees is the Jaccard similarity J of the sets (Broder
1997); a pair becomes a candidate when all rows of one of the bands agree, with probability
1 - (1 - J**rows)**bands. Every candidate is checked exactly afterwards, so bands are wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.ngrams import STEP, Grams, Shingles
from headgate.text.tape import Mask, Positions, Tape, mixed

Signatures = NDArray[np.uint32]  # (rows, texts)
Keys = NDArray[np.uint32]  # (texts,)

EMPTY = np.iinfo(np.uint32).max  # in every row of a text without grams
PIECE = 1 << 17  # hashes handled at a time: they stay in the cache for all rows
NEIGHBOURS = 4  # within a bucket each text meets the next few in order of similarity, and the first
TEXTS = 1 << 13  # texts handled at a time by compiled kernels
SLACK = 4.0  # standard errors by which agreement of signatures may fall short before a pair is let go


def signatures(
    tape: Tape,
    shingles: Shingles | Callable[[Tape], Grams],
    *,
    rows: int,
    seed: int = 1,
    chosen: Positions | None = None,
) -> Signatures:
    """MinHash signature of each text: row r is the least of a_r * h + b_r modulo 2**32 over its grams h.

    A text without grams gets `EMPTY` everywhere; leave such texts out before banding. With `chosen`, of those
    texts only, in that order.
    """
    factors, shifts = _drawn(rows, seed)
    if isinstance(shingles, Shingles) and kernels.compiled():
        every = np.arange(len(tape)) if chosen is None else chosen
        return _compiled_signatures(tape, shingles, every, factors, shifts)
    if chosen is not None:
        tape = tape.take(chosen)
    out = np.full((rows, len(tape)), EMPTY, dtype=np.uint32)
    for first, part in tape.parts(PIECE):
        grams = shingles(part)
        filled = np.flatnonzero(grams.counts)
        if not len(filled):
            continue
        low = (grams.hashes >> np.uint64(32)).astype(np.uint32)
        begins = grams.offsets[:-1][filled]
        moved = np.empty_like(low)
        for row in range(rows):
            np.multiply(low, factors[row], out=moved)
            np.add(moved, shifts[row], out=moved)
            out[row, first + filled] = np.minimum.reduceat(moved, begins)
    return out


def signatures_of_halves(
    whole: Tape,
    halves: tuple[Tape, Tape],
    split: Mask,
    chosen: Sequence[Positions],
    n: int,
    *,
    rows: int,
    seed: int = 1,
) -> list[Signatures]:
    """`signatures` by words of texts and of their two halves, for the chosen texts of each of the three.

    Where `split`, a text is the first half and then the second: their grams are met once, and those of the whole
    are theirs and the few that stand across.
    """
    if not kernels.compiled():
        return [
            signatures(tape, Shingles(n), rows=rows, seed=seed, chosen=some)
            for tape, some in zip((whole, *halves), chosen, strict=True)
        ]
    from headgate.text.compiled import hashing, signing

    factors, shifts = _drawn(rows, seed)
    places = np.full((len(whole), 3), -1, dtype=np.int64)
    tables = []
    for column, (tape, some) in enumerate(zip((whole, *halves), chosen, strict=True)):
        places[some, column] = np.arange(len(some))
        table, others = np.empty((len(some), rows), dtype=np.uint32), ~split[some]
        if others.any():
            table[others] = signatures(tape, Shingles(n), rows=rows, seed=seed, chosen=some[others]).T
        tables.append(table)
    places[~split] = -1

    def sign(piece: slice) -> None:
        begin, end = piece.start, piece.stop
        signing.min_hashes_of_halves(
            whole.words, whole.offsets[begin : end + 1], halves[0].lengths[piece], places[piece],
            hashing.steps_of(n), factors, shifts, *tables,
        )  # fmt: skip

    list(kernels.spread(sign, kernels.slices(len(whole), TEXTS)))
    return [table.T for table in tables]


def _drawn(rows: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors and shifts of the rows of a signature."""
    draw = mixed(np.arange(2 * rows, dtype=np.uint64) + mixed(np.array([seed], dtype=np.uint64)))
    return (draw[:rows] >> np.uint64(32)).astype(np.uint32) | np.uint32(1), (draw[rows:] >> np.uint64(32)).astype(
        np.uint32
    )


def _compiled_signatures(
    tape: Tape, shingles: Shingles, chosen: Positions, factors: NDArray[np.uint32], shifts: NDArray[np.uint32]
) -> Signatures:
    from headgate.text.compiled import hashing, signing

    table = np.empty((len(chosen), len(factors)), dtype=np.uint32)
    steps = hashing.steps_of(shingles.n)

    def sign(piece: slice) -> None:
        texts = chosen[piece]
        if shingles.characters:
            tape_here, texts = tape.take(texts), np.arange(len(texts))
        else:
            tape_here = tape
        values = shingles.values(tape_here)
        signing.min_hashes(values.hashes, values.offsets, texts, steps, factors, shifts, table[piece])

    list(kernels.spread(sign, kernels.slices(len(chosen), TEXTS)))
    return table.T


def candidates(table: Signatures, *, bands: int, floor: float) -> tuple[Positions, Positions]:
    """Pairs (left < right) that share a band and whose signatures agree nearly as often as `floor` asks."""
    rows, count = table.shape
    keys = band_keys(table, bands)
    left, right = met_in_bands(keys.__getitem__, bands, count)
    likely = agreement(table, left, right) >= least_agreement(floor, rows)
    return left[likely], right[likely]


def met_in_bands(
    keys: Callable[[int], Keys],
    bands: int,
    count: int,
    *,
    among: Mask | None = None,
    likely: Callable[[Positions, Positions], Mask] | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> tuple[Positions, Positions]:
    """Pairs (left < right) of `count` texts that share the key of a band, in order; `keys` gives those of a band.

    In a bucket, texts are put in order of the next band's key, so that the most alike stand
    together; each meets the few that follow it and the first, which keeps the number of pairs
    linear whatever the size of the bucket, and keeps each bucket connected. With `among`, only such texts meet;
    with `likely`, pairs are let go as soon as they are met.
    """

    def meet(band: int) -> Positions:
        key, following = keys(band), keys((band + 1) % bands)
        some = _crowded(key)
        if among is not None:
            some = some[among[some]]
        order = some[np.lexsort((following[some], key[some]))]
        coded = _once(_met(key[order], order, max(count, 1)))
        if likely is not None:
            coded = coded[likely(*np.divmod(coded, max(count, 1)))]
        advance(1)
        return coded

    none = np.zeros(0, dtype=np.int64)
    coded = _once(np.concatenate([none, *kernels.spread(meet, range(bands))]))
    left, right = np.divmod(coded, max(count, 1))
    return left, right


def least_agreement(floor: float, rows: int) -> float:
    """Share of equal rows under which a pair of signatures is let go."""
    return float(floor - SLACK * np.sqrt(floor * (1 - floor) / rows))


def agreement(table: Signatures, left: Positions, right: Positions) -> NDArray[np.float64]:
    """Share of rows in which two signatures agree: an estimate of J with standard error sqrt(J (1 - J) / rows)."""
    by_text = np.ascontiguousarray(table.T)
    out = np.empty(len(left))
    if kernels.compiled():
        from headgate.text.compiled import signing

        def agree(piece: slice) -> None:
            signing.agreement(by_text, left[piece], right[piece], out[piece])

        list(kernels.spread(agree, kernels.slices(len(left), PIECE)))
        return out
    for first in range(0, len(left), PIECE // 8):
        piece = slice(first, first + PIECE // 8)
        out[piece] = (by_text[left[piece]] == by_text[right[piece]]).mean(axis=1)
    return out


def band_keys(table: Signatures, bands: int) -> NDArray[np.uint32]:
    """One key for each band of each signature; shape (bands, texts).

    Of ten million texts, one in four hundred meets a stranger in a band: the signatures part them.
    """
    width = len(table) // bands
    if kernels.compiled():
        from headgate.text.compiled import signing

        by_text = np.ascontiguousarray(table.T)
        out = np.empty((bands, len(by_text)), dtype=np.uint32)

        def fill(piece: slice) -> None:
            signing.band_keys(by_text[piece], piece.start, width, out)

        list(kernels.spread(fill, kernels.slices(len(by_text), PIECE)))
        return out
    keys = np.empty((bands, table.shape[1]), dtype=np.uint32)
    for band in range(bands):
        key = np.zeros(table.shape[1], dtype=np.uint64)
        for row in table[band * width : (band + 1) * width]:
            key = mixed(key * STEP + row)
        keys[band] = key >> np.uint64(32)
    return keys


def _once(values: Positions) -> Positions:
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def _crowded(keys: Keys) -> Positions:
    """Positions, ascending, of all keys that occur twice, and of a few others: most texts are alone in a bucket."""
    bits = min(max(len(keys).bit_length() + 4, 10), 28)
    if kernels.compiled():
        from headgate.text.compiled import signing

        out = np.empty(len(keys), dtype=np.int64)
        return out[: signing.crowded(keys, bits, out)]
    place = (keys >> np.uint32(32 - bits)).astype(np.int64)
    return np.flatnonzero(np.bincount(place, minlength=1 << bits)[place] > 1)


def _met(key: Keys, order: Positions, count: int) -> Positions:
    pairs = []
    for step in range(1, NEIGHBOURS + 1):
        same = np.flatnonzero(key[step:] == key[:-step])
        pairs.append((order[same], order[same + step]))
    # The first of the bucket: the head of the run that a position lies in.
    heads = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, dtype=np.int64)
    begun = np.repeat(heads, np.diff(np.append(heads, len(key))))
    far = np.flatnonzero(np.arange(len(key)) - begun > NEIGHBOURS)
    pairs.append((order[begun[far]], order[far]))
    one = np.concatenate([pair[0] for pair in pairs])
    two = np.concatenate([pair[1] for pair in pairs])
    coded: Positions = np.minimum(one, two) * count + np.maximum(one, two)
    return coded
