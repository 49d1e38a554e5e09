"""Strips feedback of what makes it eligible: purpose, production, a customer, a real label, a second word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import signalled

PLAN = Plan(
    unit="share of rows of feedback that are not eligible",
    strengths=(0.01, 0.05, 0.2),
    claimed=0.01,
    sizes=(300,),
    smallest=300,
    sources=("qa_signals", "star_signals", "banking77"),
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"purpose": None},
    {"purpose": "taste"},
    {"purpose": "debug"},
    {"environment": "staging"},
    {"actor_role": "developer"},
    {"signal": "click"},
    {"signal": "ticket_closed"},
    {"accepted_by": None},
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    planted = [signalled(row, number) for number, row in enumerate(rows)]
    chosen = drawn.sample(range(len(rows)), max(round(strength * len(rows)), 1)) if strength else []
    for place in chosen:
        planted[place] = signalled(rows[place], place, **drawn.choice(FAULTS))
    return Planted(rows=planted, strength=strength, truth=frozenset(planted[place].id for place in chosen))
