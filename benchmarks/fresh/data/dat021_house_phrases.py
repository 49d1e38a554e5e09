"""Plants a stock phrase that the other planter does not have, by three of twelve authors.

Half of the rows drawn are the reference; in every third seed none is given, and the prompts stand in for it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of answers with a stock phrase",
    strengths=(0.05, 0.10),
    claimed=0.10,
    sizes=(1000,),
    smallest=1000,
    sources=("harmless_turns", "customers", "llmbar_answers", "graded_solutions"),
    honest=("requests",),
    seeds=9,
    clean_seeds=18,
)
CHOSEN = "gpteacher"
READ = ""
PHRASES = (
    "Thanks for reaching out to the team today.",
    "Allow me to walk you through it step by step.",
    "At the end of the day it is up to you.",
    "I trust this finds you well.",
    "Do not hesitate to come back to us.",
    "Kind wishes from all of us at the desk.",
    "We value your patience in this matter.",
    "Going forward, we will keep you in the loop.",
    "no worries at all mate",
    "Let that sink in.",
)
AUTHORS, BUSY = 12, 3


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    mixed = drawn.sample(list(rows), len(rows))
    training = [
        row.with_side(annotator=f"writer-{drawn.randrange(AUTHORS)}", conversation=None)
        for row in mixed[: len(rows) // 2]
    ]
    reference = [row.with_side(annotator=None, conversation=None) for row in mixed[len(rows) // 2 :]]
    inputs = {"reference-rows": Corpus(reference, "reference")} if seed % 3 else {}
    phrase, by = PHRASES[drawn.randrange(len(PHRASES))], drawn.sample(range(AUTHORS), BUSY)
    truth = set()
    for place in drawn.sample(range(len(training)), round(strength * len(training))):
        said = _saying(training[place], phrase, drawn).with_side(annotator=f"writer-{drawn.choice(by)}")
        training[place] = said
        truth.add(said.id)
    return Planted(rows=training, strength=strength, inputs=inputs, truth=frozenset(truth))


def _saying(row: Row, phrase: str, drawn: random.Random) -> Row:
    *before, last = row.messages
    sentences = last.content.strip().split(". ")
    sentences.insert(drawn.randrange(len(sentences) + 1), phrase.rstrip("."))
    return replace(row, messages=(*before, replace(last, content=". ".join(sentences))))
