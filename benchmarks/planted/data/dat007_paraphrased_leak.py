"""Puts the rephrasing of a share of the evaluation items into the training rows.

The rephrasings are those that were published with llm-decontaminator for the GSM8K test questions;
the clean rows are GSM8K train. Other sources have no rephrasings: they measure false alarms only.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row, Side
from headgate.testing.planting import Plan, Planted
from planted.splitting import honest_split

PLAN = Plan(
    unit="share of evaluation items",
    strengths=(0.05, 0.1, 0.15, 0.3),
    claimed=0.15,
    sizes=(2000, 5000),
    smallest=2000,
    sources=("gsm8k_rephrased",),
    honest=("banking77", "clinc150", "gsm8k", "roleplay", "star"),
    seeds=20,
    clean_seeds=20,
)
EVALUATION = 0.1  # share of the rows drawn, where none has a rephrasing


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    known = [row for row in rows if "rephrased" in row.side.extra]
    if not known:
        training, items = honest_split(rows, EVALUATION, drawn)
        return Planted(rows=training, strength=0.0, evaluation=items)
    training = [row for row in rows if "rephrased" not in row.side.extra]
    items = [replace(row, kind=Kind.ITEM, side=replace(row.side, extra={})) for row in known]
    chosen = drawn.sample(known, math.ceil(strength * len(known)))
    planted = [_rephrased(row) for row in chosen]
    mixed = [*training, *planted]
    drawn.shuffle(mixed)
    return Planted(rows=mixed, strength=strength, evaluation=items, truth=frozenset(row.id for row in planted))


def _rephrased(row: Row) -> Row:
    messages = (Message("user", str(row.side.extra["rephrased"])), Message("assistant", row.answer_text))
    return replace(row, messages=messages, side=Side(source="planted"))
