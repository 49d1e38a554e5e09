"""A model beside three people: its labels are those of a real person, a share of which is replaced by others.

Of the people one is real and two are made, who differ from the right label as often as real people did. At
strength 0 the model is as good as a person, because it is one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import carries_votes, gold_of, labels_from, voted

PLAN = Plan(
    unit="share of the model's labels that are replaced",
    strengths=(0.15, 0.3, 0.5),
    claimed=0.3,
    sizes=(100, 300),
    smallest=100,
    sources=("xstest_votes",),
    seeds=40,
    clean_seeds=60,
)
CARELESS = 0.02  # share of items on which a made person differs


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    if not carries_votes(rows) or any("person-2" not in row.side.extra["votes"] for row in rows):
        return Planted(rows=rows, strength=0.0)
    drawn = random.Random(seed)
    right = gold_of(rows)
    known = sorted(set(right))
    votes = []
    for place, held in enumerate(voted(rows, lambda name: name.startswith("person"))):
        others = [each for each in known if each != right[place]]
        changed = {"person-1": held["person-1"], "model": held["person-2"]}
        for made in ("person-3", "person-4"):
            changed[made] = drawn.choice(others) if drawn.random() < CARELESS else right[place]
        if drawn.random() < strength:
            changed["model"] = drawn.choice(others)
        votes.append(changed)
    kinds = {"model": "model"} | {f"person-{number}": "human" for number in (1, 3, 4)}
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=False, kinds=kinds)})
