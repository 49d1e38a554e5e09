"""Misspellings as habits: a word that is no word, one or two slips from a word in the same company.

Works on a tape. A type is a candidate when it is not English in any regional spelling, is used
several times, and lies near a more frequent type of these texts. Then each of its occurrences is
looked at: those in names, code, addresses and other languages do not count, and what stands
before and after it must be what stands around the right word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.spelling import CONTRACTIONS, dictionary, is_known, neighbours, same_word
from headgate.text.tape import Tape, word_hash

SHORTEST = 4  # letters of a misspelling; shorter ones are abbreviations more often than slips
LONG = 7  # letters from which on two slips count
AROUND = 3  # words on each side that must be English
ENGLISH = 0.6  # share of them
SMOOTHING = 4.0  # pseudo-occurrences of a neighbour at its frequency in all texts
GLUED = frozenset("_/\\@#$<>=*`~|{}[]0123456789")  # beside a word, these make it part of code or an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One misspelling and the word it stands for."""

    wrong: str
    right: str
    wrong_texts: Sequence[int]  # text of each occurrence, ascending
    right_count: int
    likeness: float  # mean log-odds, per occurrence, that its neighbours are those of the right word

    @property
    def rate(self) -> float:
        """Share of the occurrences of the word that are misspelt."""
        return len(self.wrong_texts) / (len(self.wrong_texts) + self.right_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was found, and how much there was to find it in."""

    variants: tuple[Variant, ...]  # most frequent first
    readable_types: int  # words used often enough for a habit to show
    english: float  # share of words that the dictionary knows


@dataclass(frozen=True, slots=True)
class _Types:
    """Distinct words of a tape with their number and one place each; words are looked up by hash."""

    tape: Tape
    hashes: NDArray[np.uint64]  # (V,) sorted
    counts: NDArray[np.int64]  # (V,)
    first: NDArray[np.int64]  # (V,) position of one occurrence

    def word(self, index: int) -> str:
        position = int(self.first[index])
        text = int(np.searchsorted(self.tape.offsets, position, side="right")) - 1
        return self.tape.quote(text, position - int(self.tape.offsets[text]), 1).lower()

    def count(self, hashed: int) -> int:
        index = int(np.searchsorted(self.hashes, np.uint64(hashed)))
        found = index < len(self.hashes) and int(self.hashes[index]) == hashed
        return int(self.counts[index]) if found else 0


def read_variants(
    tape: Tape, *, least: int = 3, rate: float = 0.01, visible: int = 25, keep: Collection[str] = ()
) -> Reading:
    """Misspellings used at least `least` times and in at least `rate` of the occurrences of their word.

    A word is readable when it is used `visible` times; words in `keep` are right as they are.
    """
    types = _Types(tape, *_unique(tape.words))
    often = np.flatnonzero(types.counts >= least)
    words = {types.word(index): int(types.counts[index]) for index in often.tolist()}
    words = {word: count for word, count in words.items() if word.isalpha()}
    known = {word for word in words if is_known(word)}
    total = sum(words.values())
    english = sum(words[word] for word in known) / total if total else 0.0
    readable = sum(1 for word in known if words[word] >= visible and len(word) >= SHORTEST)
    strange = [word for word in words if word not in known and _plain(word) and word not in keep]
    found = [
        variant
        for wrong, rights in _pairs(strange, words, known, rate).items()
        if (variant := _best(types, wrong, rights, least, rate)) is not None
    ]
    found += [v for wrong in strange if wrong in CONTRACTIONS and (v := _contraction(types, wrong, least, rate))]
    found.sort(key=lambda variant: (-len(variant.wrong_texts), variant.wrong))
    return Reading(variants=tuple(found), readable_types=readable, english=english)


def _unique(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    hashes, first, counts = np.unique(words, return_index=True, return_counts=True)
    return hashes, counts.astype(np.int64), first.astype(np.int64)


def _plain(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii()


def _pairs(strange: Sequence[str], words: dict[str, int], known: set[str], rate: float) -> dict[str, list[str]]:
    """Right words that each strange one may stand for."""
    targets = [word for word in words if _plain(word)]
    out: dict[str, list[str]] = {}
    for wrong, right, slips in neighbours(strange, targets):
        # A strange word is no standard for another unless it is far more frequent.
        standard = 1 if right in known else 10
        if slips > 1 and len(wrong) < LONG:
            continue
        if words[right] < standard * words[wrong] / (1 if right in known else 1) and right not in known:
            continue
        if words[wrong] < rate * words[right] or same_word(wrong, right):
            continue
        out.setdefault(wrong, []).append(right)
    return out


def _best(types: _Types, wrong: str, rights: Sequence[str], least: int, rate: float) -> Variant | None:
    tape = types.tape
    positions = _prose(tape, _positions(tape, wrong))
    if len(positions) < least:
        return None
    best: Variant | None = None
    for right in rights:
        standing = _positions(tape, right)
        likeness = _likeness(types, positions, standing)
        if best is None or likeness > best.likeness:
            texts = (np.searchsorted(tape.offsets, positions, side="right") - 1).tolist()
            count = len(_prose(tape, standing))
            best = Variant(wrong=wrong, right=right, wrong_texts=texts, right_count=count, likeness=likeness)
    return best
    

def _contraction(types: _Types, wrong: str, least: int, rate: float) -> Variant | None:
    tape = types.tape
    head, tail = (word_hash(part) for part in CONTRACTIONS[wrong])
    positions = _prose(tape, _positions(tape, wrong))
    pairs = np.flatnonzero((tape.words[:-1] == np.uint64(head)) & (tape.words[1:] == np.uint64(tail)))
    right = "'".join(CONTRACTIONS[wrong])
    if len(positions) < least or len(positions) < rate * (len(positions) + len(pairs)):
        return None
    texts = (np.searchsorted(tape.offsets, positions, side="right") - 1).tolist()
    return Variant(wrong=wrong, right=right, wrong_texts=texts, right_count=len(pairs), likeness=0.0)


def _positions(tape: Tape, word: str) -> NDArray[np.int64]:
    return np.flatnonzero(tape.words == np.uint64(word_hash(word)))


def _prose(tape: Tape, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those occurrences that are lower-case words of running English text."""
    kept = [position for position in positions.tolist() if _is_prose(tape, position)]
    return np.array(kept, dtype=np.int64)


def _is_prose(tape: Tape, position: int) -> bool:
    text = int(np.searchsorted(tape.offsets, position, side="right")) - 1
    whole = tape.texts[text]
    start, end = int(tape.starts[position]), int(tape.ends[position])
    before, after = whole[start - 1 : start], whole[end : end + 1]
    if before in GLUED and before or after in GLUED and after:
        return False
    if after in (".", "/", ":", "-", "@", "(") and whole[end + 1 : end + 2].isalnum():
        return False  # a file, an address, a call
    if before in (".", "-", ":") and start >= 2 and whole[start - 2].isalnum():
        return False
    word = whole[start:end]
    opening = whole[:start].rstrip(" \n\"'(")
    if not word.islower() and not (word[1:].islower() and (not opening or opening[-1] in ".!?:\n")):
        return False
    if whole.count("`", 0, start) % 2:
        return False
    return _english_around(tape, text, position)


def _english_around(tape: Tape, text: int, position: int) -> bool:
    low, high = int(tape.offsets[text]), int(tape.offsets[text + 1])
    beside = [*range(max(low, position - AROUND), position), *range(position + 1, min(high, position + AROUND + 1))]
    words = [tape.quote(text, place - low, 1).lower() for place in beside]
    return not words or sum(word in dictionary() for word in words) >= ENGLISH * len(words)


def _likeness(types: _Types, wrong: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    """Mean log-odds of the neighbours of `wrong` under those of `right` against all words; 0 is no evidence."""
    total = len(types.tape.words)
    score = 0.0
    for step in (-1, 1):
        near_right = _beside(types.tape, right, step)
        near_wrong = _beside(types.tape, wrong, step)
        seen, counts = np.unique(near_right, return_counts=True)
        held = dict(zip(seen.tolist(), counts.tolist(), strict=True))
        for hashed in near_wrong.tolist():
            share = max(types.count(hashed), 1) / total
            score += float(np.log((held.get(hashed, 0) + SMOOTHING * share) / (len(right) + SMOOTHING) / share))
    return score / max(1, len(wrong))


def _beside(tape: Tape, positions: NDArray[np.int64], step: int) -> NDArray[np.uint64]:
    """Hash of the word before or after each position; 0 at the edge of a text."""
    texts = np.searchsorted(tape.offsets, positions, side="right") - 1
    places = positions + step
    inside = (places >= tape.offsets[texts]) & (places < tape.offsets[texts + 1])
    return np.where(inside, tape.words[np.clip(places, 0, len(tape.words) - 1)], np.uint64(0))
