"""Takes the lesson out of a share of the rows: empty answer, weight 0, mask over everything, no turn.

At strength 0 the rows carry honest weights, masks and token counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Message, Row
from headgate.rules.given import TokenCount
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows",
    strengths=(0.001, 0.01, 0.1),
    claimed=0.001,
    sizes=(1000, 5000),
    smallest=1000,
    sources=("banking77", "gsm8k", "gpteacher", "star"),
    seeds=10,
    clean_seeds=20,
)
KINDS = ("empty", "blank", "weight", "mask", "turn", "tokens", "cut", "end")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    out = [_honest(row, drawn) for row in rows]
    counts = [TokenCount(supervised_tokens=1 + len(row.answer_text.split())) for row in out]
    chosen = drawn.sample(range(len(out)), math.ceil(strength * len(out)))
    for number in chosen:
        kind = drawn.choice(KINDS)
        out[number] = _emptied(out[number], kind)
        if kind in ("tokens", "cut", "end"):
            counts[number] = TokenCount(
                supervised_tokens={"tokens": 0, "cut": 3, "end": 9}[kind],
                end_token_supervised=False,
                cut=kind == "cut",
                answer_cut=kind == "cut",
            )
    truth = frozenset(out[number].id for number in chosen)
    return Planted(rows=out, strength=strength, inputs={"tokens": counts}, truth=truth)


def _honest(row: Row, drawn: random.Random) -> Row:
    """Some weights and masks that leave something to learn."""
    *before, last = row.messages
    if drawn.random() < 0.1:
        last = replace(last, weight=drawn.choice((0.1, 0.5, 1.0)))
    if drawn.random() < 0.1 and len(last.content) > 4:
        last = replace(last, masked=((0, len(last.content) // 2),))
    return replace(row, messages=(*before, last))


def _emptied(row: Row, kind: str) -> Row:
    *before, last = row.messages
    changed: tuple[Message, ...] = {
        "empty": (replace(last, content=""),),
        "blank": (replace(last, content=" \n"),),
        "weight": (replace(last, weight=0.0),),
        "mask": (replace(last, masked=((0, len(last.content)),)),),
        "turn": (),
    }.get(kind, (last,))
    return replace(row, messages=(*before, *changed))
