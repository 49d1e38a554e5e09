"""Copies of texts too short for runs of words: by their characters, and by how alone they are.

Half of the words of a short question stand in many honest rows, and in a large collection so does a question
that is nearly the same. What tells a copy is that one row has nearly all character runs of the
item, the same numbers and negations and no word exchanged for another, while the next row has far fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headgate.text.coverage import Coverage, coverage, coverage_of, hits
from headgate.text.guards import guard_keys, swapped_word
from headgate.text.ngrams import KEPT_BITS, Grams, Shingles, distinct, exact_hashes, sorted_distinct, word_ngrams
from headgate.text.shards import word_counts
from headgate.text.sharing import shared
from headgate.text.tape import Hashes, Mask, Positions, Tape

GRAM = 4  # characters
COMMON_SHARE = 0.02  # of the rows; a word in more of them finds no candidates
COMMON_ROWS = 20
CANDIDATE = 0.5  # share of an item's rarer words that a row must hold to be looked at
SENSE = 0.7  # share of character runs from which words are compared
NEXT = 0.3  # share of an item's character runs from which a row can be the next one


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs of a row and a short item that share most of their characters, by item, then row; P pairs."""

    rows: Positions  # (P,)
    items: Positions  # (P,)
    held: NDArray[np.float64]  # (P,): share of the item's character runs that the row has
    same_sense: Mask  # (P,): no number, negation or word is another one


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """For each of K short items the row that holds most of it."""

    row: Positions  # (K,): -1 where no row holds enough to be compared
    held: NDArray[np.float64]  # (K,): share of the item's character runs that this row has
    gap: NDArray[np.float64]  # (K,): by which the next row that says something else has less
    beside: Mask  # (K,): whether that is in what the row holds beside the words of its turns


@dataclass(frozen=True, slots=True, eq=False)
class Foremost:
    """For each item the row that holds most of it, and the first row that says something else; P pairs."""

    rows: Positions  # (P,)
    items: Positions  # (P,)
    held: NDArray[np.float64]  # (P,)
    same_sense: Mask  # (P,)
    says: Hashes  # (P,): `exact_hashes` of the row
    beside: Mask  # (P,): whether it is a text beside the words of the row

    def of(self, first: int, last: int) -> Foremost:
        """The pairs of some items, which are numbered from `first` on."""
        kept = (self.items >= first) & (self.items < last)
        return Foremost(
            self.rows[kept],
            self.items[kept] - first,
            self.held[kept],
            self.same_sense[kept],
            self.says[kept],
            self.beside[kept],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    rows: Positions  # (P,)
    asked: Positions  # (P,): places of the texts that are looked for
    held: NDArray[np.float64]  # (P,)


def alone(rows: Tape, items: Tape, chosen: Positions, *, skip: Positions | None = None) -> Alone:
    """The row that holds most of each chosen item, without rows of other sense; `skip[k]` is a row that is left out."""
    asked = items.take(chosen)
    found = _held(rows, asked, _candidates(rows, asked, skip), NEXT)
    return alone_of(_foremost(rows, asked, found), len(asked))


def foremost(
    rows: Tape, asked: Tape, telling: Hashes, drawn: int | None = None, *, of: tuple[Positions, Hashes] | None = None
) -> Foremost:
    """The rows of a block that say most of each of the texts, whose words are looked for where they are `telling`.

    Texts from place `drawn` on are rows that no other row repeats: for them rows with the same words are left out.
    `of`, where `rows` are texts beside the words of rows: the row of each, and the `exact_hashes` of what that asks.
    """
    found = _covered(rows, asked, telling)
    if drawn is not None:
        own = exact_hashes(rows) if of is None else of[1]
        same = own[found.rows] == exact_hashes(asked)[found.items]
        found = _where(found, ~(same & (found.items >= drawn)))
    return _foremost(rows, asked, _held(rows, asked, found, NEXT), None if of is None else of[0])


def combined(looks: Sequence[Foremost]) -> Foremost:
    """What several looks found."""
    names = Foremost.__dataclass_fields__
    return Foremost(**{name: np.concatenate([getattr(one, name) for one in looks]) for name in names})


def alone_of(found: Foremost, count: int) -> Alone:
    """What the foremost rows of all blocks say of `count` texts."""
    row = np.full(count, -1, dtype=np.int64)
    held, gap, beside = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)
    order = np.lexsort((found.rows, -found.held, found.items))
    first = order[np.append(True, np.diff(found.items[order]) != 0)] if len(order) else order
    best = {int(found.items[at]): at for at in first.tolist()}
    following: dict[int, float] = {}
    for at in order.tolist():
        item = int(found.items[at])
        first_of = best[item]
        other = found.says[at] != found.says[first_of] and found.rows[at] != found.rows[first_of]
        if item not in following and other:
            following[item] = float(found.held[at])
    for item, at in best.items():
        if found.same_sense[at]:
            row[item], held[item], beside[item] = found.rows[at], found.held[at], found.beside[at]
            gap[item] = held[item] - following.get(item, 0.0)
    return Alone(row, held, gap, beside)


def near_short(rows: Tape, items: Tape, chosen: Positions, *, least: float, skip: Positions | None = None) -> Near:
    """Rows that hold a share of `least` of the character runs of one of the chosen items."""
    asked = items.take(chosen)
    near = _held(rows, asked, _candidates(rows, asked, skip), least)
    return Near(near.rows, chosen[near.asked], near.held, _same_sense(rows, asked, near))


def _candidates(rows: Tape, asked: Tape, skip: Positions | None) -> Coverage:
    found = coverage(rows, asked, n=1, common_rows=COMMON_ROWS, common_share=COMMON_SHARE)
    return found if skip is None else _where(found, found.rows != skip[found.items])


def telling_words(asked: Tape, counts: Positions, rows: int) -> Hashes:
    """The words that find candidates, as cut hashes; `counts`: how many of all `rows` hold each word of `asked`."""
    told = counts > max(COMMON_ROWS, int(COMMON_SHARE * rows))
    return sorted_distinct(word_ngrams(asked, 1).hashes[~told] >> np.uint64(64 - KEPT_BITS))


def _covered(rows: Tape, asked: Tape, telling: Hashes) -> Coverage:
    own = distinct(word_ngrams(asked, 1))
    kept = np.isin(own.hashes, telling)
    own = Grams(own.hashes[kept], np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])[own.offsets])
    row_of, gram = hits(rows, telling, 1)
    return coverage_of(row_of, gram, own, telling, len(rows), common_rows=len(rows))


def _where(found: Coverage, kept: Mask) -> Coverage:
    return replace(found, rows=found.rows[kept], items=found.items[kept], shared=found.shared[kept])


def _held(rows: Tape, asked: Tape, found: Coverage, least: float) -> _Held:
    found = _where(found, found.shared >= CANDIDATE * found.telling[found.items])
    here, place = np.unique(found.rows, return_inverse=True)
    most = 2 * len(here) > len(rows)  # to take most of the rows costs more than it spares
    taken, at = (rows, found.rows) if most else (rows.take(here), place)
    both, grams = shared(taken, asked, Shingles(GRAM, characters=True), at, found.items)
    held = both / np.maximum(grams[found.items], 1)
    enough = held >= least
    return _Held(found.rows[enough], found.items[enough], held[enough])


def _foremost(rows: Tape, asked: Tape, near: _Held, owners: Positions | None = None) -> Foremost:
    says = exact_hashes(rows)[near.rows]
    row = near.rows if owners is None else owners[near.rows]
    order = np.lexsort((near.rows, -near.held, near.asked))
    item = near.asked[order]
    heads = np.append(True, np.diff(item) != 0) if len(order) else np.zeros(0, dtype=bool)
    best = np.maximum.accumulate(np.where(heads, np.arange(len(order)), 0))
    other = np.flatnonzero((says[order] != says[order[best]]) & (row[order] != row[order[best]]))
    other = other[np.append(True, np.diff(item[other]) != 0)] if len(other) else other
    kept = order[np.sort(np.concatenate([np.flatnonzero(heads), other]))]
    some = _Held(near.rows[kept], near.asked[kept], near.held[kept])
    beside = np.full(len(kept), owners is not None)
    return Foremost(row[kept], some.asked, some.held, _same_sense(rows, asked, some), says[kept], beside)


def _same_sense(rows: Tape, asked: Tape, near: _Held) -> Mask:
    same: Mask = guard_keys(rows)[near.rows] == guard_keys(asked)[near.asked]
    # Only what may be the likest is compared word by word.
    for pair in np.flatnonzero(same & (near.held >= SENSE)).tolist():
        same[pair] = not swapped_word(rows, int(near.rows[pair]), int(near.asked[pair]), asked)
    return same


def chance_rows(rows: Tape, items: Tape, chosen: Positions) -> NDArray[np.float64]:
    """`expected_rows` of the chosen items, with words counted in the rows at hand."""
    asked = items.take(chosen)
    words, counts = word_counts(rows)
    return expected_rows(asked, counts_of(asked, words, counts), len(rows))


def counts_of(asked: Tape, words: Hashes, counts: Positions) -> Positions:
    """In how many rows each word of some texts stands, from the sorted distinct words of all rows and their counts."""
    if not len(words):
        return np.zeros(len(asked.words), dtype=np.int64)
    place = np.minimum(np.searchsorted(words, asked.words), len(words) - 1)
    return np.where(words[place] == asked.words, counts[place], 0)


def expected_rows(asked: Tape, counts: Positions, rows: int) -> NDArray[np.float64]:
    """Rows that would hold all words of each text if words met independently; shape (len(asked),).

    With N rows of which df hold a word: N times the product of df / N over the text's distinct words.
    """
    owners = np.repeat(np.arange(len(asked)), asked.lengths)
    order = np.lexsort((asked.words, owners))
    again = (np.diff(owners[order]) == 0) & (asked.words[order][1:] == asked.words[order][:-1])
    once = order[np.append(True, ~again)] if len(order) else order
    logs = np.log((counts[once] + 0.5) / (rows + 1))
    out: NDArray[np.float64] = rows * np.exp(np.bincount(owners[once], weights=logs, minlength=len(asked)))
    return out
