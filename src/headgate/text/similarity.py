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
from headgate.text.tape import Mask, Positions, Tape, joined, ranges

COLUMN_BITS = (14, 22)  # terms are hashed to 16 columns a word, within these limits: collisions only add noise
FLOOR = 0.1  # weight that is left when no number agrees
NEIGHBOURS = 20  # rows that are scored for each item
RETRIEVAL_ROWS = 500  # a term in more rows than this helps no retrieval; it counts in the score
TEXTS = 1 << 13  # counted at a time by compiled kernels
BLOCK = 256  # items multiplied at a time
LEAST_COSINE = 0.1  # less alike rows are never scored: no threshold in use lies that low
QUANTILE = 0.98

Scores = NDArray[np.float64]


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


def nearest(items: Tape, rows: Tape, *, neighbours: int = NEIGHBOURS, skip: Positions | None = None) -> Nearest:
    """The likest row of each item; `skip[i]` is a row that item i may not be matched with (-1: none)."""
    item, row, cosine = _neighbours(items, rows, neighbours, skip)
    numbers = _numbers(joined([items, rows]))
    agreement = jaccard(numbers, item, row + len(items))
    agreement[(numbers.counts[item] == 0) & (numbers.counts[row + len(items)] == 0)] = 1.0
    score = cosine * (FLOOR + (1 - FLOOR) * agreement)
    best = Nearest(np.full(len(items), -1, dtype=np.int64), np.zeros(len(items)), np.zeros(len(items)))
    order = np.lexsort((row, -score, item))
    first = order[np.append(True, np.diff(item[order]) != 0)] if len(order) else order
    best.row[item[first]], best.score[item[first]], best.cosine[item[first]] = row[first], score[first], cosine[first]
    return best


def calibrate(rows: Tape, *, sample: int = 2000, quantile: float = QUANTILE, seed: int = 0) -> Calibration:
    """What honest items score: some of the rows, each against all others.

    An item from the same source as the rows scores above the threshold with probability
    1 - quantile, natural twins included. Rows with a word-for-word copy are left out, as copied
    items are before this question is asked.
    """
    keys = exact_hashes(rows)
    ordered = np.sort(keys)
    single = np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys, side="left") == 1
    alone = np.flatnonzero(single & (rows.lengths > 0))
    asked = np.sort(np.random.default_rng(seed).permutation(alone)[:sample])
    if not len(asked):
        return Calibration(1.0, 0)
    scores = nearest(rows.take(asked), rows, skip=asked).score
    return Calibration(float(np.quantile(scores, quantile, method="higher")), len(asked))


def _neighbours(items: Tape, rows: Tape, count: int, skip: Positions | None) -> tuple[Positions, Positions, Scores]:
    weighed, weighed_rows, df = _weighed(items, rows)
    common = df > RETRIEVAL_ROWS
    rare_rows = _without(weighed_rows, common).T.tocsr()
    rare_items = _without(weighed, common)
    found_items, found_rows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for first in range(0, len(items), BLOCK):
        product = rare_items[first : first + BLOCK] @ rare_rows
        if skip is not None:
            _forget(product, skip[first : first + BLOCK])
        item, row = _top(product, count)
        found_items.append(item + first)
        found_rows.append(row)
    item, row = np.concatenate(found_items), np.concatenate(found_rows)
    cosine = np.empty(len(item))
    for first in range(0, len(item), BLOCK * count):
        piece = slice(first, first + BLOCK * count)
        cosine[piece] = np.asarray(weighed[item[piece]].multiply(weighed_rows[row[piece]]).sum(axis=1)).ravel()
    return item, row, cosine


def _weighed(items: Tape, rows: Tape) -> tuple[Any, Any, Positions]:
    """Items and rows as matrices of unit length, and in how many rows each column occurs."""
    least, most = COLUMN_BITS
    bits = min(max((len(items.words) + len(rows.words)).bit_length() + 4, least), most)
    counts = [tape.once(("counts", bits), partial(_counts, tape, bits)).copy() for tape in (items, rows)]
    df = _column_counts(counts[1])
    both = df + _column_counts(counts[0])
    idf = np.log((1 + len(items) + len(rows)) / (1 + both)) + 1
    for matrix in counts:
        if kernels.compiled():
            from headgate.text.compiled import counting

            counting.weigh(matrix.data, matrix.indices, matrix.indptr.astype(np.int64), idf)
            continue
        matrix.data *= idf[matrix.indices]
        squares = np.concatenate([np.zeros(1), np.cumsum(matrix.data**2)])
        norms = np.sqrt(squares[matrix.indptr[1:]] - squares[matrix.indptr[:-1]])
        matrix.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(matrix.indptr))
    return counts[0], counts[1], df


def _column_counts(matrix: Any) -> Positions:
    if not kernels.compiled():
        counts: Positions = np.bincount(matrix.indices, minlength=matrix.shape[1])
        return counts
    from headgate.text.compiled import counting

    out = np.zeros(matrix.shape[1], dtype=np.int64)
    counting.tally(matrix.indices, out)
    return out


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


def _without(matrix: Any, common: Mask) -> Any:
    kept = (matrix.data != 0.0) & ~common[matrix.indices]
    ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])[matrix.indptr]
    return type(matrix)((matrix.data[kept], matrix.indices[kept], ends), shape=matrix.shape)


def _forget(product: Any, skip: Positions) -> None:
    owner = np.repeat(np.arange(product.shape[0]), np.diff(product.indptr))
    product.data[product.indices == skip[owner]] = 0.0


def _top(product: Any, count: int) -> tuple[Positions, Positions]:
    # Most entries share one common word and are nobody's nearest: sorting only the others is many times faster.
    alike = np.flatnonzero(product.data > LEAST_COSINE)
    owner = np.searchsorted(product.indptr, alike, side="right") - 1
    column = product.indices[alike]
    order = np.lexsort((column, -product.data[alike], owner))
    owner, column = owner[order], column[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = rank < count
    return owner[kept].astype(np.int64), column[kept].astype(np.int64)


def _numbers(tape: Tape) -> Grams:
    found = digit_words(tape)
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(found)])
    return Grams(tape.words[found], sums[tape.offsets])
