"""Lets one busy colleague give a share of the feedback."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import signalled

PLAN = Plan(
    unit="share of rows that one actor gave",
    strengths=(0.25, 0.3, 0.5),
    claimed=0.3,
    sizes=(300,),
    smallest=300,
    sources=("qa_signals", "star_signals"),
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    chosen = set(drawn.sample(range(len(rows)), round(strength * len(rows))))
    planted = [
        signalled(row, number, **({"actor": "colleague"} if number in chosen else {}))
        for number, row in enumerate(rows)
    ]
    return Planted(rows=planted, strength=strength, truth=frozenset(planted[place].id for place in chosen))
