"""A curation that takes a share of one register away, as a filter for polish does.

Honest curation, and what every planting does besides: a quarter of the rows goes by lot, and exact duplicates go.
Strength is the share of the rows of one register that are removed; where there are slices, an honest curation
also removes near half of one of them. The victim is a register with at least 20 rows that not half of the rows have.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from headgate.rows.row import Row
from headgate.rules.classed import classes_of
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of the rows of one register that are removed",
    strengths=(0.4, 0.7, 0.9),
    claimed=0.7,
    sizes=(500, 1500),
    smallest=500,
    sources=("star_all", "roleplay", "banking77", "clinc150"),
    honest=("gsm8k", "gpteacher", "bfcl_live", "star_users"),
    seeds=6,
    clean_seeds=10,
)
LOSS, SLICE_LOSS, LEAST = 0.25, 0.45, 20


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    gone = {row.content_id for row in rows if drawn.random() < LOSS}
    slices = sorted({value for row in rows for value in row.side.slices.values()})
    if len(slices) > 2:
        thinned = drawn.choice(slices)
        gone |= {
            row.content_id
            for row in rows
            if thinned in row.side.slices.values() and drawn.random() < (SLICE_LOSS - LOSS) / (1 - LOSS)
        }
    truth: set[str] = set()
    if strength:
        victims = _of_one_register(rows, drawn)
        gone -= victims
        taken = set(drawn.sample(sorted(victims), round(strength * len(victims))))
        gone |= taken
        truth = {row.id for row in rows if row.content_id in taken}
    kept = list({row.content_id: row for row in rows if row.content_id not in gone}.values())
    return Planted(rows=list(rows), selected=kept, strength=strength, truth=frozenset(truth))


def _of_one_register(rows: Sequence[Row], drawn: random.Random) -> set[str]:
    classes = classes_of(rows).of_kinds(("register",))
    ids = np.array([row.content_id for row in rows])
    found = [set(ids[classes.held[:, place]]) for place in range(len(classes.names))]
    return drawn.choice([each for each in found if LEAST <= len(each) <= len(set(ids)) / 2])
