"""Dates real rows and moves rows of some groups behind the items of their group.

Four neighbours in the file make a group and get
consecutive hours. The honest split is by time within each group: its last rows are the items. One row
in twenty has no date. Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headgate.rows.row import Kind, Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of groups with a row from after their items",
    strengths=(0.005, 0.01, 0.05),
    claimed=0.01,
    sizes=(500, 2000),
    smallest=500,
    sources=("banking77", "gsm8k", "star"),
    seeds=20,
    clean_seeds=30,
)
GROUP = 4  # rows
DATELESS = 0.05  # share of rows
BEGIN = datetime(2025, 1, 6, tzinfo=UTC)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    training: list[Row] = []
    items: list[Row] = []
    groups = [list(rows[first : first + GROUP]) for first in range(0, len(rows) - GROUP + 1, GROUP)]
    late = set(drawn.sample(range(len(groups)), math.ceil(strength * len(groups))))
    truth = set()
    for number, group in enumerate(groups):
        moment = BEGIN + timedelta(days=drawn.uniform(0, 300))
        dated = []
        for row in group:
            moment += timedelta(hours=drawn.uniform(0.1, 30))
            dated.append(_at(row, moment, number, drawn))
        *before, last = dated
        items.append(replace(last.with_side(created_at=_text(moment, drawn)), kind=Kind.ITEM))
        if number in late:
            moved = before.pop(drawn.randrange(len(before)))
            before.append(moved.with_side(created_at=(moment + timedelta(days=drawn.uniform(1.1, 60))).isoformat()))
            truth.add(before[-1].id)
        training += before
    drawn.shuffle(training)
    return Planted(rows=training, strength=strength, evaluation=items, truth=frozenset(truth))


def _at(row: Row, moment: datetime, group: int, drawn: random.Random) -> Row:
    text = None if drawn.random() < DATELESS else _text(moment, drawn)
    return row.with_side(created_at=text, group=f"g{group}", conversation=None, subject=None)


def _text(moment: datetime, drawn: random.Random) -> str:
    return moment.date().isoformat() if drawn.random() < 0.3 else moment.isoformat()
