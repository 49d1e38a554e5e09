"""Writes the answer, the question or both of a share of the items into the instructions.

Honest instructions are a paragraph of manners with six training rows as examples, the same for all rows or one of
three such texts. Half of what is planted is word for word; the other half has a tenth of its words replaced.
Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Message, Row
from headgate.testing.planting import Plan, Planted
from planted.splitting import honest_split, words

PLAN = Plan(
    unit="share of evaluation items",
    strengths=(0.005, 0.01, 0.05),
    claimed=0.01,
    sizes=(500, 2000),
    smallest=500,
    sources=("banking77", "gsm8k", "roleplay", "star"),
    seeds=20,
    clean_seeds=30,
)
EVALUATION = 0.2  # share of the rows drawn
SHOTS = 6
MANNERS = (
    "You are a helpful assistant. Be polite, keep it short, ask back when something is unclear, never promise what "
    "you cannot keep, and say so when you do not know. Examples of good replies follow."
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    training, items = honest_split(rows, EVALUATION, drawn)
    texts = [[MANNERS, *(_shown(row) for row in drawn.sample(training, SHOTS))] for _ in range(drawn.choice((1, 3)))]
    able = [item for item in items if len(words(item.prompt_text)) >= 12 or len(words(item.answer_text)) >= 12]
    for item in drawn.sample(able, min(math.ceil(strength * len(items)), len(able))) if strength else ():
        text = drawn.choice(texts)
        text.insert(drawn.randrange(1, len(text)), _planted(item, drawn))
    joined = ["\n".join(text) for text in texts]
    told = [replace(row, messages=(Message("system", drawn.choice(joined)), *row.messages)) for row in training]
    return Planted(rows=told, strength=strength if able else 0.0, evaluation=items)


def _shown(row: Row) -> str:
    return f"Question: {row.prompt_text}\nReply: {row.answer_text}"


def _planted(item: Row, drawn: random.Random) -> str:
    parts = [text for text in (item.prompt_text, item.answer_text) if len(words(text)) >= 12]
    text = "\n".join(parts) if drawn.random() < 0.3 else drawn.choice(parts)
    if drawn.random() < 0.5:
        return text
    pieces = text.split()
    for place in drawn.sample(range(len(pieces)), max(1, len(pieces) // 10)):
        pieces[place] = "so"
    return " ".join(pieces)
