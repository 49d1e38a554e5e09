"""Three annotators of real items: two siblings who share an error on a share of them, and one who is unrelated.

Each errs on 3 % of items on its own. At strength 0 nobody shares an error, and each errs on 8 % of items on its own,
so that honest panels are as wrong as those with 5 % shared errors.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import carries_votes, gold_of, labels_from

PLAN = Plan(
    unit="share of items on which two siblings share an error",
    strengths=(0.02, 0.05, 0.10),
    claimed=0.05,
    sizes=(300, 1000),
    smallest=300,
    sources=("xstest_votes", "mozafari"),
    honest=("adult2", "llmbar_votes"),
    seeds=40,
    clean_seeds=60,
)
ALONE, HONEST = 0.03, 0.08  # share of items on which an annotator errs alone
NAMES = ("sibling-a", "sibling-b", "stranger")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    if not carries_votes(rows):
        return Planted(rows=rows, strength=0.0)
    drawn = random.Random(seed)
    right = gold_of(rows)
    known = sorted(set(right))
    shared = set(drawn.sample(range(len(rows)), round(strength * len(rows))))
    votes = []
    for place, label in enumerate(right):
        others = [each for each in known if each != label]
        common = drawn.choice(others)
        held = {name: _erring(label, others, ALONE if strength else HONEST, drawn) for name in NAMES}
        if place in shared:
            held |= dict.fromkeys(NAMES[:2], common)
        votes.append(held)
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=True, kinds={})})


def _erring(label: str, others: Sequence[str], rate: float, drawn: random.Random) -> str:
    return drawn.choice(list(others)) if drawn.random() < rate else label
