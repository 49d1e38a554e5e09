"""Where short texts (items) stand whole inside longer ones (rows): word for word, any number of times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.text.ngrams import word_ngrams
from headgate.text.tape import Positions, Tape

OPENING = 4  # words of an item that are looked up; what follows is compared


@dataclass(frozen=True, slots=True, eq=False)
class Occurrences:
    """Places of items in rows, by row, then place; K of them."""

    rows: Positions  # (K,)
    items: Positions  # (K,)
    places: Positions  # (K,): word of the row at which the item begins


def occurrences(rows: Tape, items: Tape, *, least_words: int = OPENING) -> Occurrences:
    """Every place at which a row has all words of an item in order; shorter items are not looked for.

    Raises:
        ValueError: items of fewer than four words are asked for.
    """
    if least_words < OPENING:
        raise ValueError(f"items are found by their first {OPENING} words, not {least_words}")
    wanted = np.flatnonzero(items.lengths >= least_words)
    grams, openings = word_ngrams(rows, OPENING), word_ngrams(items, OPENING)
    heads = openings.hashes[openings.offsets[wanted]] if len(wanted) else np.zeros(0, dtype=np.uint64)
    order = np.argsort(heads, kind="stable")
    left, right = (np.searchsorted(heads[order], grams.hashes, side=side) for side in ("left", "right"))
    found: list[tuple[int, int, int]] = []
    owners = grams.owners
    for gram in np.flatnonzero(right > left).tolist():
        row = int(owners[gram])
        place = gram - int(grams.offsets[row])
        words = rows.words_of(row)
        for item in wanted[order[left[gram] : right[gram]]].tolist():
            own = items.words_of(item)
            if np.array_equal(words[place : place + len(own)], own):
                found.append((row, place, item))
    columns = np.array(sorted(found), dtype=np.int64).reshape(-1, 3)
    return Occurrences(rows=columns[:, 0], items=columns[:, 2], places=columns[:, 1])
