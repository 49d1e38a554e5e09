"""Plants one misspelling in a share of the occurrences of its word, written by two authors.

The word is drawn from those that the answers use at least 25 times; the slip is drawn from letters
doubled or not doubled, swapped, left out, and vowels mistaken, so that the result is no word.
Strength 0 plants nothing. Misspellings that these real data already repeat are mended first, by a
list read off the data and checked by hand, so that what is found was planted.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.spelling import dictionary

PLAN = Plan(
    unit="share of the occurrences of one word",
    strengths=(0.03, 0.06, 0.12, 0.25),
    claimed=0.12,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("star", "star_all", "gsm8k", "gpteacher", "roleplay"),
    seeds=12,
    clean_seeds=20,
)
WORD = re.compile(r"(?<![\w'’.@/-])[a-z]{6,}(?![\w'’@/-])")
OFTEN = 25  # occurrences of a word that is planted in
AUTHORS = ("author-a", "author-b")
# Misspellings that repeat in STAR as it was collected, each checked against the dialogue.
KNOWN = {
    "accomodate": "accommodate",
    "successfuly": "successfully",
    "celcius": "celsius",
    "mintues": "minutes",
    "whats": "what's",
    "Whats": "What's",
    "thats": "that's",
    "Thats": "That's",
    "dont": "don't",
    "Dont": "Don't",
}
MEND = re.compile(r"\b(" + "|".join(KNOWN) + r")\b")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    mended = [_answering(row, MEND.sub(lambda hit: KNOWN[hit[0]], row.answer_text)) for row in rows]
    if not strength:
        return Planted(rows=mended, strength=strength)
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number, row in enumerate(mended):
        for hit in WORD.finditer(row.answer_text):
            places[hit[0]].append((number, hit.start(), hit.end()))
    right, wrong = _word(places, mended, drawn)
    chosen = drawn.sample(places[right], math.ceil(strength * len(places[right])))
    by_row: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, start, end in chosen:
        by_row[number].append((start, end))
    out = list(mended)
    for number, spans in by_row.items():
        text = mended[number].answer_text
        for start, end in sorted(spans, reverse=True):
            text = text[:start] + wrong + text[end:]
        out[number] = _answering(mended[number], text).with_side(annotator=drawn.choice(AUTHORS))
    return Planted(rows=out, strength=strength, truth=frozenset(out[number].id for number in by_row))


def _word(places: dict[str, list[tuple[int, int, int]]], rows: Sequence[Row], drawn: random.Random) -> tuple[str, str]:
    used = Counter(word for row in rows for word in re.findall(r"[a-z]+", row.answer_text.lower()))
    words = sorted(word for word, held in places.items() if len(held) >= OFTEN and word in dictionary())
    drawn.shuffle(words)
    for word in words:
        wrongs = [wrong for wrong in _slips(word) if wrong not in dictionary() and wrong not in used]
        if wrongs:
            return word, drawn.choice(wrongs)
    raise ValueError("no word is used often enough")


def _slips(word: str) -> list[str]:
    """What a person might type instead; the first and the last letter stay."""
    out = []
    for place in range(1, len(word) - 1):
        before, letter, after = word[:place], word[place], word[place + 1 :]
        if letter != after[0]:
            out.append(before + after[0] + letter + after[1:])  # swapped
        if letter in "aeiou":
            out += [before + other + after for other in "aeiou" if other != letter]
        out.append(before + after)  # left out, or not doubled
        out.append(before + letter + letter + after)  # doubled
    return sorted(set(out) - {word})


def _answering(row: Row, text: str) -> Row:
    *before, last = row.messages
    return replace(row, messages=(*before, replace(last, content=text)))
