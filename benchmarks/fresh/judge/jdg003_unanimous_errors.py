"""Three made annotators of real items; on a share of the items all of them give the same wrong label."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fresh.judge.making import CHOSEN, SOURCES, labelled, wrong
from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import gold_of, labels_from

__all__ = ["CHOSEN", "PLAN", "READ", "plant"]
READ = ""
PLAN = Plan(
    unit="share of unanimous items that are wrong",
    strengths=(0.03, 0.06, 0.12),
    claimed=0.06,
    sizes=(300,),
    smallest=300,
    sources=SOURCES,
    seeds=20,
    clean_seeds=30,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    votes, known = labelled(rows, {"anna": 0.03, "ben": 0.03, "cleo": 0.05}, drawn)
    right = gold_of(rows)
    together = [place for place, held in enumerate(votes) if len(set(held.values())) == 1]
    for place in drawn.sample(together, round(strength * len(together))):
        votes[place] = dict.fromkeys(votes[place], wrong(right[place], known, drawn))
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=True, kinds={})})
