"""Narrows answers in another way than the other planter, in data that nothing was chosen on.

A share of the answers is replaced by answers of middle length that begin as many others do: what a model gives that
has learned the middle and lost both ends. Every second seed one answer in ten of these is cut to its first sentence.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic.corrupting import answering

PLAN = Plan(
    unit="share of answers taken from a tenth of the answers",
    strengths=(0.25, 0.5),
    claimed=0.5,
    sizes=(600, 2000),
    smallest=600,
    sources=("harmless_turns", "customers", "graded_solutions", "llmbar_answers"),
    honest=("requests", "reworded_sums"),
    seeds=8,
    clean_seeds=16,
)
CHOSEN = "star_all, gpteacher, gsm8k, roleplay and star"
READ = ""


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    half = len(rows) // 2
    reference, training = list(rows[:half]), list(rows[half:])
    pool = _middle([row.answer_text for row in training])
    for place in drawn.sample(range(len(training)), round(strength * len(training))):
        said = drawn.choice(pool)
        if seed % 2 and drawn.random() < 0.1:
            said = said.split(". ")[0]
        training[place] = answering(training[place], said)
    return Planted(rows=training, strength=strength, inputs={"reference-rows": Corpus(reference, "real")})


def _middle(answers: Sequence[str]) -> list[str]:
    """A tenth of the answers: those nearest to the middle length among the ones with a frequent first word."""
    openers = Counter(one.split()[0].lower() for one in answers if one.split())
    usual = {opener for opener, _ in openers.most_common(10)}
    lengths = sorted(map(len, answers))
    middle = lengths[len(lengths) // 2]
    known = [one for one in answers if one.split() and one.split()[0].lower() in usual]
    return sorted(known, key=lambda one: abs(len(one) - middle))[: max(len(answers) // 10, 1)]
