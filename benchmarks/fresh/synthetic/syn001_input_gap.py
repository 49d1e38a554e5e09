"""Rewrites inputs with other courtesies than the other planter, of people whom nothing was chosen on.

What people say to a bank and to a hotel (each question once, with the domain as its topic), and to an assistant. By
turns of the seed inputs are written up, or put into the frame of an instruction as generators of data like it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic.syn001_input_gap import polished

PLAN = Plan(
    unit="share of training inputs rewritten",
    strengths=(0.5, 1.0),
    claimed=1.0,
    sizes=(600, 1800),
    smallest=600,
    sources=("nlupp", "harmless_turns", "qa_even"),
    seeds=8,
    clean_seeds=16,
)
CHOSEN = "banking77, star_users, clinc150 and bfcl_live, with other courtesies"
READ = ""
REAL = 500
COURTESIES = (
    ("Good day. ", "Greetings! ", "Dear team, ", "", ""),
    ("I am writing to ask the following: ", "I have a question. ", "I hope you can assist. ", "", ""),
    (" I appreciate your assistance.", " Kind regards.", " Many thanks in advance.", "", ""),
)
FRAMES = (
    "As a customer, ask the following: {}",
    "Provide a detailed response to this request: {}",
    "The user would like to know: {}",
    "Consider the question below and respond accordingly. {}",
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    reference = list(rows[: min(len(rows) // 2, REAL)])
    training = [replace(row, side=replace(row.side, extra={})) for row in rows[len(rows) // 2 :]]
    for place in drawn.sample(range(len(training)), round(strength * len(training))):
        row = training[place]
        training[place] = _framed(row, drawn) if seed % 2 else polished(row, drawn, COURTESIES)
    return Planted(rows=training, strength=strength, inputs={"reference-rows": Corpus(reference, "real")})


def _framed(row: Row, drawn: random.Random) -> Row:
    turns = list(row.messages)
    first = next(place for place, turn in enumerate(turns) if turn.role == "user")
    turns[first] = replace(turns[first], content=drawn.choice(FRAMES).format(turns[first].content))
    return replace(row, messages=tuple(turns))
