"""Runs of n words or n characters, as flat arrays of hashes.

Gram j of a text begins at its word (or character) j. A text shorter than n has none: such texts
are compared by `exact_hashes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.text import kernels
from headgate.text.disguises import codes_of, unseen
from headgate.text.tape import Hashes, Positions, Tape, blocks, mixed, ranges, seen

STEP = np.uint64(0xD6E8FEB86659FD93)  # odd multiplier between neighbours in a gram
SPACE = 32
SMALL = 4096  # values that numpy is through with before a kernel is called
KEPT_BITS = 40  # of a hash beside the number of a text in one sort key; the rest hold the number


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Gram hashes of N texts end to end; G grams in all."""

    hashes: Hashes  # (G,)
    offsets: Positions  # (N + 1,)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> Positions:
        """Grams of each text; shape (N,)."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Positions:
        """The text of each gram; shape (G,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def of(self, index: int) -> Hashes:
        """Grams of one text, as a view."""
        return self.hashes[self.offsets[index] : self.offsets[index + 1]]


@dataclass(frozen=True, slots=True)
class Shingles:
    """Which grams texts are compared by."""

    n: int
    characters: bool = False  # of the normalised text, instead of words

    def __call__(self, tape: Tape) -> Grams:
        """The grams of each text."""
        return character_ngrams(tape, self.n) if self.characters else word_ngrams(tape, self.n)

    def values(self, tape: Tape) -> Grams:
        """What the grams are runs of: the words or characters of each text."""
        return normalised(tape) if self.characters else Grams(tape.words, tape.offsets)


def word_ngrams(tape: Tape, n: int) -> Grams:
    """Hashes of every run of n words; made once for each tape and n."""
    grams: Grams = tape.once(("words", n), lambda: _runs_of(tape.words, tape.offsets, n))
    return grams


def runs_at(values: Hashes, begins: Positions, n: int) -> Hashes:
    """The hashes that `word_ngrams` gives the runs of n values which begin at some of them."""
    sums, factor = values[begins], np.uint64(1)
    for step in range(1, n):
        factor = np.uint64(int(factor) * int(STEP) % (1 << 64))
        sums += values[begins + step] * factor
    return mixed(sums)


def character_ngrams(tape: Tape, n: int) -> Grams:
    """Hashes of every run of n characters of the normalised text: its words, one space where any gap was."""
    values = normalised(tape)
    return _runs_of(values.hashes, values.offsets, n)


def normalised(tape: Tape) -> Grams:
    """One hash for each character of the normalised texts: grams of a single character."""
    if kernels.compiled():
        from headgate.text.compiled import scanning

        parts = list(kernels.spread(scanning.normalised, blocks(tape.texts)))
        hashes = [part for part, _ in parts]
    else:
        parts = [_normalised(part) for _, part in tape.parts()]
        hashes = [mixed(codes) for codes, _ in parts]
    sizes = np.concatenate([np.zeros(1, dtype=np.int64), *(counts for _, counts in parts)])
    return Grams(np.concatenate([np.zeros(0, dtype=np.uint64), *hashes]), np.cumsum(sizes))


def exact_hashes(tape: Tape) -> Hashes:
    """One hash for the words of each text in order: equal when texts differ in case, spaces and punctuation only."""
    return tape.fact("exact", _exact_hashes)


def _exact_hashes(tape: Tape) -> Hashes:
    lengths = tape.lengths
    longest = int(lengths.max(initial=0))
    steps = np.full(longest + 1, STEP, dtype=np.uint64)
    steps[0] = 1
    powers = np.cumprod(steps, dtype=np.uint64)
    out = np.zeros(len(tape), dtype=np.uint64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        places = np.arange(len(tape.words)) - np.repeat(tape.offsets[:-1], lengths)
        out[filled] = np.add.reduceat(tape.words * powers[places], tape.offsets[:-1][filled])
    return mixed(out + lengths.astype(np.uint64))


def distinct(grams: Grams) -> Grams:
    """Each text's grams sorted and without repeats; hashes are cut to `KEPT_BITS`."""
    keys = sorted_distinct(_keyed(grams))
    owners = (keys >> np.uint64(KEPT_BITS)).astype(np.int64)
    offsets = np.searchsorted(owners, np.arange(len(grams) + 1))
    return Grams(keys & np.uint64((1 << KEPT_BITS) - 1), offsets.astype(np.int64))


def sorted_distinct(values: Hashes) -> Hashes:
    """Sorted values without repeats (numpy's `unique` hashes 64-bit integers and takes twenty times as long)."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def frequencies(grams: Grams) -> tuple[Hashes, Positions]:
    """Document frequency: sorted distinct hashes, and in how many texts each occurs."""
    once = np.sort(distinct(grams).hashes)
    if not len(once):
        return once, np.zeros(0, dtype=np.int64)
    first = np.flatnonzero(np.append(True, once[1:] != once[:-1]))
    return once[first], np.diff(np.append(first, len(once)))


def _keyed(grams: Grams) -> Hashes:
    return (grams.owners.astype(np.uint64) << np.uint64(KEPT_BITS)) | (grams.hashes >> np.uint64(64 - KEPT_BITS))


def _runs_of(values: Hashes, offsets: Positions, n: int) -> Grams:
    total = len(values)
    if total < n:
        return Grams(np.zeros(0, dtype=np.uint64), np.zeros(len(offsets), dtype=np.int64))
    counts = np.maximum(np.diff(offsets) - (n - 1), 0)
    kept = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    if total > SMALL and kernels.compiled():
        from headgate.text.compiled import hashing

        hashes = np.empty(int(kept[-1]), dtype=np.uint64)
        hashing.runs(values, offsets, kept, hashing.steps_of(n), hashes)
        return Grams(hashes, kept)
    sums = values[: total - n + 1].copy()
    factor = np.uint64(1)
    for step in range(1, n):
        factor = np.uint64(int(factor) * int(STEP) % (1 << 64))
        sums += values[step : total - n + 1 + step] * factor
    return Grams(mixed(sums[ranges(offsets[:-1], kept)]), kept)


def _normalised(tape: Tape) -> tuple[Hashes, Positions]:
    text = seen("\n".join(tape.texts))
    codes = codes_of(text)
    heads = np.cumsum([0, *(len(one) + 1 for one in tape.texts[:-1])], dtype=np.int64)
    shift = np.repeat(heads, tape.lengths)
    starts, ends = tape.starts + shift, tape.ends + shift
    # A space follows a word where a gap follows it in the same text.
    gap = np.zeros(len(starts), dtype=np.int64)
    hidden = unseen(codes)
    if not hidden.any():
        gap[:-1] = starts[1:] > ends[:-1]
    elif len(starts):
        shown = np.cumsum(~hidden)
        gap[:-1] = shown[starts[1:] - 1] > shown[ends[:-1] - 1]
    gap[tape.offsets[1:][tape.lengths > 0] - 1] = 0
    sizes = ends - starts + gap
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    out = np.append(codes, np.uint32(SPACE))[ranges(starts, offsets)].astype(np.uint64)
    out[offsets[1:][gap == 1] - 1] = SPACE
    if not hidden.any():
        return out, np.diff(offsets[tape.offsets])
    left = ~unseen(out)
    return out[left], np.diff(np.append(0, np.cumsum(left))[offsets[tape.offsets]])
