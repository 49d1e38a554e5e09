"""How much of each short text (an item) one long text (a row) holds.

The measure is the share of the item's distinct word n-grams that a single row covers: not the share
of the row, which dilutes an item inside a long document, and not any shared n-gram, which flags
every common phrase. Short n with a share beats long n without one on recall and on false rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.ngrams import KEPT_BITS, Grams, distinct, sorted_distinct, word_ngrams
from headgate.text.tape import Hashes, Mask, Positions, Tape, ranges, tape_of_words

N = 4
PAIRS = 1 << 12  # pairs of a row and an item compared at a time by them
TEXTS = 1 << 13  # rows looked through at a time by compiled kernels
FILTER_BITS = 22  # size of the first sieve: 4 million flags stay in the cache
COMMON_ROWS = 20  # an n-gram in more rows than this ...
COMMON_SHARE = 0.001  # ... and in more than this share of them is boilerplate and proves nothing


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Pairs of a row and an item that share telling n-grams, by item, then row; P pairs."""

    rows: Positions  # (P,)
    items: Positions  # (P,)
    shared: Positions  # (P,): distinct telling n-grams of the item that the row holds
    telling: Positions  # (items,): distinct n-grams of each item that are not boilerplate
    all: Positions  # (items,): distinct n-grams of each item
    frequency: Positions  # (sum of all,): rows that hold each of them, by item, in the order of their hashes
    run: Positions  # (P,): telling n-grams of the item in a row that the row holds, boilerplate between passed over

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of the item's n-grams that the row covers, boilerplate counted as not covered; shape (P,)."""
        return self.shared / np.maximum(self.all[self.items], 1)


def coverage(
    rows: Tape, items: Tape, *, n: int = N, common_rows: int = COMMON_ROWS, common_share: float = COMMON_SHARE
) -> Coverage:
    """Every pair of a row and an item that share a telling n-gram."""
    order = word_ngrams(items, n)
    own = distinct(order)
    known = sorted_distinct(own.hashes)
    row_of, gram = hits(rows, known, n)
    return coverage_of(
        row_of, gram, own, known, len(rows), common_rows=common_rows, common_share=common_share, order=order
    )


def coverage_of(
    row_of: Positions,
    gram: Positions,
    own: Grams,
    known: Hashes,
    rows: int,
    *,
    common_rows: int = COMMON_ROWS,
    common_share: float = COMMON_SHARE,
    counts: Positions | None = None,
    order: Grams | None = None,
) -> Coverage:
    """Coverage from hits in `rows` rows, which may come from several blocks; `own` are the items' distinct n-grams.

    `counts` are the rows of each of `known`, where they were counted before and hits of boilerplate left out;
    `order` are the items' n-grams as they stand, without which no runs are told.
    """
    counts = np.bincount(gram, minlength=len(known)) if counts is None else counts
    common = boilerplate(counts, rows, common_rows, common_share)
    gram_of_item = np.searchsorted(known, own.hashes)
    told = ~common[gram_of_item] if len(known) else np.zeros(0, dtype=bool)
    telling = np.bincount(own.owners[told], minlength=len(own))
    keep = ~common[gram]
    pairs, shared = _paired(row_of[keep], gram[keep], gram_of_item[told], own.owners[told], len(known), rows)
    run = np.zeros(len(pairs), dtype=np.int64)
    if order is not None:
        _runs(row_of[keep], gram[keep], order, known, common, rows, pairs, run)
    frequency = counts[gram_of_item]
    return Coverage(pairs % max(rows, 1), pairs // max(rows, 1), shared, telling, own.counts, frequency, run)


def boilerplate(
    counts: Positions, rows: int, common_rows: int = COMMON_ROWS, common_share: float = COMMON_SHARE
) -> Mask:
    """Which n-grams are boilerplate, by how many of all rows hold each."""
    common: Mask = counts > max(common_rows, int(common_share * rows))
    return common


def longest_runs(rows: Tape, items: Tape, row: Positions, item: Positions, n: int = N) -> Positions:
    """`longest_run` of each pair of a row and an item; shape (P, 3)."""
    out = np.zeros((len(row), 3), dtype=np.int64)
    if kernels.compiled():
        from headgate.text.compiled import hashing, searching

        def run(piece: slice) -> None:
            pairs = row[piece], item[piece], hashing.steps_of(n)
            searching.longest_runs(rows.words, rows.offsets, items.words, items.offsets, *pairs, out[piece])

        list(kernels.spread(run, kernels.slices(len(row), PAIRS)))
        return out
    for pair, (one, two) in enumerate(zip(row.tolist(), item.tolist(), strict=True)):
        out[pair] = longest_run(rows.words_of(one), items.words_of(two), n)
    return out


def longest_run(row: Hashes, item: Hashes, n: int = N) -> tuple[int, int, int]:
    """The longest run of words that two texts share: (words, first word in the row, first word in the item).

    Runs shorter than n words are not seen: (0, 0, 0).
    """
    if len(row) < n or len(item) < n:
        return 0, 0, 0
    one, two = (word_ngrams(tape_of_words(words), n).hashes for words in (row, item))
    order = np.argsort(two, kind="stable")
    left, right = (np.searchsorted(two[order], one, side=side) for side in ("left", "right"))
    counts = (right - left).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    in_row = np.repeat(np.arange(len(one)), counts)
    in_item = order[ranges(left.astype(np.int64), offsets)]
    if not len(in_row):
        return 0, 0, 0
    # Matches that go on stand on the same diagonal, one step further in both texts.
    diagonal = in_item - in_row
    by = np.lexsort((in_row, diagonal))
    steps = (np.diff(diagonal[by]) == 0) & (np.diff(in_row[by]) == 1)
    heads = np.flatnonzero(np.append(True, ~steps))
    sizes = np.diff(np.append(heads, len(by)))
    best = int(np.argmax(sizes))
    first = by[heads[best]]
    return int(sizes[best]) + n - 1, int(in_row[first]), int(in_item[first])


def hits(rows: Tape, known: Hashes, n: int) -> tuple[Positions, Positions]:
    """Rows and n-grams (as positions in `known`) of every distinct n-gram of a row that is known."""
    if kernels.compiled():
        return _compiled_hits(rows, known, n)
    sieve = np.zeros(1 << FILTER_BITS, dtype=bool)
    sieve[(known >> np.uint64(KEPT_BITS - FILTER_BITS)).astype(np.int64)] = True
    found_rows, found_grams = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for first, part in rows.parts():
        grams = word_ngrams(part, n)
        passed = np.flatnonzero(sieve[(grams.hashes >> np.uint64(64 - FILTER_BITS)).astype(np.int64)])
        hashes = grams.hashes[passed] >> np.uint64(64 - KEPT_BITS)
        place = np.minimum(np.searchsorted(known, hashes), max(len(known) - 1, 0))
        true = known[place] == hashes if len(known) else np.zeros(len(place), dtype=bool)
        owner = np.searchsorted(grams.offsets, passed[true], side="right") - 1
        coded = np.sort(owner.astype(np.int64) * max(len(known), 1) + place[true])
        coded = coded[np.append(True, coded[1:] != coded[:-1])] if len(coded) else coded
        found_rows.append(coded // max(len(known), 1) + first)
        found_grams.append(coded % max(len(known), 1))
    return np.concatenate(found_rows), np.concatenate(found_grams)


def _compiled_hits(rows: Tape, known: Hashes, n: int) -> tuple[Positions, Positions]:
    from headgate.text.compiled import hashing, searching

    index, steps = searching.Known(known), hashing.steps_of(n)

    def find(texts: slice) -> tuple[Positions, Positions]:
        return index.found(rows.words, rows.offsets, texts, steps)

    none = np.zeros(0, dtype=np.int64)
    found = [(none, none), *kernels.spread(find, kernels.slices(len(rows), TEXTS))]
    return np.concatenate([text for text, _ in found]), np.concatenate([place for _, place in found])


def _runs(
    row_of: Positions,
    gram: Positions,
    order: Grams,
    known: Hashes,
    common: Mask,
    rows: int,
    pairs: Positions,
    out: Positions,
) -> None:
    """The longest run of telling n-grams of each pair, in the order of the item; pairs as `_paired` codes them."""
    if not len(pairs):
        return
    place = np.searchsorted(known, order.hashes >> np.uint64(64 - KEPT_BITS))
    told = ~common[place]
    place, owner = place[told], order.owners[told]
    by = np.argsort(place, kind="stable")
    begins = np.searchsorted(place[by], np.arange(len(known) + 1)).astype(np.int64)
    counts = begins[gram + 1] - begins[gram]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    met = np.sort(np.repeat(row_of, counts) * len(place) + by[ranges(begins[gram], offsets)])
    row, at = np.divmod(met, len(place))
    item = owner[at]
    heads = np.flatnonzero(np.append(True, (np.diff(met) != 1) | (np.diff(item) != 0)))
    sizes = np.diff(np.append(heads, len(met)))
    np.maximum.at(out, np.searchsorted(pairs, item[heads] * rows + row[heads]), sizes)


def _paired(
    row_of: Positions, gram: Positions, gram_of_item: Positions, item_of: Positions, grams: int, rows: int
) -> tuple[Positions, Positions]:
    """Pairs coded as item * rows + row, sorted, and how many n-grams each shares."""
    order = np.argsort(gram_of_item, kind="stable")
    begins = np.searchsorted(gram_of_item[order], np.arange(grams + 1)).astype(np.int64)
    counts = begins[gram + 1] - begins[gram]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    items = item_of[order][ranges(begins[gram], offsets)]
    coded = np.sort(items * rows + np.repeat(row_of, counts))
    if not len(coded):
        return coded, coded
    heads = np.flatnonzero(np.append(True, coded[1:] != coded[:-1]))
    return coded[heads], np.diff(np.append(heads, len(coded)))
