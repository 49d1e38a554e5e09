"""The tape: texts cut into words once, as flat arrays that every kernel reads.

A word is a run of letters, digits and bytes of non-ASCII letters, lower-cased; in scripts that
write without spaces (Han, kana, Thai, Lao, Khmer, Burmese) every character is a word of its own,
so that word n-grams become character n-grams there. What cannot be seen does not count, and letters
that look like others are those (`disguises`). Each word is 64 bits: a polynomial hash of
its UTF-8 bytes modulo 2**64, read off prefix sums (one multiplication per word, Karp and Rabin
1987) and mixed by the finaliser of splitmix64 (Steele, Lea and Flood 2014).

Blocks are independent: `tape_of` is `joined(block_tape(block) for block in blocks(texts))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.disguises import codes_of, hides, plain, unhidden, unseen

Hashes = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Spans = NDArray[np.int32]
Mask = NDArray[np.bool_]

BLOCK = 1 << 20  # characters handled at a time: the working arrays then stay near the cache
KEPT_WORDS = 1 << 22  # words of a tape up to which what was made of it is kept
BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
INVERSE = pow(BASE, -1, 1 << 64)
LONGER = "\u0130"  # the capital I with a dot, the one letter whose lower case is longer

# Classes of bytes: 0 separates words, 1 belongs to a word.
_LETTER = np.zeros(256, dtype=bool)
_LETTER[[*range(0x30, 0x3A), *range(0x61, 0x7B), *range(0x80, 0x100)]] = True


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Words of N texts in one row of arrays; W is the number of words in all."""

    texts: Sequence[str]  # N; not copied
    words: Hashes  # (W,)
    offsets: Positions  # (N + 1,): words of text i are words[offsets[i]:offsets[i + 1]]
    starts: Spans  # (W,): first character of each word in its text
    ends: Spans  # (W,): character after the last
    # What is known of each text by itself, (N,) each; and what was made of the whole tape (see `once`).
    facts: dict[str, Hashes] = field(default_factory=dict, repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> Positions:
        """Number of words of each text; shape (N,)."""
        return np.diff(self.offsets)

    def words_of(self, index: int) -> Hashes:
        """Word hashes of one text, as a view."""
        return self.words[self.offsets[index] : self.offsets[index + 1]]

    def fact(self, name: str, made: Callable[[Tape], Hashes]) -> Hashes:
        """A number for each text that depends on that text only: made once, and carried over to parts."""
        if name not in self.facts:
            self.facts[name] = made(self)
        return self.facts[name]

    def once(self, name: Any, made: Callable[[], Any]) -> Any:
        """Whatever several kernels need of this tape, made once; only of tapes that are not very large."""
        if len(self.words) > KEPT_WORDS:
            return made()
        if name not in self.kept:
            self.kept[name] = made()
        return self.kept[name]

    def span(self, index: int, first: int, count: int) -> tuple[int, int]:
        """Characters of text `index` from its word `first` on, `count` words long."""
        begin = int(self.offsets[index]) + first
        return int(self.starts[begin]), int(self.ends[begin + count - 1])

    def quote(self, index: int, first: int, count: int) -> str:
        """The characters of a run of words, as they stand in the text."""
        start, end = self.span(index, first, count)
        return self.texts[index][start:end]

    def take(self, indices: Iterable[int] | Positions) -> Tape:
        """The tape of some of the texts, in the order given."""
        chosen = np.fromiter(indices, dtype=np.int64)
        if np.array_equal(chosen, np.arange(len(self))):
            return self
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.lengths[chosen])])
        which = ranges(self.offsets[chosen], offsets)
        texts = tuple(self.texts[index] for index in chosen.tolist())
        facts = _at(self.facts, chosen)
        return Tape(texts, self.words[which], offsets, self.starts[which], self.ends[which], facts)

    def part(self, first: int, last: int) -> Tape:
        """Texts `first` to `last` (not included); its arrays are views of this one's."""
        inside = slice(int(self.offsets[first]), int(self.offsets[last]))
        offsets = self.offsets[first : last + 1] - self.offsets[first]
        facts = _at(self.facts, slice(first, last))
        return Tape(self.texts[first:last], self.words[inside], offsets, self.starts[inside], self.ends[inside], facts)

    def parts(self, words: int = BLOCK) -> Iterator[tuple[int, Tape]]:
        """The tape in pieces of about `words` words: (index of the first text, piece)."""
        first = 0
        while first < len(self):
            reached = int(np.searchsorted(self.offsets, self.offsets[first] + words, side="right")) - 1
            last = max(reached, first + 1)
            yield first, self.part(first, last)
            first = last


def ranges(begins: Positions, offsets: Positions) -> Positions:
    """Positions begins[i], begins[i] + 1, ... for each i, offsets[i + 1] - offsets[i] of them, end to end."""
    return np.repeat(begins - offsets[:-1], np.diff(offsets)) + np.arange(int(offsets[-1]))


def tape_of(texts: Sequence[str]) -> Tape:
    """Cuts texts into words in one pass."""
    if kernels.expect(len(texts), sum(map(len, texts))):
        from headgate.text.compiled import scanning

        return joined(kernels.spread(scanning.block_tape, blocks(texts)))
    return joined(block_tape(block) for block in blocks(texts))


def tape_of_words(words: Hashes) -> Tape:
    """Words without a text, as a tape of one: for kernels that read words only."""
    none = np.zeros(0, dtype=np.int32)
    return Tape(("",), words, np.array([0, len(words)], dtype=np.int64), none, none)


def empty_tape(texts: int) -> Tape:
    """The tape of so many texts without a word."""
    none = np.zeros(0, dtype=np.int32)
    return Tape(("",) * texts, np.zeros(0, dtype=np.uint64), np.zeros(texts + 1, dtype=np.int64), none, none)


def blocks(texts: Sequence[str], size: int = BLOCK) -> Iterator[Sequence[str]]:
    """Consecutive texts of about `size` characters together; a longer text is a block alone."""
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1)
    first, before = 0, 0
    while first < len(texts):
        last = max(int(np.searchsorted(ends, before + size + 1, side="right")), first + 1)
        yield texts[first:last]
        first, before = last, int(ends[last - 1])


def joined(parts: Iterable[Tape]) -> Tape:
    """Several tapes one after the other."""
    texts: list[Sequence[str]] = []
    offsets, facts = [np.zeros(1, dtype=np.int64)], list[dict[str, Hashes]]()
    words, starts, ends = _Growing(np.uint64), _Growing(np.int32), _Growing(np.int32)
    for tape in parts:
        texts.append(tape.texts)
        facts.append(tape.facts)
        offsets.append(tape.offsets[1:] + words.used)
        words.add(tape.words)
        starts.add(tape.starts)
        ends.add(tape.ends)
    return Tape(
        texts=tuple(chain.from_iterable(texts)),
        words=words.done(),
        offsets=np.concatenate(offsets),
        starts=starts.done(),
        ends=ends.done(),
        facts=_together(facts),
    )


class _Growing:
    """An array that grows at its end where it lies, so that its parts need not be held until all are there."""

    def __init__(self, kind: type[np.generic]) -> None:
        self.used = 0
        self._array: NDArray[Any] = np.empty(0, dtype=kind)

    def add(self, part: NDArray[Any]) -> None:
        """Appends a part."""
        end = self.used + len(part)
        if end > len(self._array):
            self._array.resize(end + end // 4, refcheck=False)
        self._array[self.used : end] = part
        self.used = end

    def done(self) -> NDArray[Any]:
        """The array, cut to what was added."""
        self._array.resize(self.used, refcheck=False)
        return self._array


def _at(facts: Mapping[str, Hashes], chosen: Positions | slice) -> dict[str, Hashes]:
    return {name: values[chosen] for name, values in facts.items()}


def _together(facts: Sequence[Mapping[str, Hashes]]) -> dict[str, Hashes]:
    known = set[str].intersection(*map(set, facts)) if facts else set[str]()
    return {name: np.concatenate([one[name] for one in facts]) for name in sorted(known)}


def block_tape(texts: Sequence[str]) -> Tape:
    """The tape of one block: a pure function, so that blocks can be cut anywhere and in parallel."""
    folded = seen("\n".join(texts))
    kept = visible(folded) if hides(folded) else None
    folded = folded if kept is None else unhidden(folded)
    ascii_only = folded.isascii()
    data = np.frombuffer(folded.encode("utf-8", "surrogatepass"), dtype=np.uint8)
    starts, ends = _ascii_words(data) if ascii_only else _words(data)
    # Texts begin where the characters before them end; one line break stands between two texts.
    heads = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])], dtype=np.int64)
    hashes = hash_spans(data, starts, ends)
    if not ascii_only:
        characters = np.cumsum((data & 0xC0) != 0x80)
        starts = characters[starts] - 1
        ends = characters[ends - 1]
    if kept is not None:
        starts, ends = kept[starts], kept[ends - 1] + 1
    offsets = np.append(np.searchsorted(starts, heads), len(starts)).astype(np.int64)
    shift = np.repeat(heads, np.diff(offsets))
    return Tape(
        texts=tuple(texts),
        words=hashes,
        offsets=offsets,
        starts=(starts - shift).astype(np.int32),
        ends=(ends - shift).astype(np.int32),
    )


def fold(text: str) -> str:
    """Lower case, character for character, so that positions stay those of the text."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    if len(lowered) != len(text):  # one capital becomes two characters: it stays as it is
        lowered = LONGER.join(part.lower() for part in text.split(LONGER))
    return lowered.replace("\u03c2", "\u03c3")  # final sigma depends on what follows


def seen(text: str) -> str:
    """A text as words are compared: lower case, look-alikes as what they look like; as long as before."""
    return plain(fold(text))


def visible(text: str) -> Positions:
    """Places of the characters of a text that can be seen."""
    found: Positions = np.flatnonzero(~unseen(codes_of(text)))
    return found


def hash_spans(data: Bytes, starts: Positions, ends: Positions) -> Hashes:
    """Hash of each run of bytes data[start:end]; runs are sorted and do not overlap."""
    out = np.empty(len(starts), dtype=np.uint64)
    first = 0
    while first < len(starts):
        base = int(starts[first])
        last = max(int(np.searchsorted(ends, base + BLOCK, side="right")), first + 1)
        power, inverse = _powers(max(int(ends[last - 1]) - base, BLOCK))
        piece = data[base : int(ends[last - 1])]
        sums = np.zeros(len(piece) + 1, dtype=np.uint64)
        np.cumsum((piece.astype(np.uint64) + np.uint64(1)) * power[: len(piece)], out=sums[1:])
        low, high = starts[first:last] - base, ends[first:last] - base
        lengths = (high - low).astype(np.uint64)
        out[first:last] = mixed((sums[high] - sums[low]) * inverse[low] + lengths)
        first = last
    return out


def mixed(values: Hashes) -> Hashes:
    """The finaliser of splitmix64: every input bit reaches every output bit."""
    out = values + np.uint64(0x9E3779B97F4A7C15)
    out ^= out >> np.uint64(30)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out


def word_hash(word: str) -> int:
    """The hash that a word has on every tape.

    Raises:
        ValueError: the text is not exactly one word.
    """
    return int(word_hashes([word])[0])


def word_hashes(words: Sequence[str]) -> Hashes:
    """The hash of each of some words.

    Raises:
        ValueError: a text is not exactly one word.
    """
    tape = block_tape(words)
    if (odd := np.flatnonzero(tape.lengths != 1)).size:
        raise ValueError(f"{words[odd[0]]!r} is {tape.lengths[odd[0]]} words")
    return tape.words


@lru_cache(maxsize=2)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    def of(base: int) -> Hashes:
        steps = np.full(size, base, dtype=np.uint64)
        steps[0] = 1
        return np.cumprod(steps, dtype=np.uint64)

    return of(BASE), of(INVERSE)


def _ascii_words(data: Bytes) -> tuple[Positions, Positions]:
    return _runs(_LETTER[data])


def _runs(inside: Mask) -> tuple[Positions, Positions]:
    padded = np.zeros(len(inside) + 2, dtype=np.int8)
    padded[1:-1] = inside
    steps = np.diff(padded)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _words(data: Bytes) -> tuple[Positions, Positions]:
    inside = _LETTER[data]
    second = np.append(data[1:], np.uint8(0))
    third = np.append(second[1:], np.uint8(0))
    marks = np.flatnonzero(_punctuation(data, second, third))
    inside[marks] = inside[marks + 1] = False
    inside[marks[data[marks] != 0xC2] + 2] = False
    alone = np.flatnonzero(_unspaced(data, second))
    starts, ends = _runs(inside)
    if not len(alone):
        return starts, ends
    # A character of an unspaced script begins a word and ends one, whatever stands beside it.
    sizes = np.where(data[alone] >= 0xF0, 4, 3)
    opening = np.zeros(len(data) + 1, dtype=bool)
    opening[starts] = True
    opening[alone] = True
    after = alone + sizes
    opening[after[after < len(data)]] |= inside[after[after < len(data)]]
    starts = np.flatnonzero(opening)
    closing = np.zeros(len(data) + 1, dtype=bool)
    closing[ends] = True
    closing[after] = True
    closing[alone[alone > 0]] |= inside[alone[alone > 0] - 1]
    return starts, np.flatnonzero(closing)


def _punctuation(lead: Bytes, second: Bytes, third: Bytes) -> Mask:
    latin = (lead == 0xC2) & (second != 0xAA) & (second != 0xB5) & (second != 0xBA)
    general = (lead == 0xE2) & (second < 0xB0)  # dashes, quotes, currencies, arrows, mathematics, emoji of old
    chinese = (lead == 0xE3) & (second == 0x80)
    wide = (lead == 0xEF) & (second == 0xBC) & ((third < 0x90) | ((third >= 0x9A) & (third < 0xA1)))
    ogham = (lead == 0xE1) & (second == 0x9A) & (third == 0x80)
    found: Mask = latin | general | chinese | wide | ogham
    return found


def _unspaced(lead: Bytes, second: Bytes) -> Mask:
    han = ((lead == 0xE3) & (second >= 0x81)) | ((lead >= 0xE4) & (lead <= 0xE9))
    far_han = (lead == 0xF0) & (second >= 0xA0) & (second <= 0xB3)
    thai_lao = (lead == 0xE0) & (second >= 0xB8) & (second <= 0xBB)
    burmese = (lead == 0xE1) & ((second == 0x80) | (second == 0x81) | (second == 0x9E) | (second == 0x9F))
    found: Mask = han | far_han | thai_lao | burmese
    return found
