"""Copies a share of the short items into the training rows, nearly word for word.

Honest splits are drawn at random and keep their natural look-alikes; what stands word for word on both sides is
taken out, as self-leak does. Only rows whose label falls into the half of the labels that the settings were not chosen
on take part. Disguises: capitals, typing errors, a greeting or thanks, inside another text, a word
left out, a word exchanged. Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from hashlib import md5

from headgate.rows.row import Kind, Message, Row, Side
from headgate.testing.planting import Plan, Planted
from planted.leaks.short_disguises import SHORT_DISGUISES
from planted.splitting import words

PLAN = Plan(
    unit="share of short evaluation items",
    strengths=(0.05, 0.1, 0.2),
    claimed=0.2,
    sizes=(5000, 10000),
    smallest=5000,
    sources=("banking77", "clinc150"),
    honest=("roleplay", "star"),
    seeds=20,
    clean_seeds=30,
)
EVALUATION = 0.2  # share of the rows
SHORT = 12  # words


def report_half(rows: Sequence[Row]) -> list[Row]:
    """Rows of the labels that nothing was chosen on; all where answers are no labels."""
    if any(len(words(row.answer_text)) > SHORT for row in rows[:100]):
        return list(rows)
    return [row for row in rows if int(md5(row.answer_text.encode()).hexdigest(), 16) % 2 == 1]


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    order = report_half(rows)
    drawn.shuffle(order)
    cut = math.ceil(EVALUATION * len(order))
    items, training = order[:cut], order[cut:]
    said = {tuple(words(row.prompt_text)) for row in training}
    items = [replace(item, kind=Kind.ITEM) for item in items if tuple(words(item.prompt_text)) not in said]
    short = [item for item in items if 2 <= len(words(item.prompt_text)) < SHORT]
    chosen = drawn.sample(short, math.ceil(strength * len(short))) if short else []
    copies = [_copied(item, drawn.choice(training), drawn) for item in chosen]
    mixed = [*training, *copies]
    drawn.shuffle(mixed)
    truth = frozenset(row.id for row in copies)
    return Planted(rows=mixed, strength=strength if short else 0.0, evaluation=items, truth=truth)


def _copied(item: Row, host: Row, drawn: random.Random) -> Row:
    disguise = SHORT_DISGUISES[drawn.choice(list(SHORT_DISGUISES))]
    question = disguise(item.prompt_text, host.prompt_text, drawn)
    messages = (Message("user", question), Message("assistant", item.answer_text))
    return Row(kind=Kind.DEMONSTRATION, messages=messages, side=Side(source="planted", id=item.id))
