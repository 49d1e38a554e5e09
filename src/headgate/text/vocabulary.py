"""The distinct words of texts, so that each is looked at once however often it is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.tape import Hashes, Mask, Positions, Tape, fold

BUCKETS = (10, 22)  # least and most bits by which the plain count tells words apart at first
MOST_PATTERNS = 32
ELSEWHERE = frozenset("İıſ")  # letters that patterns take for i and s, and tapes do not

Codes = NDArray[np.int32]
Bits = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """V distinct words of a tape of N texts and W words, in order of their first use."""

    words: tuple[str, ...]  # (V,): in lower case, as the tape folds them
    codes: Codes  # (W,): places in `words`
    offsets: Positions  # (N + 1,): of the tape

    def marks(self, patterns: Sequence[re.Pattern[str]]) -> Bits:
        """For each word of the tape, bit i where it fits pattern i; shape (W,). At most 32 patterns."""
        assert len(patterns) <= MOST_PATTERNS
        flags = re.IGNORECASE if any(pattern.flags & re.IGNORECASE for pattern in patterns) else 0
        anything = re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns), flags)
        of_word = np.zeros(len(self.words) + 1, dtype=np.uint32)
        for place, word in enumerate(self.words):
            if anything.search(word):
                of_word[place] = sum(1 << bit for bit, pattern in enumerate(patterns) if pattern.search(word))
        return of_word[self.codes]

    def in_texts(self, marks: Bits) -> Bits:
        """The marks that any word of each text has; shape (N,)."""
        out = np.zeros(len(self.offsets) - 1, dtype=np.uint32)
        filled = np.flatnonzero(np.diff(self.offsets))
        if len(filled):
            out[filled] = np.bitwise_or.reduceat(marks, self.offsets[:-1][filled])
        return out

    def bits(self, patterns: Sequence[re.Pattern[str]]) -> Bits:
        """For each text, bit i where one of its words fits pattern i; shape (N,)."""
        return self.in_texts(self.marks(patterns))


def vocabulary(tape: Tape) -> Vocabulary:
    """The distinct words of a tape; made once for each."""
    found: Vocabulary = tape.once("vocabulary", lambda: _vocabulary(tape))
    return found


def plain_texts(tape: Tape) -> Mask:
    """Texts in which words are what patterns call words: ASCII without underscores; shape (N,)."""
    return _flags(tape, "plain", lambda text: text.isascii() and "_" not in text)


def misread_texts(tape: Tape) -> Mask:
    """Texts with letters in which a pattern that ignores case may see a word that the tape does not; shape (N,)."""
    return _flags(tape, "misread", lambda text: not text.isascii() and not ELSEWHERE.isdisjoint(text))


def _flags(tape: Tape, name: str, holds: Callable[[str], bool]) -> Mask:
    flags: Mask = tape.once(name, lambda: np.fromiter(map(holds, tape.texts[:]), dtype=bool, count=len(tape)))
    return flags


def _vocabulary(tape: Tape) -> Vocabulary:
    codes, first = _coded(tape.words)
    owners = np.searchsorted(tape.offsets, first, side="right") - 1
    places = zip(owners.tolist(), tape.starts[first].tolist(), tape.ends[first].tolist(), strict=True)
    return Vocabulary(tuple(fold(tape.texts[text][start:end]) for text, start, end in places), codes, tape.offsets)


def _coded(words: Hashes) -> tuple[Codes, Positions]:
    """The number of each word by first use, and where each number is used first."""
    if kernels.compiled():
        from headgate.text.compiled import counting

        return counting.coded(words)
    bits = min(max(len(words).bit_length(), BUCKETS[0]), BUCKETS[1])
    bucket = (words >> np.uint64(64 - bits)).astype(np.int64)
    holder = np.zeros(1 << bits, dtype=np.int64)
    holder[bucket[::-1]] = np.arange(len(words))[::-1]
    first = holder[bucket]  # of the word itself, or of another one in its bucket
    strange = np.flatnonzero(words[first] != words)
    if len(strange):
        _, at, which = np.unique(words[strange], return_index=True, return_inverse=True)
        first[strange] = strange[at[which]]
    used = np.zeros(len(words), dtype=bool)
    used[first] = True
    return (np.cumsum(used) - 1).astype(np.int32)[first], np.flatnonzero(used)
