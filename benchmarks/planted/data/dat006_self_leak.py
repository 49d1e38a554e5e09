"""Copies a share of the evaluation items into training rows, in six disguises.

As it is; in other case and punctuation; inside a longer text; cut to 60 %; with 5 % of the words
replaced; the answer alone. Questions under 12 words are copied whole and with their answer, short
answers never alone.
Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row, Side
from headgate.testing.planting import Plan, Planted
from planted.splitting import honest_split, words

PLAN = Plan(
    unit="share of evaluation items",
    strengths=(0.01, 0.02, 0.05, 0.2),
    claimed=0.02,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("banking77", "clinc150", "gsm8k", "roleplay", "star"),
    seeds=12,
    clean_seeds=20,
)
EVALUATION = 0.1  # share of the rows drawn


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    training, items = honest_split(rows, EVALUATION, drawn)
    able = [item for item in items if len(words(item.prompt_text)) >= 3]
    chosen = drawn.sample(able, min(math.ceil(strength * len(items)), len(able)))
    copies = [_copied(item, drawn.choice(training), drawn) for item in chosen]
    mixed = [*training, *copies]
    drawn.shuffle(mixed)
    return Planted(rows=mixed, strength=strength, evaluation=items, truth=frozenset(row.id for row in copies))


def _copied(item: Row, host: Row, drawn: random.Random) -> Row:
    question, answer = item.prompt_text, item.answer_text
    kinds = ["whole", "case"]
    if len(words(question)) >= 12:
        kinds.append("inside")
    if len(words(question)) >= 34:
        kinds += ["cut", "light"]
    if len(words(answer)) >= 25:
        kinds.append("answer")
    kind = drawn.choice(kinds)
    if kind == "case":
        question = question.upper().replace(",", "").rstrip(".?! ") + " ..."
    elif kind == "inside":
        question = f"{host.prompt_text}\n{question}\n{host.answer_text}"
    elif kind == "cut":
        question = " ".join(question.split()[: math.ceil(0.6 * len(question.split()))])
    elif kind == "light":
        question = _edited(question, host.text, drawn)
    elif kind == "answer":
        question = host.prompt_text
    if kind not in ("whole", "answer") and len(words(item.prompt_text)) >= 12:
        answer = host.answer_text
    messages = (Message("user", question), Message("assistant", answer))
    return replace(host, kind=Kind.DEMONSTRATION, messages=messages, side=Side(source="planted", id=item.id))


def _edited(text: str, other: str, drawn: random.Random) -> str:
    here, there = text.split(), other.split() or ["so"]
    for place in drawn.sample(range(len(here)), math.ceil(0.05 * len(here))):
        here[place] = drawn.choice(there)
    return " ".join(here)
