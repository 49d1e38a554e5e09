"""Takes a share of one register away, in data that nothing was chosen on; an honest curation drops a fifth."""

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
    sources=("harmless_turns", "customers", "llmbar_answers"),
    honest=("requests", "graded_solutions", "library_functions"),
    seeds=6,
    clean_seeds=8,
)
CHOSEN = "star_all, roleplay, banking77, clinc150, gsm8k, gpteacher, bfcl_live and star_users, with a quarter dropped"
READ = (
    "The planting was changed twice after its figures were seen, and the rule was not: with 40 % of all rows going by "
    "lot, what stayed of the victims stood at the threshold itself and 2 of 64 were found; with a fifth going by lot "
    "36 of 48 were, and requests, which are of one register only, became honest data alone."
)
LOSS, LEAST = 0.2, 20  # share that goes by lot; rows of a register that can be a victim


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    gone = {row.content_id for row in rows if drawn.random() < LOSS}
    truth: set[str] = set()
    found = _registers(rows) if strength else []
    if found:
        victims = drawn.choice(found)
        # What goes besides is spread evenly, so that of the victims as many stay as the strength says.
        taken = set(drawn.sample(sorted(victims), round(strength * len(victims))))
        gone = (gone - victims) | taken
        truth = {row.id for row in rows if row.content_id in taken}
    kept = list({row.content_id: row for row in rows if row.content_id not in gone}.values())
    planted = strength if found else 0.0
    return Planted(rows=list(rows), selected=kept, strength=planted, truth=frozenset(truth))


def _registers(rows: Sequence[Row]) -> list[set[str]]:
    classes = classes_of(rows).of_kinds(("register",))
    ids = np.array([row.content_id for row in rows])
    each = [set(ids[classes.held[:, place]].tolist()) for place in range(len(classes.names))]
    return [one for one in each if LEAST <= len(one) <= len(set(ids.tolist())) / 2]
