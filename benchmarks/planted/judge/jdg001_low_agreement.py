"""Replaces labels that two people really gave by labels drawn at random: disagreement at a known share."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import carries_votes, gold_of, labels_from, voted

PLAN = Plan(
    unit="share of labels that are drawn at random",
    strengths=(0.2, 0.4, 0.6),
    claimed=0.4,
    sizes=(200, 1000),
    smallest=200,
    sources=("xstest_votes",),
    seeds=40,
    clean_seeds=60,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    if not carries_votes(rows):
        return Planted(rows=rows, strength=0.0)
    drawn = random.Random(seed)
    known = sorted(set(gold_of(rows)))
    votes = [
        {name: drawn.choice(known) if drawn.random() < strength else label for name, label in held.items()}
        for held in voted(rows, lambda name: name.startswith("person"))
    ]
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=False, kinds={})})
