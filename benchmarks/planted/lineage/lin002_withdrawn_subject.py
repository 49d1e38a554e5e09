"""Some of the people in the rows withdraw, or their consent runs out; at strength 0 nobody does.

Honest claims are not trivial: some people withdrew and agreed again, some withdrawals are known only
after the moment of the check, and many consents have an end that is still to come.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from headgate.rows.row import Row
from headgate.rules.given import Claims, Fact
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of subjects",
    strengths=(0.005, 0.02, 0.1),
    claimed=0.005,
    sizes=(1000, 5000),
    smallest=1000,
    sources=("banking77", "gsm8k", "star"),
    seeds=10,
    clean_seeds=20,
)
ASKED = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = 200


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    out = [row.with_side(subject=f"p{drawn.randrange(PEOPLE)}") for row in rows]
    people = sorted({str(row.side.subject) for row in out})
    facts = [fact for person in people for fact in _honest(person, drawn)]
    gone = drawn.sample(people, math.ceil(strength * len(people)))
    for person in gone:
        if drawn.random() < 0.5:
            facts.append(_claim(person, "withdrawn", days=-3))
        else:
            facts.append(_claim(person, "training", days=-3, until=-1))
    drawn.shuffle(facts)
    truth = frozenset(row.id for row in out if row.side.subject in gone)
    return Planted(rows=out, strength=strength, inputs={"claims": Claims(facts, ASKED)}, truth=truth)


def _honest(person: str, drawn: random.Random) -> list[Fact]:
    facts = [_claim(person, "training", days=-200, until=drawn.choice((None, 30, 400)))]
    if drawn.random() < 0.1:
        facts += [_claim(person, "withdrawn", days=-100), _claim(person, "training", days=-50)]
    if drawn.random() < 0.1:
        facts.append(_claim(person, "withdrawn", days=20))
    return facts


def _claim(person: str, value: str, *, days: int, until: int | None = None) -> Fact:
    return Fact(
        about=f"subject:{person}",
        what="consent",
        value=value,
        observed_at=ASKED + timedelta(days=days),
        valid_to=None if until is None else ASKED + timedelta(days=until),
    )
