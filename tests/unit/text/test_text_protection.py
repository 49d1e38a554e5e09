"""Hashes of protected texts: what is stored, and that it is read back the same."""

from __future__ import annotations

import random

import numpy as np
import pytest

from headgate.kit.hashing import digest
from headgate.text.protected import TextIndex, index_of
from headgate.text.protection import DEFINITIONS, Block, Matches, Sieve

TEXTS = (
    "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?",
    "How do I delete my account?",
    "",
    "\u6211\u7684\u5361\u88ab\u673a\u5668\u541e\u4e86\u600e\u4e48\u529e",
    "Wo ist meine Karte geblieben, die ich am 3. Mai bestellt habe und die nie bei mir angekommen ist?",
)


def asked(index: TextIndex, texts: list[str]) -> Matches:
    sieve = Sieve(index, np.ones(len(index), dtype=bool), np.zeros(0, dtype=np.uint64))
    return sieve.matches(Block(texts, texts, range(len(texts))))


def pairs(found: Matches) -> set[tuple[int, int, str, float]]:
    names = [DEFINITIONS[code] for code in found.definition.tolist()]
    return set(zip(found.rows.tolist(), found.texts.tolist(), names, found.share.round(9).tolist(), strict=True))


def test_the_stored_form_is_pinned() -> None:
    """Ledgers keep these bytes for years: a change of any hash must come with another format number."""
    assert "b3:6f65e1bdd0f0778486b02cf0af0f2b1e55c9df0314a06e605472cf09b008a92f" == digest(index_of(TEXTS).to_bytes())


def test_an_index_is_read_back_the_same() -> None:
    """Bytes to index to bytes, and the same answers."""
    index = index_of(TEXTS)
    again = TextIndex.from_bytes(index.to_bytes())
    rows = [TEXTS[0], "How do I delete my acount?", "nothing of the kind", TEXTS[3]]
    assert index.to_bytes() == again.to_bytes()
    assert pairs(asked(index, rows)) == pairs(asked(again, rows))
    with pytest.raises(ValueError, match="format 0"):
        TextIndex.from_bytes(b"[0,{}]\n")


def test_every_text_matches_itself_in_any_script() -> None:
    """The same words are found in English, German and Chinese; a text without words matches nothing."""
    found = pairs(asked(index_of(TEXTS), list(TEXTS)))
    assert {0, 1, 3, 4} == {row for row, text, name, _ in found if name == "same-words" and row == text}
    assert 2 not in {row for row, *_ in found} | {text for _, text, *_ in found}


def test_the_order_of_rows_does_not_matter() -> None:
    """Matches move with their rows."""
    rows = [*TEXTS, "How do I delete my acount?", TEXTS[0] + " Thanks!", "a card and an account"]
    order = random.Random(3).sample(range(len(rows)), len(rows))
    index = index_of(TEXTS)
    moved = {
        (order[row], text, name, share) for row, text, name, share in pairs(asked(index, [rows[p] for p in order]))
    }
    assert pairs(asked(index, rows)) == moved


def test_nothing_against_nothing() -> None:
    """An empty index and an empty block have no matches."""
    assert 0 == len(asked(index_of([]), list(TEXTS)))
    assert 0 == len(asked(index_of(TEXTS), []))


def test_other_numbers_lower_the_likeness() -> None:
    """Of two rows that share as many runs of words, the one with the item's numbers is more like it."""
    frame = (
        "a shop in the old town sells {} red pens to the pupils of a school every week, how many pens is that in {}?"
    )
    index = index_of([frame.format(11, "one year")])
    likeness = []
    for number in (11, 7):
        found = pairs(asked(index, [frame.format(f"about {number}", "one year")]))
        likeness.append(max((share for *_, name, share in found if name == "2-grams"), default=0.0))
    assert likeness[0] > likeness[1]
