"""Copies of texts too short for runs of words: by their characters, and by how alone they are.

Half of the words of a short question stand in many honest rows, and in a large collection so does a question
that is nearly the same. What tells a copy is that one row has nearly all character runs of the
item, the same numbers and negations and no word exchanged for another, while the next row has far fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.coverage import coverage
from headgate.text.guards import guard_keys, swapped_word
from headgate.text.ngrams import Shingles, distinct, exact_hashes, sorted_distinct, word_ngrams
from headgate.text.sharing import shared
from headgate.text.tape import Mask, Positions, Tape

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


def alone(rows: Tape, items: Tape, chosen: Positions, *, skip: Positions | None = None) -> Alone:
    """The row that holds most of each chosen item, without rows of other sense; `skip[k]` is a row that is left out."""
    near = near_short(rows, items, chosen, least=NEXT, skip=skip)
    says = exact_hashes(rows.take(near.rows)) if len(near.rows) else np.zeros(0, dtype=np.uint64)
    row = np.full(len(chosen), -1, dtype=np.int64)
    held, gap = np.zeros(len(chosen)), np.zeros(len(chosen))
    order = np.lexsort((near.rows, -near.held, near.items))
    first = order[np.append(True, np.diff(near.items[order]) != 0)] if len(order) else order
    best = {int(near.items[at]): at for at in first.tolist()}
    following: dict[int, float] = {}
    for at in order.tolist():
        item = int(near.items[at])
        if item not in following and says[at] != says[best[item]]:
            following[item] = float(near.held[at])
    for place, item in enumerate(chosen.tolist()):
        at = best.get(item)
        if at is not None and near.same_sense[at]:
            row[place], held[place] = near.rows[at], near.held[at]
            gap[place] = held[place] - following.get(item, 0.0)
    return Alone(row, held, gap)


def near_short(rows: Tape, items: Tape, chosen: Positions, *, least: float, skip: Positions | None = None) -> Near:
    """Rows that hold a share of `least` of the character runs of one of the chosen items."""
    asked = items.take(chosen)
    found = coverage(rows, asked, n=1, common_rows=COMMON_ROWS, common_share=COMMON_SHARE)
    kept = found.shared >= CANDIDATE * found.telling[found.items]
    if skip is not None:
        kept &= found.rows != skip[found.items]
    row, item = found.rows[kept], found.items[kept]
    here, place = np.unique(row, return_inverse=True)
    taken = rows.take(here)
    both, grams = shared(taken, asked, Shingles(GRAM, characters=True), place, item)
    held = both / np.maximum(grams[item], 1)
    enough = held >= least
    row, item, place, held = row[enough], item[enough], place[enough], held[enough]
    keys = guard_keys(taken)[place] == guard_keys(asked)[item]
    same = keys.copy()
    # Only what may be the likest is compared word by word.
    for pair in np.flatnonzero(keys & (held >= SENSE)).tolist():
        same[pair] = not swapped_word(taken, int(place[pair]), int(item[pair]), asked)
    return Near(row, chosen[item], held, same)


def chance_rows(rows: Tape, items: Tape, chosen: Positions) -> NDArray[np.float64]:
    """Rows that would hold all words of each chosen item if words met independently; shape (len(chosen),).

    With N rows of which df hold a word: N times the product of df / N over the item's distinct words.
    """
    words = distinct(word_ngrams(items.take(chosen), 1))
    known = sorted_distinct(words.hashes)
    df = np.zeros(len(known), dtype=np.int64)
    for _, part in rows.parts():
        own = distinct(word_ngrams(part, 1)).hashes
        place = np.minimum(np.searchsorted(known, own), max(len(known) - 1, 0))
        met = place[known[place] == own] if len(known) else place[:0]
        df += np.bincount(met, minlength=len(known))
    logs = np.log((df[np.searchsorted(known, words.hashes)] + 0.5) / (len(rows) + 1))
    out: NDArray[np.float64] = len(rows) * np.exp(np.bincount(words.owners, weights=logs, minlength=len(chosen)))
    return out
