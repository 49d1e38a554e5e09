"""Misspellings as habits: a word that is no word, one or two slips from a word in the same company.

Works on a tape. A type is a candidate when it is not English in any regional spelling, is used
several times, and lies near a more frequent type of these texts. Then each of its occurrences is
looked at: those in names, code, addresses and other languages do not count, and what stands
before and after it must be what stands around the right word.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from headgate.text.spelling import (
    CONTRACTIONS,
    SHORT,
    dictionary,
    distance,
    edits,
    is_known,
    is_slip,
    may_be_made,
    neighbours,
    same_word,
)
from headgate.text.tape import Hashes, Positions, Tape, word_hash

SHORTEST = 5  # letters of a misspelling; shorter ones are abbreviations more often than slips
AROUND = 3  # words on each side that must be English
ENGLISH = 0.6  # share of them
STANDARD = 10  # times as frequent as a strange word must another be to be its right spelling
CERTAIN = 4.0  # log-odds from which on a variant is reported
DOUBT = 1.0  # log-odds below that at which occurrences are read one by one
SLIP, LETTER, TWO = 3.0, 1.0, -1.0  # log-odds of a typical slip, of any other letter, of two of them
LETTERS = 0.5  # log-odds for each letter above SHORTEST: long words rarely lie near each other by chance
MADE = -2.0  # log-odds of a word that may be a derivation or a compound
COMMON = 5_000_000  # frequency of a dictionary word that may be meant although these texts never use it
GLUED = frozenset("_/\\@#$<>=`~|{}[]0123456789")  # beside a word, these make it part of code or an address
JOINED = frozenset(".:-@('’")  # between two words, these make them one

ENOUGH = 27  # occurrences after which more of them say no more
FEW = 10  # occurrences that show whether a word is a name
FREQUENT = 2000  # types by which the language of the texts is judged
SAMPLE = 2000  # occurrences of a word that are looked at
EDGE, NUMBER = np.uint64(0), np.uint64(1)  # neighbours that are no words


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One misspelling and the word it stands for."""

    wrong: str
    right: str
    texts: tuple[int, ...]  # text of each occurrence of the wrong spelling, ascending
    spans: tuple[tuple[int, int], ...]  # its characters in that text
    right_count: int  # occurrences of the right spelling; by a sample where they are thousands

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
    english: float  # share of words that the dictionary knows, over the uses of the most frequent ones


@dataclass(frozen=True, slots=True)
class _Types:
    """Distinct words of a tape and where each stands; words are looked up by hash."""

    tape: Tape
    hashes: Hashes  # (V,) sorted
    order: Positions  # (W,) positions of all words, sorted by hash and then by place
    bounds: Positions  # (V + 1,): type i stands at order[bounds[i]:bounds[i + 1]]
    numbers: int = 0  # occurrences of words that begin with a digit
    places: Mapping[str, int] = field(default_factory=dict)  # types of words that are used often
    kept: dict[tuple[int, int, int], tuple[dict[int, int], float]] = field(default_factory=dict)

    def frequency(self, index: int) -> int:
        """Occurrences of a type."""
        return int(self.bounds[index + 1] - self.bounds[index])

    def word(self, index: int) -> str:
        """The letters of a type."""
        position = int(self.order[self.bounds[index]])
        text = int(np.searchsorted(self.tape.offsets, position, side="right")) - 1
        return self.tape.quote(text, position - int(self.tape.offsets[text]), 1).lower()

    def positions(self, hashed: int) -> Positions:
        """Where a word stands, ascending."""
        index = int(np.searchsorted(self.hashes, np.uint64(hashed)))
        if index == len(self.hashes) or int(self.hashes[index]) != hashed:
            return self.order[:0]
        return self.order[self.bounds[index] : self.bounds[index + 1]]

    def uses(self, word: str) -> Positions:
        """Where a word stands, ascending."""
        index = self.places.get(word)
        if index is None:
            return self.positions(word_hash(word))
        return self.order[self.bounds[index] : self.bounds[index + 1]]

    def is_lower(self, word: str) -> bool:
        """Whether a word is in lower case in half of a few occurrences; names are not."""
        positions = self.uses(word)
        some = positions[:: -(-len(positions) // FEW)]
        places = list(_places(self.tape, some))
        return 2 * sum(self.tape.texts[text][start:end].islower() for text, (start, end) in places) >= len(places)

    def company(self, positions: Positions, step: int) -> tuple[dict[int, int], float]:
        """Number of each neighbour at a sample of positions, and the share of those not seen (Good 1953)."""
        key = (int(positions[0]), len(positions), step)
        if key not in self.kept:
            sample = positions[:: -(-len(positions) // SAMPLE)]
            seen, counts = np.unique(_beside(self.tape, sample, step), return_counts=True)
            unseen = (np.count_nonzero(counts == 1) + 1) / (len(sample) + 2)
            self.kept[key] = (dict(zip(seen.tolist(), counts.tolist(), strict=True)), unseen)
        return self.kept[key]

    def share(self, hashed: int) -> float:
        """Share of a neighbour in all texts, numbers and edges of texts among them."""
        total = len(self.tape.words)
        if hashed == int(EDGE):
            return (len(self.tape) + 1) / (total + 1)
        if hashed == int(NUMBER):
            return (self.numbers + 1) / (total + 1)
        return max(len(self.positions(hashed)), 1) / total


def _types(tape: Tape) -> _Types:
    order = np.argsort(tape.words, kind="stable")
    ordered = tape.words[order]
    heads = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else order
    bounds = np.append(heads, len(ordered)).astype(np.int64)
    return _Types(tape, ordered[heads], order, bounds)


def read_variants(
    tape: Tape, *, least: int = 3, rate: float = 0.01, visible: int = 25, keep: Collection[str] = ()
) -> Reading:
    """Misspellings used at least `least` times and in at least `rate` of the occurrences of their word.

    A word is readable when it is used `visible` times; words in `keep` are right as they are.
    """
    types = _types(tape)
    often = np.flatnonzero(np.diff(types.bounds) >= least)
    places = {types.word(index): index for index in often.tolist()}
    numbers = sum(types.frequency(index) for word, index in places.items() if word[0].isdigit())
    places = {word: index for word, index in places.items() if word.isalpha()}
    words = {word: types.frequency(index) for word, index in places.items()}
    types = replace(types, numbers=numbers, places=places)
    known = {word for word in words if is_known(word)}
    strange = [word for word in words if word not in known and word not in keep and _plain(word)]
    strange = [word for word in strange if types.is_lower(word)]
    near = _near(strange, words, known)
    found = [_variant(types, wrong, near.get(wrong, []), least) for wrong in strange]
    found += [_contraction(types, wrong, least) for wrong in CONTRACTIONS if wrong in words and wrong not in keep]
    kept = [variant for variant in found if variant is not None and variant.rate >= rate]
    return Reading(
        variants=tuple(sorted(kept, key=lambda variant: (-variant.count, variant.wrong))),
        readable_types=sum(1 for word in known if words[word] >= visible and _plain(word)),
        english=_english(types),
    )


def _english(types: _Types) -> float:
    """Share of known words among the uses of the most frequent types; 0 where there are none."""
    first = np.argsort(-np.diff(types.bounds), kind="stable")[:FREQUENT].tolist()
    counted = [(word, types.frequency(index)) for index in first if (word := types.word(index)).isalpha()]
    total = sum(count for _, count in counted)
    return sum(count for word, count in counted if is_known(word)) / total if total else 0.0


def _plain(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii() and word not in CONTRACTIONS


def _near(strange: Sequence[str], words: Mapping[str, int], known: Collection[str]) -> dict[str, list[str]]:
    """Words of these texts that each strange one may stand for."""
    out: dict[str, list[str]] = {}
    for wrong, right, slips in neighbours(strange, filter(_plain, words)):
        if slips > 1 and len(wrong) < SHORT and not is_slip(wrong, right):
            continue
        # A strange word is no standard for another unless it is far more frequent.
        if right not in known and words[right] < STANDARD * words[wrong]:
            continue
        if not same_word(wrong, right):
            out.setdefault(wrong, []).append(right)
    return out


def _variant(types: _Types, wrong: str, rights: Sequence[str], least: int) -> Variant | None:
    tape = types.tape
    meant = "" if rights else _meant(wrong)
    if not rights and not meant:
        return None
    every = types.uses(wrong)
    if not meant and _best(types, wrong, rights, every)[0] < CERTAIN - DOUBT:
        return None
    positions = _prose(tape, every)
    lower = sum(tape.texts[text][start:end].islower() for text, (start, end) in _places(tape, positions))
    if lower < least or 2 * lower < len(every):  # a name, or part of code
        return None
    if meant:
        return _made(tape, wrong, meant, positions, len(types.uses(meant)))
    score, right = _best(types, wrong, rights, positions)
    if score < CERTAIN:
        return None
    return _made(tape, wrong, right, positions, _count(tape, types.uses(right)))


def uses_of(tape: Tape, wrong: str) -> tuple[Positions, Positions]:
    """Text (K,) and characters (K, 2) of each use of a misspelling that is prose, as `read_variants` counts them."""
    positions = _prose(tape, np.flatnonzero(tape.words == np.uint64(word_hash(wrong))))
    return _texts(tape, positions), np.stack([tape.starts[positions], tape.ends[positions]], axis=1).astype(np.int64)


def raw_uses(tape: Tape, right: str) -> int:
    """Occurrences of a word, or of the two that a contraction is cut into, wherever they stand."""
    head, *tail = (np.uint64(word_hash(part)) for part in right.split("'"))
    found = np.flatnonzero(tape.words == head)
    if not tail:
        return len(found)
    found = found[~np.isin(found + 1, tape.offsets)]  # the last word of a text has none after it
    return int(np.count_nonzero(tape.words[found + 1] == tail[0]))


def _count(tape: Tape, positions: Positions) -> int:
    """How many of the occurrences are prose; of many, by a sample."""
    sample = positions[:: -(-len(positions) // SAMPLE)] if len(positions) else positions
    return round(len(_prose(tape, sample)) * len(positions) / len(sample)) if len(sample) else 0


def _best(types: _Types, wrong: str, rights: Sequence[str], positions: Positions) -> tuple[float, str]:
    """The likeliest right word, with its log-odds."""
    return max((_likeness(types, positions, types.uses(right)) + _prior(wrong, right), right) for right in rights)


def _prior(wrong: str, right: str) -> float:
    """Log-odds of a slip before the company is looked at."""
    kind = SLIP if is_slip(wrong, right) else LETTER if distance(wrong, right) == 1 else TWO
    return kind + LETTERS * (len(wrong) - SHORTEST) + MADE * may_be_made(wrong)


def _meant(wrong: str) -> str:
    """The common word that a strange one stands for by its letters alone; empty when it is not clear."""
    common = dictionary()
    meant = {word for word in edits(wrong) if common.get(word, 0) >= COMMON and not same_word(wrong, word)}
    return meant.pop() if len(meant) == 1 and len(wrong) >= SHORT else ""


def _contraction(types: _Types, wrong: str, least: int) -> Variant | None:
    tape = types.tape
    head, tail = (np.uint64(word_hash(part)) for part in CONTRACTIONS[wrong])
    positions = _prose(tape, types.uses(wrong))
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
    if not word.islower() and not (word[1:].islower() and _begins(whole, start)):
        return False
    if bisect_left(_backticks(whole), start) % 2:
        return False
    return _english_around(tape, text, position)


def _begins(text: str, start: int) -> bool:
    """Whether a sentence begins at a place."""
    while start and text[start - 1] in " \n\"'(":
        start -= 1
    return not start or text[start - 1] in ".!?:"


@lru_cache(maxsize=64)
def _backticks(text: str) -> list[int]:
    # Kept for the words that follow: to look through a book again for each of its words would take hours.
    return [found.start() for found in re.finditer("`", text)]


def _english_around(tape: Tape, text: int, position: int) -> bool:
    low, high = int(tape.offsets[text]), int(tape.offsets[text + 1])
    beside = [*range(max(low, position - AROUND), position), *range(position + 1, min(high, position + AROUND + 1))]
    words = [tape.quote(text, place - low, 1).lower() for place in beside]
    words = [word for word in words if not word[0].isdigit()]
    return not words or sum(word in dictionary() for word in words) >= ENGLISH * len(words)


def _likeness(types: _Types, wrong: Positions, right: Positions) -> float:
    """Log-odds that the neighbours of `wrong` are those of `right` and not any words; 0 is no evidence.

    The mean over occurrences, times the square root of their number over three: occurrences in one
    set of texts repeat each other, so that evidence grows more slowly than with their number.

    What was never seen beside `right` gets the share of its neighbours that are new each time.
    """
    score = 0.0
    for step in (-1, 1):
        held, unseen = types.company(right, step)
        of = sum(held.values())
        for hashed, count in types.company(wrong, step)[0].items():
            score += count * math.log(unseen + (1 - unseen) * held.get(hashed, 0) / of / types.share(hashed))
    looked_at = sum(types.company(wrong, 1)[0].values())
    return score / looked_at * math.sqrt(min(looked_at, ENOUGH) / 3)


def _beside(tape: Tape, positions: Positions, step: int) -> Hashes:
    """Hash of the word before or after each position; EDGE outside the text, NUMBER for any number."""
    texts = _texts(tape, positions)
    places = positions + step
    inside = (places >= tape.offsets[texts]) & (places < tape.offsets[texts + 1])
    out = np.where(inside, tape.words[np.clip(places, 0, len(tape.words) - 1)], EDGE)
    # The same word begins with the same letter wherever it stands: each is looked at once.
    words, first, which = np.unique(out, return_index=True, return_inverse=True)
    some = first.tolist()
    numbers = [
        bool(inside[one]) and tape.texts[int(texts[one])][int(tape.starts[int(places[one])])].isdigit() for one in some
    ]
    words[numbers] = NUMBER
    return words[which]
