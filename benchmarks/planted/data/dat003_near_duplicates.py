"""Adds near-copies of rows: a share of all rows, each differing from its original in one of six ways.

The same words; case and punctuation; one slip of the keyboard; a filler before or after; 3 % of the
words replaced (questions of 40 words and more); a sentence of thanks added (20 words and more).
Numbers and negations stay as they are. Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Message, Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows that are near-copies",
    strengths=(0.05, 0.15, 0.28),
    claimed=0.15,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("banking77", "clinc150", "gsm8k", "roleplay", "star"),
    seeds=10,
    clean_seeds=20,
)
FILLERS = ("Hi, {}", "{} please", "Hello! {}", "{} thanks")
THANKS = " Thank you very much in advance for looking into it."
PLAIN = re.compile(r"^[a-z]{5,}$")
DENIES = re.compile(r"not|never|none|noth|n't|without|cannot|neither|nobody|dozen|half|twice|double|triple|quarter")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    copies = math.floor(strength * len(rows))
    kept = drawn.sample(list(rows), len(rows) - copies)
    planted = [_copied(drawn.choice(kept), number, drawn) for number in range(copies)]
    mixed = [*kept, *planted]
    drawn.shuffle(mixed)
    return Planted(rows=mixed, strength=strength, truth=frozenset(row.id for row in planted))


def _copied(row: Row, number: int, drawn: random.Random) -> Row:
    question = row.prompt_text
    size = len(question.split())
    kinds = ["same", "case", *(["slip"] if size >= 8 else []), *(["filler"] if size >= 5 else [])]
    kinds += ["thanks"] if size >= 40 else []
    kinds += ["edit"] if size >= 40 else []
    kind = drawn.choice(kinds)
    if kind == "case":
        question = question.upper().rstrip(".?!") + "!!"
    elif kind == "slip":
        question = _slipped(question, drawn)
    elif kind == "filler":
        question = drawn.choice(FILLERS).format(question)
    elif kind == "thanks":
        question += THANKS
    elif kind == "edit":
        question = _edited(question, drawn)
    messages = (Message("user", question), *row.messages[-1:])
    side = replace(row.side, id=f"copy-{number}")
    return replace(row, messages=messages, side=side)


def _slipped(text: str, drawn: random.Random) -> str:
    words = text.split(" ")
    able = [place for place, word in enumerate(words) if PLAIN.match(word) and not DENIES.search(word)]
    if not able:
        return text
    place = drawn.choice(able)
    word = words[place]
    at = drawn.randrange(1, len(word) - 1)
    words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _edited(text: str, drawn: random.Random) -> str:
    words = text.split(" ")
    able = [place for place, word in enumerate(words) if PLAIN.match(word) and not DENIES.search(word)]
    for place in drawn.sample(able, min(math.ceil(0.03 * len(words)), len(able))):
        words[place] = drawn.choice(("really", "perhaps", "somehow", "again"))
    return " ".join(words)
