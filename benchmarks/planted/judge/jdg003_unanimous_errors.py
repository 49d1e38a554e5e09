"""Turns unanimous items wrong: both people who labelled them are made to give the same wrong label."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import carries_votes, gold_of, labels_from, voted

PLAN = Plan(
    unit="share of unanimous items that are wrong",
    strengths=(0.03, 0.06, 0.12),
    claimed=0.06,
    sizes=(300, 1000),
    smallest=300,
    sources=("xstest_votes",),
    seeds=40,
    clean_seeds=60,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    if not carries_votes(rows):
        return Planted(rows=rows, strength=0.0)
    drawn = random.Random(seed)
    right = gold_of(rows)
    known = sorted(set(right))
    votes = [dict(held) for held in voted(rows, lambda name: name.startswith("person"))]
    unanimous = [place for place, held in enumerate(votes) if len(held) == 2 and len(set(held.values())) == 1]
    for place in drawn.sample(unanimous, round(strength * len(unanimous))):
        wrong = drawn.choice([each for each in known if each != right[place]])
        votes[place] = dict.fromkeys(votes[place], wrong)
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=True, kinds={})})
