"""Narrows answers as a self-consuming loop does: a share of them is replaced by answers of a small pool.

Half of the rows drawn become the reference; of the others, a share get the answer of a row of the pool,
which is a tenth of them: the distribution keeps its middle and loses its tail. Where most answers are repeated
already, such as labels, there is no tail to lose, and nothing is planted.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of answers taken from a tenth of the answers",
    strengths=(0.1, 0.25, 0.5),
    claimed=0.5,
    sizes=(600, 2000),
    smallest=600,
    sources=("star_all", "gpteacher", "gsm8k", "roleplay"),
    honest=("star",),
    seeds=6,
    clean_seeds=10,
)
VARIED = 0.3  # share of answers that differ from all others, below which there is no tail


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    half = len(rows) // 2
    reference, training = list(rows[:half]), list(rows[half:])
    if len({row.answer_text for row in training}) < VARIED * len(training):
        strength = 0.0
    pool = drawn.sample(training, max(len(training) // 10, 1))
    for place in drawn.sample(range(len(training)), round(strength * len(training))):
        *before, last = training[place].messages
        said = drawn.choice(pool).answer_text
        training[place] = replace(training[place], messages=(*before, replace(last, content=said)))
    return Planted(rows=training, strength=strength, inputs={"reference-rows": Corpus(reference, "real")})
