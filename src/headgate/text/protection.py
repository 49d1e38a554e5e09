"""Protected texts as hashes: enough to recognise a copy or a close variant, too little to read.

Of each text the index keeps a hash of all its words, its word runs of 2, 4, 8 and 13 words cut to 40
bits and sorted (so their order is lost), its numbers, and of a short text its character 5-grams cut to
16 bits (some hundred 5-grams share each value). Whoever has a text can ask whether it is in; whoever has
the index alone can only guess texts and ask.

A row matches a text by any of several definitions, because they disagree: the same words; a run of 13
words; 70 % of the runs of 8; a share of the runs of 4 that depends on the length; and, for close
variants, a share of the weight of the runs of 2 with the same numbers, or in short texts the characters,
or the whole of the short text inside the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.text.guards import number_words
from headgate.text.leaks import needed_share
from headgate.text.minhash import EMPTY, signatures
from headgate.text.ngrams import Grams, character_ngrams, distinct, exact_hashes, sorted_distinct, word_ngrams
from headgate.text.tape import Hashes, Mask, Positions, Tape, mixed, ranges, tape_of

FORMAT = 1  # of the bytes; goes up with any change of a hash
RUNS = (2, 4, 8, 13)  # words
SAME, RUN, EIGHTS, FOURS, CONTAINED, PAIRS, CHARACTERS = DEFINITIONS = (
    "same-words", "13-gram", "8-grams", "4-grams", "contained", "2-grams", "characters",
)  # fmt: skip
COPIES = (SAME, RUN, EIGHTS, FOURS)  # what repeats a text; by the others a row may also be a sibling
EIGHTS_SHARE, EIGHTS_LEAST = 0.7, 5  # of at least so many runs: the share of two is no share
# Share of the weight of a text's runs of 2, times the agreement of numbers, by how many tell something. Chosen on
# every other item of GSM8K against its training rows; on the others: 95 % of copies with a fifth of the words
# changed, 2 of 7,473 honest rows.
PAIRS_SHARE = {16: 0.35, 10: 0.5}
FLOOR = 0.3  # weight that is left when no number agrees
CHARACTERS_SHARE = 0.7  # Jaccard
SHORT_WORDS = 20
GRAM, CHARACTER_BITS = 5, 16
BANDS, BAND_ROWS = 32, 4
COMMON_ROWS, COMMON_SHARE = 20, {2: 0.005, 4: 0.001, 8: 0.001, 13: 0.001}  # more rows than both: boilerplate
TURN_WORDS = 5  # of a text that is looked for in single turns of a dialogue
WHOLE_LEAST = 3  # telling runs of 4 (six words) of a short text that a row must hold, all of them
WHOLE = 0.9  # share of a text of boilerplate that a row must hold

Flat = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class TextIndex:
    """Hashes of E texts."""

    words: Positions  # (E,): how many
    exact: Hashes  # (E,)
    numbers: Grams  # distinct numbers of each text
    runs: Mapping[int, Grams]  # for each n the distinct runs of n words
    characters: Grams  # of short texts; the others have none
    bands: Hashes  # (E, BANDS): 0 where there are none

    def __len__(self) -> int:
        return len(self.words)

    def to_bytes(self) -> bytes:
        """The same arrays, the same bytes."""
        arrays = self._arrays()
        head = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
        return b"".join([orjson.dumps([FORMAT, head]), b"\n", *(array.tobytes() for array in arrays.values())])

    @classmethod
    def from_bytes(cls, data: bytes) -> TextIndex:
        """Reads what `to_bytes` wrote; a ValueError where another format did."""
        first, _, body = data.partition(b"\n")
        number, head = orjson.loads(first)
        if number != FORMAT:
            raise ValueError(f"an index of format {number}, not {FORMAT}")
        found: dict[str, NDArray[np.generic]] = {}
        at = 0
        for name, (kind, shape) in head.items():
            size = int(np.prod(shape))
            found[name] = np.frombuffer(body, dtype=kind, count=size, offset=at).reshape(shape)
            at += found[name].nbytes
        grams = {name: _grams(found, name) for name in ("numbers", "characters", *map(str, RUNS))}
        return cls(
            words=found["words"].astype(np.int64),
            exact=found["exact"].astype(np.uint64),
            numbers=grams["numbers"],
            runs={n: grams[str(n)] for n in RUNS},
            characters=grams["characters"],
            bands=found["bands"].astype(np.uint64),
        )

    def _arrays(self) -> dict[str, Flat]:
        parts = {"numbers": self.numbers, "characters": self.characters, **{str(n): g for n, g in self.runs.items()}}
        out: dict[str, Flat] = {"words": self.words.astype("<i4"), "exact": self.exact.astype("<u8")}
        out["bands"] = self.bands.astype("<u8")
        for name, grams in parts.items():
            out[f"{name} counts"] = grams.counts.astype("<i4")
            out[f"{name} hashes"] = grams.hashes.astype("<u2" if name == "characters" else "<u8")
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Rows that match texts of an index, each by one definition; M matches."""

    rows: Positions  # (M,)
    texts: Positions  # (M,)
    definition: Positions  # (M,): place in DEFINITIONS
    share: NDArray[np.float64]  # (M,): of the text, or similarity

    def __len__(self) -> int:
        return len(self.rows)


def index_of(texts: Sequence[str]) -> TextIndex:
    """Hashes of texts."""
    tape = tape_of(texts)
    characters, bands = _short(tape)
    return TextIndex(
        words=tape.lengths,
        exact=exact_hashes(tape),
        numbers=_numbers(tape),
        runs={n: distinct(word_ngrams(tape, n)) for n in RUNS},
        characters=characters,
        bands=bands,
    )


class Block:
    """Rows to be held against several indexes; what they need is computed once."""

    def __init__(self, whole: Sequence[str], turns: Sequence[str], owners: Sequence[int]) -> None:
        """`whole` are all the words of each row; `turns` what was asked, with the row of each, all of it first."""
        self.whole, self.turns = tape_of(whole), tape_of(turns)
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
        return _bands(self.turns.take(self.short))

    @cached_property
    def characters(self) -> Grams:
        """Character 5-grams of the short turns."""
        return _cut(self.turns.take(self.short))

    @cached_property
    def numbers(self) -> Grams:
        """Distinct numbers of each row."""
        return _numbers(self.whole)

    def runs(self, n: int) -> Grams:
        """Distinct runs of n words of each row."""
        if n not in self._runs:
            parts = [distinct(word_ngrams(part, n)) for _, part in self.whole.parts()]
            hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *(part.hashes for part in parts)])
            counts = np.concatenate([np.zeros(0, dtype=np.int64), *(part.counts for part in parts)])
            self._runs[n] = Grams(hashes, _offsets(counts))
        return self._runs[n]


class Sieve:
    """An index made ready to be asked, one block of rows after another."""

    def __init__(self, index: TextIndex, asked: Mask, common: Hashes) -> None:
        """`asked` are the texts that short matches are looked for in; `common` are runs known as boilerplate."""
        self.index, self.asked = index, asked
        self.common = common  # grows with what blocks of rows show
        self._known = {n: sorted_distinct(grams.hashes) for n, grams in index.runs.items()}

    def matches(self, block: Block) -> Matches:
        """Every match of one block of rows."""
        found = [self._same(block), self._characters(block)]
        for n in RUNS:
            found += self._covering(block, n)
        return _joined(found)

    def _same(self, block: Block) -> Matches:
        order = np.argsort(block.exact, kind="stable")
        wanted = np.flatnonzero(self.asked & (self.index.words > 0))
        exact = self.index.exact[wanted]
        left, right = (np.searchsorted(block.exact[order], exact, side=side) for side in ("left", "right"))
        counts = (right - left).astype(np.int64)
        turn, text = order[ranges(left.astype(np.int64), _offsets(counts))], np.repeat(wanted, counts)
        kept = self._enough(block.parts[turn], text)
        return _made(block.owners[turn[kept]], text[kept], SAME, np.ones(int(kept.sum())))

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
            texts = order[ranges(left.astype(np.int64), _offsets(counts))]
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
        of = Grams(place_of[told].astype(np.uint64), _offsets(np.bincount(own.owners[told], minlength=len(self.index))))
        one, text, held = _paired(row[keep], place[keep], of, weights, size)
        share = held / np.maximum(total[text], 1e-12)
        telling = np.bincount(own.owners[told], minlength=len(self.index))
        if n == 2:
            wanted = np.select([telling >= least for least in PAIRS_SHARE], [*PAIRS_SHARE.values()], default=2.0)
            enough = share >= wanted[text]
            one, text, share = one[enough], text[enough], share[enough]
            share = share * (FLOOR + (1 - FLOOR) * self._agreement(block, one, text))
            enough = share >= wanted[text]
            return [_made(one[enough], text[enough], PAIRS, share[enough])]
        if n == 4:
            enough = share >= needed_share(telling[text])
            brief = (share >= 1) & (telling[text] >= WHOLE_LEAST) & (2 * telling[text] > own.counts[text]) & ~enough
            return [
                _made(one[enough], text[enough], FOURS, share[enough]),
                _made(one[brief], text[brief], CONTAINED, share[brief]),
                self._boilerplate(row, place, common, own, place_of, size),
            ]
        if n == 8:
            enough = (share >= EIGHTS_SHARE) & (telling[text] >= EIGHTS_LEAST)
            return [_made(one[enough], text[enough], EIGHTS, share[enough])]
        return [_made(one, text, RUN, share)]

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
            rows = np.flatnonzero(held >= WHOLE)
            found.append(_made(rows, np.full(len(rows), text), FOURS, held[rows]))
        return _joined(found)

    def _agreement(self, block: Block, rows: Positions, texts: Positions) -> NDArray[np.float64]:
        """Share of each text's numbers that the row has; 1 where the text has none."""
        mine = self.index.numbers
        counts = mine.counts[texts]
        wanted = mine.hashes[ranges(mine.offsets[:-1][texts], _offsets(counts))]
        has = np.isin(_keyed(np.repeat(rows, counts), wanted), _keyed(block.numbers.owners, block.numbers.hashes))
        hits = np.bincount(np.repeat(np.arange(len(texts)), counts), weights=has, minlength=len(texts))
        share: NDArray[np.float64] = np.where(counts > 0, hits / np.maximum(counts, 1), 1.0)
        return share


def _paired(
    row: Positions, place: Positions, of: Grams, weights: NDArray[np.float64], rows: int
) -> tuple[Positions, Positions, NDArray[np.float64]]:
    """(row, text, weight in common) of every row and text that share a telling run."""
    by_place = np.argsort(of.hashes, kind="stable")
    begins = np.searchsorted(of.hashes[by_place], np.arange(len(weights) + 1).astype(np.uint64)).astype(np.int64)
    counts = begins[place + 1] - begins[place]
    texts = of.owners[by_place[ranges(begins[place], _offsets(counts))]]
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


def _short(tape: Tape) -> tuple[Grams, Hashes]:
    chosen = np.flatnonzero((tape.lengths < SHORT_WORDS) & (tape.lengths > 0))
    part = tape.take(chosen)
    grams, keys = _cut(part), _bands(part)
    counts = np.zeros(len(tape), dtype=np.int64)
    counts[chosen] = grams.counts
    bands = np.zeros((len(tape), BANDS), dtype=np.uint64)
    bands[chosen] = keys
    return Grams(grams.hashes, _offsets(counts)), bands


def _cut(tape: Tape) -> Grams:
    """Distinct character 5-grams of each text, cut to 16 bits."""
    grams = character_ngrams(tape, GRAM)
    cut = grams.hashes >> np.uint64(64 - CHARACTER_BITS)
    return _sets(grams.owners, cut, len(tape))


def _bands(tape: Tape) -> Hashes:
    table = signatures(tape, lambda one: character_ngrams(one, GRAM), rows=BANDS * BAND_ROWS)
    keys = np.zeros((len(tape), BANDS), dtype=np.uint64)
    for band in range(BANDS):
        key = np.full(len(tape), band, dtype=np.uint64)
        for values in table[band * BAND_ROWS : (band + 1) * BAND_ROWS]:
            key = mixed(key ^ values.astype(np.uint64))
        keys[:, band] = np.where((table[0] != EMPTY), key | np.uint64(1), 0)
    return keys


def _numbers(tape: Tape) -> Grams:
    found = number_words(tape)
    owners = np.repeat(np.arange(len(tape)), tape.lengths)[found]
    return _sets(owners, tape.words[found] >> np.uint64(24), len(tape))


def _sets(owners: Positions, values: Hashes, size: int) -> Grams:
    """Sorted distinct values (at most 40 bits) of each owner."""
    keys = sorted_distinct(_keyed(owners, values))
    mine = (keys >> np.uint64(40)).astype(np.int64)
    return Grams(keys & np.uint64((1 << 40) - 1), _offsets(np.bincount(mine, minlength=size)))


def _keyed(owners: Positions, values: Hashes) -> Hashes:
    return (owners.astype(np.uint64) << np.uint64(40)) | values


def _jaccard(one: Grams, left: Positions, other: Grams, right: Positions) -> NDArray[np.float64]:
    """Jaccard similarity of pairs of sets out of two collections."""
    counts = one.counts[left]
    wanted = one.hashes[ranges(one.offsets[:-1][left], _offsets(counts))]
    pair = np.arange(len(left))
    sizes = other.counts[right]
    there = _keyed(np.repeat(pair, sizes), other.hashes[ranges(other.offsets[:-1][right], _offsets(sizes))])
    hit = np.isin(_keyed(np.repeat(pair, counts), wanted), there)
    both = np.bincount(np.repeat(pair, counts), weights=hit, minlength=len(left))
    share: NDArray[np.float64] = both / np.maximum(counts + sizes - both, 1)
    return share


def _grams(found: Mapping[str, Flat], name: str) -> Grams:
    return Grams(found[f"{name} hashes"].astype(np.uint64), _offsets(found[f"{name} counts"].astype(np.int64)))


def _offsets(counts: Positions) -> Positions:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


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
