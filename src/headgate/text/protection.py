"""Which rows repeat a protected text, and which are only like one.

A row matches a text by any of several definitions, because they disagree. A copy has the same words; a run of 13
words; 70 % of the runs of 8, or all of the few that a text of 8 to 11 words has; a share of the runs of 4 that depends
on the length; or, of a longer text, a share of the weight of the runs of 2 with the same numbers. What is
only alike may as well be a sibling that somebody asked by himself: nearly the same characters in a short text, the
whole of one inside the row, fewer runs of 2, the same frame with other numbers, a turn of phrase with another answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headgate.text.leaks import needed_share
from headgate.text.ngrams import Grams, distinct, exact_hashes, sorted_distinct, word_ngrams
from headgate.text.protected import (
    BANDS,
    RUNS,
    SHORT_WORDS,
    TextIndex,
    band_keys,
    cut_grams,
    keyed,
    numbers_of,
    offsets_of,
)
from headgate.text.tape import Hashes, Mask, Positions, ranges, tape_of

SAME, RUN, EIGHTS, FOURS, CONTAINED, PAIRS, CHARACTERS, WHOLE, FEW_PAIRS, TWIN, PHRASE, FEW_RUNS = DEFINITIONS = (
    *("same-words", "13-gram", "8-grams", "4-grams", "contained", "2-grams", "characters"),
    *("all 8-grams", "few 2-grams", "other numbers", "phrase", "few 13-grams"),
)
COPIES = (SAME, RUN, EIGHTS, FOURS, WHOLE, PAIRS)  # what repeats a text; by the others a row may also be a sibling
EIGHTS_SHARE, EIGHTS_LEAST = 0.7, 5  # of at least so many runs: the share of two is no share
# Share of the weight of a text's runs of 2, times the agreement of numbers, by how many tell something. Chosen on
# every other item of GSM8K against its training rows.
PAIRS_SHARE = {16: 0.35, 10: 0.5}
FLOOR = 0.3  # weight that is left when no number agrees
CHARACTERS_SHARE = 0.7  # Jaccard
COMMON_ROWS, COMMON_SHARE = 20, {2: 0.005, 4: 0.001, 8: 0.001, 13: 0.001}  # more rows than both: boilerplate
TURN_WORDS = 5  # of a text that is looked for in single turns of a dialogue
WHOLE_LEAST = 3  # telling runs of 4 (six words) of a short text that a row must hold, all of them
DULL = 0.9  # share of a text of boilerplate that a row must hold
# Under these a match may be a frame that siblings share ("Imagine you are an alien visiting Earth for the first time").
SURE_PAIRS, SURE_RUNS = 0.45, 0.2  # share of the weight of runs of 2, and of the runs of 13, that makes a copy
MANY_PAIRS = 16  # telling runs of 2 of a text that is long enough for a share of them to tell a copy
TWIN_NUMBERS = 0.75  # share of a text's numbers that a copy keeps, where the row asks with others
PHRASE_WORDS, PHRASE_LEAST = 8, 3  # words of a question that is a turn of phrase without its answer; of one looked for


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Rows that match texts of an index, each by one definition; M matches."""

    rows: Positions  # (M,)
    texts: Positions  # (M,)
    definition: Positions  # (M,): place in DEFINITIONS
    share: NDArray[np.float64]  # (M,): of the text, or similarity

    def __len__(self) -> int:
        return len(self.rows)


class Block:
    """Rows to be held against several indexes; what they need is computed once."""

    def __init__(
        self, whole: Sequence[str], turns: Sequence[str], owners: Sequence[int], both: Sequence[str] = ()
    ) -> None:
        """`whole` are all the words of each row; `turns` what was asked, with the row of each, all of it first.

        `both` are question and answer of each row, where phrases are to be told by their answers.
        """
        self.whole, self.turns, self.both = tape_of(whole), tape_of(turns), tape_of(both)
        self.owners: Positions = np.array(owners, dtype=np.int64)
        self.parts: Mask = np.append(False, self.owners[1:] == self.owners[:-1])[: len(self.owners)]
        self.short: Positions = np.flatnonzero(self.turns.lengths < 2 * SHORT_WORDS / CHARACTERS_SHARE)
        self._runs: dict[int, Grams] = {}

    @cached_property
    def exact(self) -> Hashes:
        """A hash of the words of each turn."""
        return exact_hashes(self.turns)

    @cached_property
    def bands(self) -> Hashes:
        """Band keys of the short turns."""
        return band_keys(self.turns.take(self.short))

    @cached_property
    def characters(self) -> Grams:
        """Character 5-grams of the short turns."""
        return cut_grams(self.turns.take(self.short))

    @cached_property
    def numbers(self) -> Grams:
        """Distinct numbers of each row."""
        return numbers_of(self.whole)

    @cached_property
    def asked_numbers(self) -> Grams:
        """Distinct numbers of what was asked in each row."""
        return numbers_of(self.turns.take(np.flatnonzero(~self.parts)))

    def runs(self, n: int) -> Grams:
        """Distinct runs of n words of each row."""
        if n not in self._runs:
            parts = [distinct(word_ngrams(part, n)) for _, part in self.whole.parts()]
            hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *(part.hashes for part in parts)])
            counts = np.concatenate([np.zeros(0, dtype=np.int64), *(part.counts for part in parts)])
            self._runs[n] = Grams(hashes, offsets_of(counts))
        return self._runs[n]


class Sieve:
    """An index made ready to be asked, one block of rows after another."""

    def __init__(
        self, index: TextIndex, asked: Mask, common: Hashes, *, both: Mask | None = None, answered: Mask | None = None
    ) -> None:
        """`asked` are the texts that short matches are looked for in; `common` are runs known as boilerplate.

        `both` are texts of a question with its answer, `answered` the questions that have such a text.
        """
        none = np.zeros(len(index), dtype=bool)
        self.index, self.asked = index, asked
        self.both = none if both is None else both
        self.phrases: Mask = asked & (none if answered is None else answered) & (index.words < PHRASE_WORDS)
        self.common = common  # grows with what blocks of rows show
        self._known = {n: sorted_distinct(grams.hashes) for n, grams in index.runs.items()}

    def matches(self, block: Block) -> Matches:
        """Every match of one block of rows."""
        likenesses = [self._characters(block), *self._same(block)]
        for n in RUNS:
            likenesses += self._covering(block, n)
        return self._without_phrases(_joined(likenesses), len(block.whole))

    def _same(self, block: Block) -> list[Matches]:
        turn, text = _equal(block.exact, self.index.exact, self.asked & (self.index.words > 0))
        kept = self._enough(block.parts[turn], text)
        row, text = block.owners[turn[kept]], text[kept]
        phrase = self.phrases[text]
        out = [
            _made(row[~phrase], text[~phrase], SAME, np.ones(int((~phrase).sum()))),
            _made(row[phrase], text[phrase], PHRASE, np.ones(int(phrase.sum()))),
        ]
        if len(block.both):
            row, text = _equal(exact_hashes(block.both), self.index.exact, self.both & (self.index.words > 0))
            out.append(_made(row, text, SAME, np.ones(len(row))))
        return out

    def _without_phrases(self, found: Matches, rows: int) -> Matches:
        """Without likenesses to texts that a crowd of rows is like, and to texts of a word or two."""
        kinds = [DEFINITIONS.index(name) for name in (CHARACTERS, CONTAINED, PHRASE)]
        slight = np.isin(found.definition, kinds)
        once = np.unique(found.texts[slight] * max(rows, 1) + found.rows[slight]) // max(rows, 1)
        limit = max(COMMON_ROWS, COMMON_SHARE[4] * rows)
        crowd = np.bincount(once, minlength=len(self.index))[found.texts] > limit
        kept = ~slight | (~crowd & (self.index.words[found.texts] >= PHRASE_LEAST))
        kept &= ~self.both[found.texts] | (found.definition == DEFINITIONS.index(SAME))
        return Matches(found.rows[kept], found.texts[kept], found.definition[kept], found.share[kept])

    def _enough(self, parts: Mask, texts: Positions) -> Mask:
        """Whether a text is long enough to be told by one turn of several: many dialogues have a "yes, please"."""
        enough: Mask = ~parts | (self.index.words[texts] >= TURN_WORDS)
        return enough

    def _characters(self, block: Block) -> Matches:
        keys, of, size = block.bands, self.index.bands, max(len(self.index), 1)
        pairs = [np.zeros(0, dtype=np.int64)]
        for band in range(BANDS):
            wanted = np.flatnonzero(self.asked & (of[:, band] > 0))
            order = wanted[np.argsort(of[wanted, band], kind="stable")]
            left, right = (np.searchsorted(of[order, band], keys[:, band], side=side) for side in ("left", "right"))
            counts = np.where(keys[:, band] > 0, right - left, 0).astype(np.int64)
            texts = order[ranges(left.astype(np.int64), offsets_of(counts))]
            pairs.append(np.repeat(np.arange(len(keys)), counts) * size + texts)
        coded = sorted_distinct(np.concatenate(pairs).astype(np.uint64)).astype(np.int64)
        one, text = np.divmod(coded, size)
        share = _jaccard(block.characters, one, self.index.characters, text)
        kept = (share >= CHARACTERS_SHARE) & self._enough(block.parts[block.short[one]], text)
        return _made(block.owners[block.short[one[kept]]], text[kept], CHARACTERS, share[kept])

    def _held(self, block: Block, n: int) -> tuple[Positions, Positions]:
        """(row, place among the known runs) of every distinct known run of n words in a row."""
        known, grams = self._known[n], block.runs(n)
        place = np.minimum(np.searchsorted(known, grams.hashes), len(known) - 1)
        true = np.flatnonzero(known[place] == grams.hashes)
        return np.searchsorted(grams.offsets, true, side="right") - 1, place[true]

    def _covering(self, block: Block, n: int) -> list[Matches]:
        known, own, size = self._known[n], self.index.runs[n], len(block.whole)
        if not len(known):
            return []
        row, place = self._held(block, n)
        common = np.isin(known, self.common) if n == 4 else np.zeros(len(known), dtype=bool)
        limit = max(COMMON_ROWS, COMMON_SHARE[n] * size)
        common |= np.bincount(place, minlength=len(known)) > limit
        if n == 4:
            self.common = np.union1d(self.common, known[common])
        place_of = np.searchsorted(known, own.hashes)
        told = ~common[place_of]
        weights = _rarity(place_of, len(known), len(self.index)) if n == 2 else np.ones(len(known))
        total = np.bincount(own.owners[told], weights=weights[place_of[told]], minlength=len(self.index))
        keep = ~common[place]
        of = Grams(
            place_of[told].astype(np.uint64), offsets_of(np.bincount(own.owners[told], minlength=len(self.index)))
        )
        one, text, held = _paired(row[keep], place[keep], of, weights, size)
        share = held / np.maximum(total[text], 1e-12)
        telling = np.bincount(own.owners[told], minlength=len(self.index))
        if n == 2:
            return self._by_pairs(block, one, text, share, telling)
        if n == 4:
            enough = share >= needed_share(telling[text])
            brief = (share >= 1) & (telling[text] >= WHOLE_LEAST) & (2 * telling[text] > own.counts[text]) & ~enough
            return [
                *self._repeated(block, FOURS, one[enough], text[enough], share[enough]),
                _made(one[brief], text[brief], CONTAINED, share[brief]),
                self._boilerplate(row, place, common, own, place_of, size),
            ]
        if n == 8:
            enough = (share >= EIGHTS_SHARE) & (telling[text] >= EIGHTS_LEAST)
            whole = (held == own.counts[text]) & (own.counts[text] < EIGHTS_LEAST)
            return [
                *self._repeated(block, EIGHTS, one[enough], text[enough], share[enough]),
                _made(one[whole], text[whole], WHOLE, share[whole]),
            ]
        sure = share >= SURE_RUNS
        few = _made(one[~sure], text[~sure], FEW_RUNS, share[~sure])
        return [few, *self._repeated(block, RUN, one[sure], text[sure], share[sure])]

    def _by_pairs(
        self, block: Block, one: Positions, text: Positions, share: NDArray[np.float64], telling: Positions
    ) -> list[Matches]:
        """Matches by pairs of words; many of them are a copy, few a likeness."""
        wanted = np.select([telling >= least for least in PAIRS_SHARE], [*PAIRS_SHARE.values()], default=2.0)
        enough = share >= wanted[text]
        one, text, share = one[enough], text[enough], share[enough]
        share = share * (FLOOR + (1 - FLOOR) * self._agreement(block, one, text))
        enough = share >= wanted[text]
        many = (telling[text] >= MANY_PAIRS) & (share >= SURE_PAIRS)
        less, more = enough & ~many, enough & many
        return [
            _made(one[less], text[less], FEW_PAIRS, share[less]),
            *self._repeated(block, PAIRS, one[more], text[more], share[more]),
        ]

    def _repeated(
        self, block: Block, name: str, rows: Positions, texts: Positions, share: NDArray[np.float64]
    ) -> list[Matches]:
        """Matches of a copy; twins where the row asks with other numbers than the text has."""
        lost = 1 - self._agreement(block, rows, texts)
        own = self.index.numbers.counts[texts]
        foreign = block.asked_numbers.counts[rows] - np.round(
            own * self._agreement(block, rows, texts, block.asked_numbers)
        )
        twin = (lost > 1 - TWIN_NUMBERS) & (2 * foreign >= np.round(lost * own))
        return [
            _made(rows[~twin], texts[~twin], name, share[~twin]),
            _made(rows[twin], texts[twin], TWIN, share[twin]),
        ]

    def _boilerplate(
        self, row: Positions, place: Positions, common: Mask, own: Grams, place_of: Positions, size: int
    ) -> Matches:
        """Rows that hold nearly all of a text of which at least half is boilerplate: so one copied often is found."""
        dull = np.bincount(own.owners[common[place_of]], minlength=len(self.index))
        suspects = np.flatnonzero((2 * dull >= own.counts) & (own.counts > 8) & self.asked)
        found = []
        for text in suspects.tolist():
            mine = place_of[own.offsets[text] : own.offsets[text + 1]]
            held = np.bincount(row[np.isin(place, mine)], minlength=size) / len(mine)
            rows = np.flatnonzero(held >= DULL)
            found.append(_made(rows, np.full(len(rows), text), FOURS, held[rows]))
        return _joined(found)

    def _agreement(
        self, block: Block, rows: Positions, texts: Positions, there: Grams | None = None
    ) -> NDArray[np.float64]:
        """Share of each text's numbers that the row has (or the question of it); 1 where the text has none."""
        mine, theirs = self.index.numbers, block.numbers if there is None else there
        counts = mine.counts[texts]
        wanted = mine.hashes[ranges(mine.offsets[:-1][texts], offsets_of(counts))]
        has = np.isin(keyed(np.repeat(rows, counts), wanted), keyed(theirs.owners, theirs.hashes))
        hits = np.bincount(np.repeat(np.arange(len(texts)), counts), weights=has, minlength=len(texts))
        share: NDArray[np.float64] = np.where(counts > 0, hits / np.maximum(counts, 1), 1.0)
        return share


def _equal(there: Hashes, ours: Hashes, chosen: Mask) -> tuple[Positions, Positions]:
    """Places of equal hashes among those of rows and those of chosen texts."""
    order = np.argsort(there, kind="stable")
    wanted = np.flatnonzero(chosen)
    left, right = (np.searchsorted(there[order], ours[wanted], side=side) for side in ("left", "right"))
    counts = (right - left).astype(np.int64)
    return order[ranges(left.astype(np.int64), offsets_of(counts))], np.repeat(wanted, counts)


def _paired(
    row: Positions, place: Positions, of: Grams, weights: NDArray[np.float64], rows: int
) -> tuple[Positions, Positions, NDArray[np.float64]]:
    """(row, text, weight in common) of every row and text that share a telling run."""
    by_place = np.argsort(of.hashes, kind="stable")
    begins = np.searchsorted(of.hashes[by_place], np.arange(len(weights) + 1).astype(np.uint64)).astype(np.int64)
    counts = begins[place + 1] - begins[place]
    texts = of.owners[by_place[ranges(begins[place], offsets_of(counts))]]
    coded = texts * max(rows, 1) + np.repeat(row, counts)
    order = np.argsort(coded, kind="stable")
    coded = coded[order]
    if not len(coded):
        return coded, coded, np.zeros(0)
    heads = np.flatnonzero(np.append(True, coded[1:] != coded[:-1]))
    held = np.add.reduceat(np.repeat(weights[place], counts)[order], heads)
    text, one = np.divmod(coded[heads], max(rows, 1))
    return one, text, held


def _rarity(place_of: Positions, known: int, texts: int) -> NDArray[np.float64]:
    """Weight of each known run: the logarithm of how few of the protected texts have it."""
    weight: NDArray[np.float64] = np.log(1 + texts / np.maximum(np.bincount(place_of, minlength=known), 1))
    return weight


def _jaccard(one: Grams, left: Positions, other: Grams, right: Positions) -> NDArray[np.float64]:
    """Jaccard similarity of pairs of sets out of two collections."""
    counts = one.counts[left]
    wanted = one.hashes[ranges(one.offsets[:-1][left], offsets_of(counts))]
    pair = np.arange(len(left))
    sizes = other.counts[right]
    there = keyed(np.repeat(pair, sizes), other.hashes[ranges(other.offsets[:-1][right], offsets_of(sizes))])
    hit = np.isin(keyed(np.repeat(pair, counts), wanted), there)
    both = np.bincount(np.repeat(pair, counts), weights=hit, minlength=len(left))
    share: NDArray[np.float64] = both / np.maximum(counts + sizes - both, 1)
    return share


def _made(rows: Positions, texts: Positions, definition: str, share: NDArray[np.float64]) -> Matches:
    code = np.full(len(rows), DEFINITIONS.index(definition), dtype=np.int64)
    return Matches(rows.astype(np.int64), texts.astype(np.int64), code, share.astype(np.float64))


def _joined(found: Sequence[Matches]) -> Matches:
    nothing = np.zeros(0, dtype=np.int64)
    parts = [Matches(nothing, nothing, nothing, np.zeros(0)), *found]
    return Matches(
        rows=np.concatenate([one.rows for one in parts]),
        texts=np.concatenate([one.texts for one in parts]),
        definition=np.concatenate([one.definition for one in parts]),
        share=np.concatenate([one.share for one in parts]),
    )
