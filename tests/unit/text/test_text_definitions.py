"""What published definitions say of pairs, against a slow reading of each."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from headgate.text.coverage import coverage
from headgate.text.definitions import NAMES, definitions, letters, stretches_of
from headgate.text.tape import tape_of

WORDS = [f"w{n}" for n in range(60)]


def slow(row: str, item: str) -> list[bool]:
    """The definitions as their papers have them, by sets of word tuples."""
    one, two = (re.findall(r"\w+", text.lower()) for text in (row, item))

    def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
        return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]

    eights = set(grams(two, 8))
    both = eights & set(grams(one, 8))
    inside = np.zeros(len(two), dtype=bool)
    tens = set(grams(one, 10))
    for at, gram in enumerate(grams(two, 10)):
        if gram in tens:
            inside[at : at + 10] = True
    share = inside.mean() if len(two) else 0.0
    return [
        bool(set(grams(two, 13)) & set(grams(one, 13))),
        bool(both),
        bool(both) and len(both) >= 0.7 * len(eights),
        any(part in "".join(one) for part in stretches_of("".join(two))),
        bool(share > 0),
        bool(share >= 0.2),
        bool(share >= 0.8),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_definitions_agree_with_a_slow_reading(seed: int) -> None:
    """Items are cut out of rows at random and edited; every near pair gets the answer of the papers."""
    drawn = random.Random(seed)
    rows = [" ".join(drawn.choices(WORDS, k=drawn.randint(5, 60))) for _ in range(40)]
    items = []
    for row in rows[:30]:
        words = row.split()
        start = drawn.randrange(len(words))
        words = words[start : start + drawn.randint(4, 50)]
        for _ in range(drawn.randint(0, 3)):
            words[drawn.randrange(len(words))] = drawn.choice(WORDS)
        items.append(" ".join(words))
    here, there = tape_of(rows), tape_of(items)
    said = definitions(here, there, coverage(here, there))
    pairs = list(zip(said.rows.tolist(), said.items.tolist(), strict=True))
    assert [slow(rows[row], items[item]) for row, item in pairs] == said.says.tolist()
    every = {(row, item) for row in range(40) for item in range(30) if slow(rows[row], items[item])[1]}
    assert every <= set(pairs)


def test_nothing_in_common_says_nothing() -> None:
    """No pair, no answer."""
    said = definitions(tape_of(["one two"]), tape_of(["three four"]), coverage(tape_of(["a"]), tape_of(["b"])))
    assert (0, len(NAMES)) == said.says.shape
    assert [] == said.items_by("13-gram").tolist()


def test_letters_leave_out_what_stands_between_words() -> None:
    """Spaces, case and punctuation do not count."""
    assert "itcosts5today" == letters(tape_of(["It costs: 5,  TODAY!"]), 0)


def test_stretches_are_first_middle_and_last() -> None:
    """Three stretches of fifty characters; a short item is looked for whole; no letters, nothing."""
    text = "".join(chr(97 + n % 26) for n in range(151))
    assert (text[:50], text[50:100], text[101:]) == stretches_of(text)
    assert ("short",) == stretches_of("short")
    assert () == stretches_of("")
