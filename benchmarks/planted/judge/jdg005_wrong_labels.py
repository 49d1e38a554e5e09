"""Gives rows with a label another one of the labels in use.

Questions with intents are taken as they are; of XSTest the text is the answer of a model, and the label what people
say it does (the answers of two labels that mean refusal are taken as one).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Message, Row
from headgate.testing.planting import Plan, Planted
from planted.panel import carries_votes

PLAN = Plan(
    unit="share of labels that are wrong",
    strengths=(0.05, 0.1, 0.2),
    claimed=0.1,
    sizes=(1000,),
    smallest=1000,
    sources=("banking77_few", "clinc150_few", "xstest_votes"),
    honest=("nlupp",),
    seeds=12,
    clean_seeds=15,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    if carries_votes(rows):
        rows = [_graded(row) for row in rows]
    answers = [row.answer_text for row in rows]
    known = sorted(set(answers))
    if len(known) < 2 or len(known) * 5 > len(rows) or max(map(len, known)) > 60:
        return Planted(rows=rows, strength=0.0)
    planted = list(rows)
    truth = set()
    for place in drawn.sample(range(len(rows)), round(strength * len(rows))):
        wrong = drawn.choice([label for label in known if label != answers[place]])
        row = planted[place]
        planted[place] = replace(row, messages=(*row.messages[:-1], Message("assistant", wrong)))
        truth.add(planted[place].id)
    return Planted(rows=planted, strength=strength, truth=frozenset(truth))


def _graded(row: Row) -> Row:
    label = "complies" if str(row.side.extra["gold"]).startswith("1") else "refuses"
    side = replace(row.side, extra={})
    return replace(row, messages=(Message("user", row.answer_text), Message("assistant", label)), side=side)
