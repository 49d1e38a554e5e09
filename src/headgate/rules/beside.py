"""Where in a row some text stands: in what turns say, or in the reasoning, the tool calls and what else is beside."""

from __future__ import annotations

import numpy as np

from headgate.rows.beside import passages
from headgate.rows.row import Row
from headgate.text.coverage import N
from headgate.text.ngrams import distinct, word_ngrams
from headgate.text.tape import tape_of


def likest_in(row: Row, text: str) -> tuple[str, str]:
    """What a row asks, or the passage beside its words that has more in common with a text; and ", in PLACE" or ""."""
    found = [(row.prompt_text, "")]
    for piece in row.beside:
        found += [(passage, piece.place) for value in piece.values for passage in passages(value)]
    if len(found) == 1:
        return found[0]
    tape = tape_of([text, *(passage for passage, _ in found)])
    words = [set(tape.words_of(place).tolist()) for place in range(len(tape))]
    alike = [len(words[0] & one) / max(len(words[0] | one), 1) for one in words[1:]]
    passage, place = found[int(np.argmax(alike))]
    return passage, f", in {place}" if place else ""


def matched_in(row: Row, text: str) -> str:
    """ ", in PLACE" where a piece beside the words of a row holds more of a text's n-grams than its turns do; or ""."""
    pieces = row.beside
    if not pieces:
        return ""
    sought = tape_of([text])
    n = max(min(N, len(sought.words)), 1)
    wanted = distinct(word_ngrams(sought, n)).hashes
    there = distinct(word_ngrams(tape_of([row.text, *(piece.text for piece in pieces)]), n))
    held = np.bincount(there.owners[np.isin(there.hashes, wanted)], minlength=len(pieces) + 1)
    best = int(np.argmax(held))
    return f", in {pieces[best - 1].place}" if best else ""
