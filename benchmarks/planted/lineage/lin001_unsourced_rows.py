"""Takes source, licence or subject from a share of the rows; at strength 0 every row has all three."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime

from headgate.rows.row import Row
from headgate.rules.given import Claims, Fact
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows",
    strengths=(0.001, 0.01, 0.1),
    claimed=0.001,
    sizes=(1000, 5000),
    smallest=1000,
    sources=("banking77", "gsm8k", "star"),
    seeds=10,
    clean_seeds=20,
)
ASKED = datetime(2026, 6, 1, tzinfo=UTC)
SOURCES = ("shop", "forum", "handbook")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    # The licence of the handbook is claimed for the source, and nobody is in it.
    facts = [
        Fact(about="source:handbook", what=what, value=value, observed_at=datetime(2026, 1, 1, tzinfo=UTC))
        for what, value in (("licence", "CC-BY-4.0"), ("consent", "written by staff"))
    ]
    out = []
    for row in rows:
        source = drawn.choice(SOURCES)
        own = {} if source == "handbook" else {"licence": "MIT", "subject": f"p{drawn.randrange(500)}"}
        out.append(row.with_side(source=source, **{"licence": None, "subject": None, **own}))
    chosen = drawn.sample([n for n, row in enumerate(out) if row.side.subject], math.ceil(strength * len(out)))
    for number in chosen:
        lost = drawn.choice(
            ({"source": None}, {"licence": None}, {"licence": "NOASSERTION"}, {"subject": None}, {"subject": " "})
        )
        out[number] = out[number].with_side(**lost)
    truth = frozenset(out[number].id for number in chosen)
    return Planted(rows=out, strength=strength, inputs={"claims": Claims(facts, ASKED)}, truth=truth)
