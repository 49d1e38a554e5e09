"""The distinct words of texts, so that each is looked at once however often it is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.disguises import unhidden
from headgate.text.tape import Hashes, Mask, Positions, Tape, fold

BUCKETS = (10, 22)  # least and most bits by which the plain count tells words apart at first
MOST_PATTERNS = 32
REMEMBERED = 1 << 19  # words whose patterns are known, for each set of patterns
# Letters that patterns take for i, s and k, and tapes do not.
ELSEWHERE = re.compile("[\u0130\u0131\u017f\u212a]")
# Everything but ASCII, Latin letters (without those) and signs between which both begin a word: what a tape takes
# for invisible is none of these.
_LATIN = "\x00-\x7f\xa0-\xa9\xab\xac\xae-\xb1\xb4\xb6-\xb8\xbb\xbf-\xd6\xd8-\xf6\xf8-\u012f\u0132-\u017e"
STRANGE = re.compile(f"[^{_LATIN}\xb2-\xb9\xbb-\xbf\u2010-\u2029\u202f-\u205f\u2070-\u2129\u212b-\u2bff]")
# The same without letters and digits of a pattern that are gaps of a tape, such as superscripts and circled ones.
UNLIKE = re.compile(f"[^{_LATIN}\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u23ff\u2500-\u2767\u2794-\u2bff]")

Codes = NDArray[np.int32]
Bits = NDArray[np.uint32]


class _Looked:
    """Which of some patterns a word fits; words come again in every block, so that each is looked at once."""

    def __init__(self, patterns: tuple[re.Pattern[str], ...]) -> None:
        assert len(patterns) <= MOST_PATTERNS
        flags = re.IGNORECASE if any(pattern.flags & re.IGNORECASE for pattern in patterns) else 0
        self._anything = re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns), flags)
        self._patterns, self._known = patterns, dict[str, int]()

    def of(self, word: str) -> int:
        """Bit i where the word fits pattern i."""
        bits = self._known.get(word)
        if bits is None:
            bits = 0
            if self._anything.search(word):
                bits = sum(1 << bit for bit, pattern in enumerate(self._patterns) if pattern.search(word))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[word] = bits
        return bits


@lru_cache(maxsize=16)
def _looked_at(patterns: tuple[re.Pattern[str], ...]) -> _Looked:
    return _Looked(patterns)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """V distinct words of a tape of N texts and W words, in order of their first use."""

    words: tuple[str, ...]  # (V,): in lower case, as the tape folds them
    codes: Codes  # (W,): places in `words`
    offsets: Positions  # (N + 1,): of the tape

    def marks(self, patterns: Sequence[re.Pattern[str]]) -> Bits:
        """For each word of the tape, bit i where it fits pattern i; shape (W,). At most 32 patterns."""
        known = _looked_at(tuple(patterns))
        of_word = np.fromiter(map(known.of, self.words), dtype=np.uint32, count=len(self.words))
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


def ascii_texts(tape: Tape) -> Mask:
    """Texts of ASCII alone; shape (N,)."""
    return _flags(tape, "ascii", str.isascii)


def plain_texts(tape: Tape) -> Mask:
    """Texts in which words are what patterns call words: without underscores and strange signs; shape (N,)."""
    return _flags(tape, "plain", lambda text: "_" not in text and (text.isascii() or not UNLIKE.search(text)))


def strange_texts(tape: Tape) -> Mask:
    """Texts in which a word may begin for a pattern where none of the tape begins; shape (N,)."""
    return _flags(tape, "strange", lambda text: not text.isascii() and STRANGE.search(text) is not None)


def misread_texts(tape: Tape) -> Mask:
    """Texts with letters in which a pattern that ignores case may see a word that the tape does not; shape (N,)."""
    found: Mask = tape.once("misread", lambda: _misread(tape))
    return found


def _misread(tape: Tape) -> Mask:
    out = strange_texts(tape).copy()
    for text in np.flatnonzero(out).tolist():
        out[text] = ELSEWHERE.search(tape.texts[text]) is not None
    return out


def _flags(tape: Tape, name: str, holds: Callable[[str], bool]) -> Mask:
    flags: Mask = tape.once(name, lambda: np.fromiter(map(holds, tape.texts[:]), dtype=bool, count=len(tape)))
    return flags


def _vocabulary(tape: Tape) -> Vocabulary:
    codes, first = _coded(tape.words)
    owners = np.searchsorted(tape.offsets, first, side="right") - 1
    places = zip(owners.tolist(), tape.starts[first].tolist(), tape.ends[first].tolist(), strict=True)
    return Vocabulary(
        tuple(unhidden(fold(tape.texts[text][start:end])) for text, start, end in places), codes, tape.offsets
    )


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
