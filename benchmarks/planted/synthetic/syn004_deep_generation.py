"""Breeds rows from rows: of the rows that a model wrote from people's, some are written once more.

Two fifths of the rows drawn are people's, the others say that a model wrote them from one of these. The planting
is a share of the latter whose parent is another such row; what they state of their own depth stays 1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of synthetic rows made from synthetic rows",
    strengths=(0.005, 0.02, 0.1),
    claimed=0.02,
    sizes=(200, 1000),
    smallest=200,
    sources=("star_all", "gsm8k", "gpteacher", "banking77"),
    seeds=10,
    clean_seeds=10,
)
PEOPLE = 0.4  # share of rows


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    count = round(len(rows) * PEOPLE)
    people = [row.with_side(id=f"p{n}", depth=0) for n, row in enumerate(rows[:count])]
    grown = [
        row.with_side(id=f"m{n}", generator="teacher-v1", depth=1, parents=(f"p{drawn.randrange(count)}",))
        for n, row in enumerate(rows[count:])
    ]
    deeper = drawn.sample(range(len(grown)), round(strength * len(grown)))
    shallow = sorted(set(range(len(grown))) - set(deeper))
    for place in deeper:
        grown[place] = grown[place].with_side(parents=(f"m{drawn.choice(shallow)}",))
    truth = frozenset(grown[place].id for place in deeper)
    return Planted(rows=[*people, *grown], strength=strength if deeper else 0.0, truth=truth)
