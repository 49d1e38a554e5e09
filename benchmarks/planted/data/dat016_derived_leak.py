"""Declares evaluation items as parents, or as parents of parents, of a share of the rows made from others.

A third of the training rows names other training rows as parents, one or two generations deep: what
synthetic data looks like that was grown from logs. Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows made from others",
    strengths=(0.005, 0.01, 0.05),
    claimed=0.005,
    sizes=(500, 2000),
    smallest=500,
    sources=("banking77", "gsm8k", "star"),
    seeds=20,
    clean_seeds=30,
)
MADE = 1 / 3  # share of the training rows that were made from others
EVALUATION = 0.1  # share of the rows


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    named = [row.with_side(id=f"row-{number}") for number, row in enumerate(rows)]
    drawn.shuffle(named)
    cut = math.ceil(EVALUATION * len(named))
    items = [replace(row, kind=Kind.ITEM) for row in named[:cut]]
    training = named[cut:]
    made = drawn.sample(range(len(training)), math.ceil(MADE * len(training)))
    roots = [row for place, row in enumerate(training) if place not in set(made)]
    for place in made:
        training[place] = _child(training[place], drawn.choice(roots), drawn)
    chosen = drawn.sample(made, math.ceil(strength * len(made)))
    for place in chosen:
        training[place] = _child(training[place], drawn.choice(items), drawn)
    # Half of what was planted has a generation between it and the item: an honest child takes it for its parent.
    below = drawn.sample([place for place in made if place not in set(chosen)], len(chosen) // 2)
    for place, above in zip(below, chosen, strict=False):
        training[place] = training[place].with_side(parents=(str(training[above].side.id),))
    truth = frozenset(training[place].id for place in (*chosen, *below))
    return Planted(rows=training, strength=strength, evaluation=items, truth=truth)


def _child(row: Row, parent: Row, drawn: random.Random) -> Row:
    name = drawn.choice((str(parent.side.id), parent.id, parent.content_id))
    return row.with_side(parents=(name,), generator="model")
