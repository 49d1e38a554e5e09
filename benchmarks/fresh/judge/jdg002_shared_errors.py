"""Four made annotators of real items: three who share errors on a share of the items, and one who is unrelated."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fresh.judge.making import labelled, wrong
from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import gold_of, labels_from

PLAN = Plan(
    unit="share of items on which two siblings share an error",
    strengths=(0.05, 0.10),
    claimed=0.05,
    sizes=(300,),
    smallest=300,
    sources=("adult2", "llmbar_votes"),
    honest=("mozafari",),
    seeds=20,
    clean_seeds=30,
)
CHOSEN = "XSTest and mozafari; honest panels of adult2 and llmbar were looked at with other annotators"
READ = ""
KIN = ("model-a", "model-a-mini", "model-a-tuned")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    rate = 0.02 if strength else 0.06
    votes, known = labelled(rows, dict.fromkeys((*KIN, "other"), rate), drawn)
    right = gold_of(rows)
    for place in drawn.sample(range(len(rows)), round(strength * len(rows))):
        votes[place] |= dict.fromkeys(KIN, wrong(right[place], known, drawn))
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=True, kinds={})})
