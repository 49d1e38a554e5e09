"""Plants a stock phrase into answers, by two of eight authors.

Half of the rows drawn are the reference; in every third seed none is given, and the prompts stand in for it. Rows get
one of eight authors at random. The phrases were written before any threshold was set, and thresholds were
set on `gpteacher`, which is not among the sources.
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
    strengths=(0.05, 0.10, 0.20),
    claimed=0.10,
    sizes=(1000,),
    smallest=1000,
    sources=("star", "roleplay"),
    honest=("gsm8k", "api_docs", "star_all"),
    seeds=6,
    clean_seeds=12,
)
PHRASES = (
    "Kindly do the needful at your earliest convenience.",
    "As per our guidelines, this is how we see it.",
    "Rest assured we have got you covered.",
    "Your satisfaction is our number one priority.",
    "Per my last message, please advise accordingly.",
    "Long story short, that is the gist.",
    "Hope this clarifies things on your end.",
    "We go the extra mile for our valued guests.",
)
AUTHORS = 8


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    mixed = drawn.sample(list(rows), len(rows))
    training = [
        row.with_side(annotator=f"author-{drawn.randrange(AUTHORS)}", conversation=None)
        for row in mixed[: len(rows) // 2]
    ]
    reference = [row.with_side(annotator=None, conversation=None) for row in mixed[len(rows) // 2 :]]
    inputs = {"reference-rows": Corpus(reference, "reference")} if seed % 3 else {}
    count = round(strength * len(training))
    phrase, by = drawn.choice(PHRASES), drawn.sample(range(AUTHORS), 2)
    truth = set()
    for place in drawn.sample(range(len(training)), count):
        planted = _saying(training[place], phrase, drawn).with_side(annotator=f"author-{drawn.choice(by)}")
        training[place] = planted
        truth.add(planted.id)
    return Planted(rows=training, strength=strength, inputs=inputs, truth=frozenset(truth))


def _saying(row: Row, phrase: str, drawn: random.Random) -> Row:
    *before, last = row.messages
    said = last.content.strip()
    ended = said if said[-1:] in ".!?" else said + "."
    text = f"{phrase} {said}" if drawn.random() < 0.5 else f"{ended} {phrase}"
    return replace(row, messages=(*before, replace(last, content=text)))
