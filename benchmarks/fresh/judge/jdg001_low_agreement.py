"""Two made annotators of real items, who differ seldom and by their own; a share of their labels is drawn at random."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fresh.judge.making import CHOSEN, SOURCES, labelled
from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import labels_from

__all__ = ["CHOSEN", "PLAN", "READ", "plant"]
READ = ""
PLAN = Plan(
    unit="share of labels that are drawn at random",
    strengths=(0.2, 0.4, 0.6),
    claimed=0.4,
    sizes=(300,),
    smallest=300,
    sources=SOURCES,
    seeds=20,
    clean_seeds=30,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    votes, known = labelled(rows, {"anna": 0.02, "ben": 0.03}, drawn)
    votes = [
        {name: drawn.choice(known) if drawn.random() < strength else label for name, label in held.items()}
        for held in votes
    ]
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=False, kinds={})})
