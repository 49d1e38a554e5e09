"""Misspellings as habits: a word that is no word, one or two slips from a word in the same company.

Works on a tape. A type is a candidate when it is not English in any regional spelling, is used
several times, and lies near a more frequent type of these texts. Then each of its occurrences is
looked at: those in names, code, addresses and other languages do not count, and what stands
before and after it must be what stands around the right word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.text.spelling import CONTRACTIONS, dictionary, edits, is_known, is_slip, neighbours, same_word
from headgate.text.tape import Hashes, Positions, Tape, word_hash

SHORTEST = 5  # letters of a misspelling; shorter ones are abbreviations more often than slips
LONG = 7  # letters from which on two slips count
AROUND = 3  # words on each side that must be English
ENGLISH = 0.6  # share of them
STANDARD = 10  # times as frequent as a strange word must another be to be its right spelling
CERTAIN = 4.0  # log-odds from which on a variant is reported
SLIP = 2.0  # log-odds that the kind of slip adds: people do double, swap and mistake vowels
COMMON = 5_000_000  # frequency of a dictionary word that may be meant although these texts never use it
SMOOTHING = 4.0  # pseudo-occurrences of a neighbour at its frequency in all texts
GLUED = frozenset("_/\\@#$<>=`~|{}[]0123456789")  # beside a word, these make it part of code or an address
JOINED = frozenset(".:-@('’")  # between two words, these make them one


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One misspelling and the word it stands for."""

    wrong: str
    right: str
    texts: tuple[int, ...]  # text of each occurrence of the wrong spelling, ascending
    spans: tuple[tuple[int, int], ...]  # its characters in that text
    right_count: int  # occurrences of the right spelling

    @property
    def count(self) -> int:
        """Occurrences of the wrong spelling."""
        return len(self.texts)

    @property
    def rate(self) -> float:
        """Share of the occurrences of the word that are misspelt."""
        return self.count / (self.count + self.right_count)


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
    hashes: Hashes  # (V,) sorted
    counts: Positions  # (V,)
    first: Positions  # (V,) position of one occurrence

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
    strange = [word for word in words if word not in known and word not in keep and _plain(word)]
    near = _near(strange, words, known)
    found = [_variant(types, wrong, near.get(wrong, []), least) for wrong in strange]
    found += [_contraction(types, wrong, least) for wrong in CONTRACTIONS if wrong in words and wrong not in keep]
    kept = [variant for variant in found if variant is not None and variant.rate >= rate]
    return Reading(
        variants=tuple(sorted(kept, key=lambda variant: (-variant.count, variant.wrong))),
        readable_types=sum(1 for word in known if words[word] >= visible and _plain(word)),
        english=sum(words[word] for word in known) / total if total else 0.0,
    )


def _unique(words: Hashes) -> tuple[Hashes, Positions, Positions]:
    hashes, first, counts = np.unique(words, return_index=True, return_counts=True)
    return hashes, counts.astype(np.int64), first.astype(np.int64)


def _plain(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii() and word not in CONTRACTIONS


def _near(strange: Sequence[str], words: Mapping[str, int], known: Collection[str]) -> dict[str, list[str]]:
    """Words of these texts that each strange one may stand for."""
    out: dict[str, list[str]] = {}
    for wrong, right, slips in neighbours(strange, filter(_plain, words)):
        if slips > 1 and len(wrong) < LONG and not is_slip(wrong, right):
            continue
        # A strange word is no standard for another unless it is far more frequent.
        if right not in known and words[right] < STANDARD * words[wrong]:
            continue
        if not same_word(wrong, right):
            out.setdefault(wrong, []).append(right)
    return out


def _variant(types: _Types, wrong: str, rights: Sequence[str], least: int) -> Variant | None:
    tape = types.tape
    every = _positions(tape, wrong)
    positions = _prose(tape, every)
    lower = sum(tape.texts[text][start:end].islower() for text, (start, end) in _places(tape, positions))
    if lower < least or 2 * lower < len(every):  # a name, or part of code
        return None
    scored = [
        (_likeness(types, positions, standing) + SLIP * is_slip(wrong, right), right, standing)
        for right in rights
        if len(standing := _positions(tape, right)) >= least
    ]
    score, right, standing = max(scored, key=lambda each: each[:2], default=(0.0, "", every))
    if score >= CERTAIN:
        return _made(tape, wrong, right, positions, len(_prose(tape, standing)))
    meant = "" if scored else _meant(wrong)
    return _made(tape, wrong, meant, positions, len(_positions(tape, meant))) if meant else None


def _meant(wrong: str) -> str:
    """The common word that a strange one stands for by its letters alone; empty when it is not clear."""
    common = dictionary()
    meant = {word for word in edits(wrong) if common.get(word, 0) >= COMMON and not same_word(wrong, word)}
    return meant.pop() if len(meant) == 1 and len(wrong) >= LONG else ""


def _contraction(types: _Types, wrong: str, least: int) -> Variant | None:
    tape = types.tape
    head, tail = (np.uint64(word_hash(part)) for part in CONTRACTIONS[wrong])
    positions = _prose(tape, _positions(tape, wrong))
    right = np.flatnonzero((tape.words[:-1] == head) & (tape.words[1:] == tail))
    return _made(tape, wrong, "'".join(CONTRACTIONS[wrong]), positions, len(right)) if len(positions) >= least else None


def _made(tape: Tape, wrong: str, right: str, positions: Positions, count: int) -> Variant:
    places = list(_places(tape, positions))
    texts, spans = tuple(text for text, _ in places), tuple(span for _, span in places)
    return Variant(wrong=wrong, right=right, texts=texts, spans=spans, right_count=count)


def _places(tape: Tape, positions: Positions) -> Iterator[tuple[int, tuple[int, int]]]:
    """Text and characters of each position."""
    for text, position in zip(_texts(tape, positions).tolist(), positions.tolist(), strict=True):
        yield text, (int(tape.starts[position]), int(tape.ends[position]))


def _texts(tape: Tape, positions: Positions) -> Positions:
    return np.searchsorted(tape.offsets, positions, side="right") - 1


def _positions(tape: Tape, word: str) -> Positions:
    return np.flatnonzero(tape.words == np.uint64(word_hash(word)))


def _prose(tape: Tape, positions: Positions) -> Positions:
    """Those occurrences that are lower-case words of running English text."""
    kept = [position for position in positions.tolist() if _is_prose(tape, position)]
    return np.array(kept, dtype=np.int64)


def _is_prose(tape: Tape, position: int) -> bool:
    text = int(np.searchsorted(tape.offsets, position, side="right")) - 1
    whole = tape.texts[text]
    start, end = int(tape.starts[position]), int(tape.ends[position])
    before, after = whole[start - 1 : start], whole[end : end + 1]
    if before in GLUED or after in GLUED:
        return False
    joined = (after in JOINED and whole[end + 1 : end + 2].isalnum()) or (
        before in JOINED and whole[start - 2 : start - 1].isalnum()
    )
    if joined:
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


def _likeness(types: _Types, wrong: Positions, right: Positions) -> float:
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


def _beside(tape: Tape, positions: Positions, step: int) -> Hashes:
    """Hash of the word before or after each position; 0 at the edge of a text."""
    texts = _texts(tape, positions)
    places = positions + step
    inside = (places >= tape.offsets[texts]) & (places < tape.offsets[texts + 1])
    return np.where(inside, tape.words[np.clip(places, 0, len(tape.words) - 1)], np.uint64(0))
