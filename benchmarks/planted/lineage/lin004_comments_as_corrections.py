"""Puts comments in the place of corrections: remarks on the answer, and no new answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Message, Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import COMMENTS, signalled

PLAN = Plan(
    unit="share of corrections that are comments",
    strengths=(0.08, 0.15, 0.3),
    claimed=0.15,
    sizes=(300,),
    smallest=300,
    sources=("qa_signals", "gsm8k_signals", "relabelled"),
    honest=("star_signals",),
    seeds=40,
    clean_seeds=60,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    planted = [signalled(row, number) for number, row in enumerate(rows)]
    chosen = drawn.sample(range(len(rows)), round(strength * len(rows)))
    for place in chosen:
        row = planted[place]
        planted[place] = replace(row, messages=(*row.messages[:-1], Message("assistant", drawn.choice(COMMENTS))))
    return Planted(rows=planted, strength=strength, truth=frozenset(planted[place].id for place in chosen))
