"""How like the nearest of many texts each item is: TF-IDF cosine, times agreement of numbers.

score = cosine * (0.1 + 0.9 * J), where the cosine is over words and pairs of words and J is the
Jaccard similarity of the two sets of numbers in digits (1 where neither has any). The cosine alone finds texts
about the same thing; a rephrased item keeps its numbers, a sibling on the same topic does not.
Terms are hashed to columns; the scores of the nearest few are exact for those columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.guards import digit_words
from headgate.text.jaccard import jaccard
from headgate.text.ngrams import Grams, exact_hashes, word_ngrams
from headgate.text.tape import Hashes, Mask, Positions, Tape, joined, ranges

COLUMN_BITS = (14, 22)  # terms are hashed to 16 columns a word, within these limits: collisions only add noise
FLOOR = 0.1  # weight that is left when no number agrees
NEIGHBOURS = 20  # rows that are scored for each item
RETRIEVAL_ROWS = 500  # a term in more rows than this helps no retrieval; it counts in the score
TEXTS = 1 << 13  # counted at a time by compiled kernels
BLOCK = 256  # items multiplied at a time
LEAST_COSINE = 0.1  # less alike rows are never scored: no threshold in use lies that low
QUANTILE = 0.98
SAMPLE = 2000  # honest rows to calibrate on

Scores = NDArray[np.float64]
Counts = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """For each item, the row with the highest score; K items."""

    row: Positions  # (K,): -1 where no row shares a telling word
    score: Scores  # (K,)
    cosine: Scores  # (K,): of that row


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold from honest rows."""

    threshold: float  # score
    honest: int  # rows it rests on


@dataclass(frozen=True, slots=True, eq=False)
class Likest:
    """The rows most like each item, some for each; P pairs."""

    items: Positions  # (P,)
    rows: Positions  # (P,)
    closeness: Scores  # (P,): cosine of the terms that few rows have, by which they were chosen
    cosine: Scores  # (P,)
    score: Scores  # (P,)

    def where(self, kept: Mask | Positions) -> Likest:
        """Some of the pairs."""
        return Likest(self.items[kept], self.rows[kept], self.closeness[kept], self.cosine[kept], self.score[kept])


def nearest(items: Tape, rows: Tape, *, neighbours: int = NEIGHBOURS, skip: Positions | None = None) -> Nearest:
    """The likest row of each item; `skip[i]` is a row that item i may not be matched with (-1: none)."""
    bits = column_bits(len(items.words) + len(rows.words))
    sought = Sought(items, bits, rows_of_columns(rows, bits), len(rows))
    more = 0 if skip is None else 1
    return best_of(likest(sought, rows, neighbours + more), len(items), neighbours, skip)


def calibrate(rows: Tape, *, sample: int = SAMPLE, quantile: float = QUANTILE, seed: int = 0) -> Calibration:
    """What honest items score: some of the rows, each against all others.

    An item from the same source as the rows scores above the threshold with probability
    1 - quantile, natural twins included. Rows with a word-for-word copy are left out, as copied
    items are before this question is asked.
    """
    asked = honest(exact_hashes(rows), rows.lengths, sample=sample, seed=seed)
    return level_of(nearest(rows.take(asked), rows, skip=asked).score, quantile)


def honest(keys: Hashes, lengths: Positions, *, sample: int = SAMPLE, seed: int = 0) -> Positions:
    """Some of the texts with words that no other text repeats word for word; `keys` are their `exact_hashes`."""
    ordered = np.sort(keys)
    single = np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys, side="left") == 1
    alone = np.flatnonzero(single & (lengths > 0))
    return np.sort(np.random.default_rng(seed).permutation(alone)[:sample])


def level_of(scores: Scores, quantile: float) -> Calibration:
    """The score that a share of honest texts stays below."""
    if not len(scores):
        return Calibration(1.0, 0)
    return Calibration(float(np.quantile(scores, quantile, method="higher")), len(scores))


def column_bits(words: int) -> int:
    """Bits of the columns to which the terms of texts with so many words are hashed."""
    least, most = COLUMN_BITS
    return min(max(words.bit_length() + 4, least), most)


def rows_of_columns(rows: Tape, bits: int) -> Counts:
    """In how many of the rows each column occurs; shape (2 ** bits,). Those of blocks add up."""
    return _column_counts(_cached_counts(rows, bits))


class Sought:
    """Items as vectors, to be looked for among rows that are told block by block."""

    def __init__(self, items: Tape, bits: int, rows_of: Counts, rows: int) -> None:
        """`rows_of` says in how many of all `rows` each column occurs."""
        self.items, self.bits, self._rows_of = items, bits, rows_of
        counts = _cached_counts(items, bits).copy()
        own, times = np.unique(counts.indices, return_counts=True)
        self._texts_of = rows_of.copy()
        self._texts_of[own] += times.astype(rows_of.dtype)
        # There are millions of columns and far fewer numbers of texts: a logarithm for each number.
        self._idf = np.log((1 + len(items) + rows) / (1 + np.arange(len(items) + rows + 1))) + 1
        self.weighed = self.weigh(counts)
        telling = own[rows_of[own] <= RETRIEVAL_ROWS]
        self._places = np.full(len(rows_of), -1, dtype=np.int32)  # of columns that items have and few rows have
        self._places[telling] = np.arange(len(telling), dtype=np.int32)
        self._shape = len(telling)
        self.rare = self._telling(self.weighed)

    def weigh(self, counts: Any) -> Any:
        """Counts, in place, times the inverse document frequency of their columns; rows of unit length."""
        return _weighed(counts, self._texts_of, self._idf)

    def closest(self, asked: Tape, count: int) -> tuple[Positions, Positions, Scores]:
        """The items most like each of other texts, some for each: text, item and cosine of P pairs.

        Where no rows were counted the weights are those of the items alone, so that no text depends on the others.
        """
        return _top(self.weigh(_cached_counts(asked, self.bits).copy()) @ self.weighed.T.tocsr(), count)

    def rare_of(self, counts: Any) -> Any:
        """The weighed entries of counted rows in columns that an item has and few rows have; (rows, such columns)."""
        if not kernels.compiled():
            return self._telling(self.weigh(counts.copy()))
        from headgate.text.compiled import counting

        kept, columns = np.empty(len(counts.data)), np.empty(len(counts.data), dtype=np.int32)
        ends, bounds = np.empty(len(counts.indptr), dtype=np.int64), counts.indptr.astype(np.int64)
        used = counting.weigh_some(
            counts.data, counts.indices, bounds, self._texts_of, self._idf, self._places, kept, columns, ends
        )
        return type(counts)((kept[:used], columns[:used], ends), shape=(counts.shape[0], self._shape))

    def _telling(self, matrix: Any) -> Any:
        """The entries in columns that an item has and few rows have; only those columns are numbered."""
        columns = self._places[matrix.indices]
        kept = np.flatnonzero(columns >= 0)
        ends = np.searchsorted(kept, matrix.indptr)
        return type(matrix)((matrix.data[kept], columns[kept], ends), shape=(matrix.shape[0], self._shape))


def likest(sought: Sought, rows: Tape, count: int) -> Likest:
    """The `count` rows of a block that are most like each item."""
    counts = _cached_counts(rows, sought.bits)
    rare_rows = sought.rare_of(counts).T.tocsr()
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    for first in range(0, len(sought.items), BLOCK):
        item, row, closeness = _top(sought.rare[first : first + BLOCK] @ rare_rows, count)
        found.append((item + first, row, closeness))
    item, row, closeness = (np.concatenate(column) for column in zip(*found, strict=True))
    # Only the rows that were found are weighed whole and asked for their numbers.
    near, place = np.unique(row, return_inverse=True)
    weighed_rows = sought.weigh(counts[near])
    cosine = np.empty(len(item))
    for first in range(0, len(item), BLOCK * count):
        piece = slice(first, first + BLOCK * count)
        both = sought.weighed[item[piece]].multiply(weighed_rows[place[piece]])
        cosine[piece] = np.asarray(both.sum(axis=1)).ravel()
    numbers = _numbers(joined([sought.items, rows.take(near)]))
    agreement = jaccard(numbers, item, place + len(sought.items))
    agreement[(numbers.counts[item] == 0) & (numbers.counts[place + len(sought.items)] == 0)] = 1.0
    return Likest(item, row, closeness, cosine, cosine * (FLOOR + (1 - FLOOR) * agreement))


def best_of(found: Likest, items: int, neighbours: int = NEIGHBOURS, skip: Positions | None = None) -> Nearest:
    """The row with the highest score among the closest ones of each item; `found` may come from several blocks."""
    if skip is not None:
        found = found.where(found.rows != skip[found.items])
    order = np.lexsort((found.rows, -found.closeness, found.items))
    rank = np.arange(len(order)) - np.searchsorted(found.items[order], found.items[order])
    found = found.where(order[rank < neighbours])
    best = Nearest(np.full(items, -1, dtype=np.int64), np.zeros(items), np.zeros(items))
    order = np.lexsort((found.rows, -found.score, found.items))
    item = found.items[order]
    first = order[np.append(True, np.diff(item) != 0)] if len(order) else order
    item = found.items[first]
    best.row[item], best.score[item], best.cosine[item] = found.rows[first], found.score[first], found.cosine[first]
    return best


def better(first: Nearest, *others: Nearest) -> Nearest:
    """Of each item the row with the highest score among several looks, the first before others."""
    for other in others:
        won = other.score > first.score
        pairs = ((first.row, other.row), (first.score, other.score), (first.cosine, other.cosine))
        first = Nearest(*(np.where(won, two, one) for one, two in pairs))
    return first


def _weighed(matrix: Any, texts_of: Counts, idf: Scores) -> Any:
    """Counts times the weight of their column, every row brought to unit length, in place."""
    from scipy import sparse

    if kernels.compiled():
        from headgate.text.compiled import counting

        counting.weigh(matrix.data, matrix.indices, matrix.indptr.astype(np.int64), texts_of, idf)
        return matrix
    matrix.data *= idf[texts_of[matrix.indices]]
    # One row after the other and in order, as the compiled version adds: no row depends on those before it.
    squares = sparse.csr_matrix(
        (matrix.data**2, np.zeros_like(matrix.indices), matrix.indptr), shape=(len(matrix.indptr) - 1, 1)
    )
    norms = np.sqrt(squares @ np.ones(1))
    matrix.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(matrix.indptr))
    return matrix


def _column_counts(matrix: Any) -> Counts:
    if not kernels.compiled():
        return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.uint32)
    from headgate.text.compiled import counting

    out = np.zeros(matrix.shape[1], dtype=np.uint32)
    counting.tally(matrix.indices, out)
    return out


def _cached_counts(tape: Tape, bits: int) -> Any:
    return tape.once(("counts", bits), partial(_counts, tape, bits))


def _counts(tape: Tape, bits: int) -> Any:
    from scipy import sparse

    if kernels.compiled():
        return sparse.csr_matrix(_compiled_counts(tape, bits), shape=(len(tape), 1 << bits))
    one, two = word_ngrams(tape, 1), word_ngrams(tape, 2)
    sizes = np.stack([one.counts, two.counts], axis=1).reshape(-1)
    begins = np.stack([one.offsets[:-1], two.offsets[:-1] + len(one.hashes)], axis=1).reshape(-1)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    hashes = np.concatenate([one.hashes, two.hashes])[ranges(begins, offsets)]
    columns = (hashes >> np.uint64(64 - bits)).astype(np.int32)
    matrix = sparse.csr_matrix((np.ones(len(columns)), columns, offsets[::2]), shape=(len(tape), 1 << bits))
    matrix.sum_duplicates()
    return matrix


def _compiled_counts(tape: Tape, bits: int) -> tuple[NDArray[np.float64], NDArray[np.int32], Positions]:
    """Data, indices and bounds of the rows of the same matrix."""
    from headgate.text.compiled import counting, hashing

    def count(texts: slice) -> tuple[NDArray[np.float64], NDArray[np.int32], Positions]:
        most = 2 * int(tape.offsets[texts.stop] - tape.offsets[texts.start])
        columns, found = np.empty(most, dtype=np.int32), np.empty(most)
        ends = np.empty(texts.stop - texts.start, dtype=np.int64)
        used = counting.term_counts(
            tape.words,
            tape.offsets,
            texts.start,
            texts.stop,
            hashing.steps_of(2),
            np.uint64(64 - bits),
            columns,
            found,
            ends,
        )
        return found[:used].copy(), columns[:used].copy(), np.diff(ends, prepend=0)

    empty = (np.zeros(0), np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64))
    parts = [empty, *kernels.spread(count, kernels.slices(len(tape), TEXTS))]
    data = np.concatenate([part[0] for part in parts])
    columns = np.concatenate([part[1] for part in parts])
    return data, columns, np.cumsum(np.concatenate([part[2] for part in parts]))


def _top(product: Any, count: int) -> tuple[Positions, Positions, Scores]:
    # Most entries share one common word and are nobody's nearest: sorting only the others is many times faster.
    alike = np.flatnonzero(product.data > LEAST_COSINE)
    owner = np.searchsorted(product.indptr, alike, side="right") - 1
    column, data = product.indices[alike], product.data[alike]
    order = np.lexsort((column, -data, owner))
    owner, column, data = owner[order], column[order], data[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = rank < count
    return owner[kept].astype(np.int64), column[kept].astype(np.int64), data[kept]


def _numbers(tape: Tape) -> Grams:
    found = digit_words(tape)
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(found)])
    return Grams(tape.words[found], sums[tape.offsets])
