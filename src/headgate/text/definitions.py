"""What the published definitions of a contaminated item say of pairs of a row and an item.

They disagree, so they are told side by side. Each looks at one row and one item:

- `13-gram`: a run of 13 words of the item stands in the row (Brown and others 2020);
- `8-gram`: a run of 8 words does;
- `70% of 8-grams`: the row holds that share of the item's distinct runs of 8 words (Chowdhery and others 2022);
- `50 characters`: one of three stretches of 50 letters and digits of the item (first, middle, last; all of it where
  there are fewer) stands in the row, spaces and punctuation left out (OpenAI 2023);
- `10-word match`, `20% in matches`, `80% in matches`: a run of 10 words in common; such runs hold that
  share of the item's words (Touvron and others 2023).

Pairs come from `coverage`: a row that shares no run of telling 4-grams with an item is not looked at, so that a run
made of boilerplate counts for nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.coverage import Coverage
from headgate.text.ngrams import KEPT_BITS, Grams, Shingles, distinct, word_ngrams
from headgate.text.sharing import keys_of, pieces, shared
from headgate.text.tape import Mask, Positions, Tape

NAMES = ("13-gram", "8-gram", "70% of 8-grams", "50 characters", "10-word match", "20% in matches", "80% in matches")
LONG_GRAM, SHORT_GRAM, MATCH = 13, 8, 10  # words
PALM_SHARE = 0.7
MATCHED_SHARES = (0.2, 0.8)
STRETCH, STRETCHES = 50, 3  # characters
NEAR = 5  # telling 4-grams in a row, as a run of 8 words has them
GAPS = bytes(code for code in range(128) if not chr(code).isalnum())  # of ASCII


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What each definition says of P pairs."""

    rows: Positions  # (P,)
    items: Positions  # (P,)
    says: Mask  # (P, 7): by `NAMES`
    matched: NDArray[np.float64]  # (P,): share of the item's words that stand in runs of 10 or more in common

    def items_by(self, name: str) -> Positions:
        """The items that a definition calls contaminated, sorted."""
        return np.unique(self.items[self.says[:, NAMES.index(name)]])


def near(pairs: Coverage) -> Mask:
    """Pairs that share `NEAR` telling 4-grams in a row; all of them where an item has fewer."""
    found: Mask = pairs.run >= np.minimum(NEAR, np.maximum(pairs.telling[pairs.items], 1))
    return found


def definitions(rows: Tape, items: Tape, found: Coverage) -> Said:
    """What the definitions say of the pairs that are near."""
    looked = near(found)
    row, item = found.rows[looked], found.items[looked]
    chosen, row_at = np.unique(row, return_inverse=True)
    here = rows.take(chosen)
    says = np.zeros((len(row), len(NAMES)), dtype=bool)
    eights, of = shared(here, items, Shingles(SHORT_GRAM), row_at, item)
    says[:, 1] = eights > 0
    says[:, 2] = says[:, 1] & (eights >= PALM_SHARE * of[item])
    says[:, 3] = _stretches(here, items, row_at, item)
    longer = np.flatnonzero(says[:, 1])  # a longer run holds one of 8 words
    says[longer, 0] = shared(here, items, Shingles(LONG_GRAM), row_at[longer], item[longer])[0] > 0
    matched = np.zeros(len(row))
    some, at = np.unique(row_at[longer], return_inverse=True)
    matched[longer] = _matched(here.take(some), items, at, item[longer])
    says[:, 4] = matched > 0
    for column, share in enumerate(MATCHED_SHARES, start=5):
        says[:, column] = matched >= share
    return Said(row, item, says, matched)


def _matched(rows: Tape, items: Tape, row: Positions, item: Positions) -> NDArray[np.float64]:
    """Share of each item's words that stand in a run of `MATCH` words which the row has too."""
    left, right = distinct(word_ngrams(rows, MATCH)), word_ngrams(items, MATCH)
    right = Grams(right.hashes >> np.uint64(64 - KEPT_BITS), right.offsets)
    out = np.zeros(len(row))
    for piece in pieces(left.counts[row] + right.counts[item]):
        keys, ours = keys_of(left, row[piece], right, item[piece])
        theirs, own = np.sort(keys[:ours]), keys[ours:]
        place = np.minimum(np.searchsorted(theirs, own), max(len(theirs) - 1, 0))
        hit = np.flatnonzero(theirs[place] == own) if len(theirs) else np.zeros(0, dtype=np.int64)
        counts = right.counts[item[piece]]
        owner = np.repeat(np.arange(len(counts)), counts)
        begins = np.cumsum(counts) - counts
        words = items.lengths[item[piece]]
        base = np.cumsum(words) - words
        start = base[owner[hit]] + hit - begins[owner[hit]]
        # Coverage of words by runs: +1 where a run begins, -1 where it has ended.
        edges = np.zeros(int(words.sum()) + 1, dtype=np.int64)
        np.add.at(edges, start, 1)
        np.add.at(edges, start + MATCH, -1)
        inside = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.cumsum(edges[:-1]) > 0)])
        out[piece] = (inside[base + words] - inside[base]) / np.maximum(words, 1)
    return out


def _stretches(rows: Tape, items: Tape, row: Positions, item: Positions) -> Mask:
    wanted = {one: stretches_of(letters(items, one)) for one in np.unique(item).tolist()}
    out = np.zeros(len(row), dtype=bool)
    held, text = -1, ""
    for pair in np.argsort(row, kind="stable").tolist():
        if row[pair] != held:
            held = int(row[pair])
            text = letters(rows, held)
        out[pair] = any(one in text for one in wanted[int(item[pair])])
    return out


def stretches_of(text: str) -> tuple[str, ...]:
    """The stretches of an item's letters that are looked for; none where it has no letters."""
    if len(text) <= STRETCH:
        return (text,) if text else ()
    last = len(text) - STRETCH
    return tuple(text[place * last // (STRETCHES - 1) :][:STRETCH] for place in range(STRETCHES))


def letters(tape: Tape, index: int) -> str:
    """The words of one text without what stands between them, lower-cased."""
    text = tape.texts[index].lower()
    if text.isascii():  # words are all that is left when the gaps are gone
        return text.encode("ascii").translate(None, GAPS).decode("ascii")
    first, last = int(tape.offsets[index]), int(tape.offsets[index + 1])
    spans = zip(tape.starts[first:last].tolist(), tape.ends[first:last].tolist(), strict=True)
    return "".join(text[start:end] for start, end in spans)
