"""Feedback a share of which is comments, test clicks or taste; a person reviewed 200 rows of it, drawn at random.

The honest whole is 97 % pure.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import signalled

PLAN = Plan(
    unit="share of rows that are impure, beside 3 % in honest feedback",
    strengths=(0.1, 0.2, 0.3),
    claimed=0.2,
    sizes=(400,),
    smallest=400,
    sources=("qa_signals", "star_signals", "banking77"),
    seeds=40,
    clean_seeds=60,
)
HONEST, REVIEWED = 0.03, 200


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    impure = set(drawn.sample(range(len(rows)), round((HONEST + strength) * len(rows))))
    reviewed = set(drawn.sample(range(len(rows)), min(REVIEWED, len(rows))))
    said = ("comment", "test", "taste")
    planted = [
        signalled(
            row,
            number,
            reviewed=(drawn.choice(said) if number in impure else "correction") if number in reviewed else None,
        )
        for number, row in enumerate(rows)
    ]
    return Planted(rows=planted, strength=strength)
