"""Puts rows of an own tune among rows of unrelated teachers.

A twentieth of the rows drawn are people's, the others have one of four teachers of other families. The planting is a
share of the latter with an adapter as their teacher that was trained, in an earlier flow, on the base to be
trained, under one of the names that a ledger has for it. Adapters of another base are among the honest teachers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.rules.teachers import Lines
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of synthetic rows of an own tune",
    strengths=(0.005, 0.02, 0.1),
    claimed=0.02,
    sizes=(300, 1000),
    smallest=300,
    sources=("star_all", "gsm8k", "gpteacher", "banking77"),
    seeds=10,
    clean_seeds=10,
)
PEOPLE = 0.05  # share of rows: too few to hold the rest
OTHERS = ("gpt-4o-2024-08-06", "claude-3-5-sonnet", "mistral-large", "mails")
OURS, THEIRS = frozenset({"small-base", "b3:" + "1" * 64}), frozenset({"other-base", "b3:" + "2" * 64})
OWN = {"small-base@3f0c9a7d21be": OURS, "b3:" + "a" * 64: OURS, "replies": OURS, "replies@77ab01": OURS}
LINES = Lines(base=OURS, made_from={**OWN, "mails": THEIRS, "other-base@90e1": THEIRS})


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    people = round(len(rows) * PEOPLE)
    said = [row.with_side(depth=0) for row in rows[:people]]
    taught = [row.with_side(generator=drawn.choice(OTHERS)) for row in rows[people:]]
    chosen = drawn.sample(range(len(taught)), round(strength * len(taught)))
    for place in chosen:
        taught[place] = taught[place].with_side(generator=drawn.choice(list(OWN)))
    truth = frozenset(taught[place].id for place in chosen)
    return Planted(rows=[*said, *taught], strength=strength if chosen else 0.0, inputs={"lines": LINES}, truth=truth)
