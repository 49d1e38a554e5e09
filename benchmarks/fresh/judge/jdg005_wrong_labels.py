"""Gives rows another label: requests of kinds that the other planter leaves out, confused with a kind beside it.

By turns of the seed the wrong label is any of those in use, or the next by name, which is often alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.synthetic.corrupting import answering

PLAN = Plan(
    unit="share of labels that are wrong",
    strengths=(0.05, 0.1, 0.2),
    claimed=0.1,
    sizes=(1000,),
    smallest=1000,
    sources=("banking77_late", "clinc150_late"),
    seeds=8,
    clean_seeds=10,
)
CHOSEN = "twenty kinds of banking77, thirty of clinc150, XSTest and nlupp"
READ = ""


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    known = sorted({row.answer_text for row in rows})
    out, truth = list(rows), set()
    for place in drawn.sample(range(len(rows)), round(strength * len(rows))):
        label = rows[place].answer_text
        beside = known[(known.index(label) + 1) % len(known)]
        out[place] = answering(
            rows[place], beside if seed % 2 else drawn.choice([one for one in known if one != label])
        )
        truth.add(out[place].id)
    return Planted(rows=out, strength=strength, truth=frozenset(truth))
