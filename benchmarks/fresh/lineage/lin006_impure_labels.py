"""Feedback of other data, a share of which is impure, reviewed as beside the rule; the honest whole is 96 % pure."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import signalled

PLAN = Plan(
    unit="share of rows that are impure, beside 4 % in honest feedback",
    strengths=(0.1, 0.2, 0.3),
    claimed=0.2,
    sizes=(500,),
    smallest=500,
    sources=("harmless_turns", "requests", "graded_solutions"),
    seeds=20,
    clean_seeds=30,
)
CHOSEN = "qa_signals, star_signals and banking77, with 3 % in honest feedback"
READ = ""
HONEST, REVIEWED = 0.04, 200


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    impure = set(drawn.sample(range(len(rows)), round((HONEST + strength) * len(rows))))
    reviewed = set(drawn.sample(range(len(rows)), REVIEWED))
    kinds = ("comment", "test", "taste")
    said = {place: drawn.choice(kinds) if place in impure else "correction" for place in reviewed}
    out = [signalled(row, number, reviewed=said.get(number)) for number, row in enumerate(rows)]
    return Planted(rows=out, strength=strength)
