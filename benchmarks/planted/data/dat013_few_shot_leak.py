"""Puts an item among the examples of its own prompt, for a share of the prompts.

Every item is sent with four examples that are drawn from the training rows, as a dialogue or as one text.
Strength 0 plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.splitting import honest_split, words

PLAN = Plan(
    unit="share of prompts",
    strengths=(0.01, 0.02, 0.1),
    claimed=0.01,
    sizes=(500, 2000),
    smallest=500,
    sources=("banking77", "clinc150", "gsm8k", "star"),
    seeds=20,
    clean_seeds=30,
)
EVALUATION = 0.2  # share of the rows
SHOTS = 4


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    training, items = honest_split(rows, EVALUATION, drawn)
    items = [item for item in items if words(item.prompt_text)]
    # One question twice among the items would be its own example without anybody planting it.
    items = list({tuple(words(item.prompt_text)): item for item in items}.values())
    chosen = set(drawn.sample(range(len(items)), math.ceil(strength * len(items))))
    prompts, truth = [], set()
    for number, item in enumerate(items):
        shots = drawn.sample(training, SHOTS)
        if number in chosen:
            shots[drawn.randrange(SHOTS)] = item
        prompts.append(_prompt(shots, item, number, drawn))
        if number in chosen:
            truth.add(prompts[-1].id)
    return Planted(
        rows=training,
        strength=strength,
        evaluation=items,
        inputs={"few-shot-prompts": Corpus(prompts, "prompts")},
        truth=frozenset(truth),
    )


def _prompt(shots: Sequence[Row], item: Row, number: int, drawn: random.Random) -> Row:
    turns: list[Message] = []
    for shot in shots:
        turns += [Message("user", shot.prompt_text), Message("assistant", shot.answer_text)]
    turns.append(Message("user", item.prompt_text))
    long = len(words(item.prompt_text)) >= 4
    if long and drawn.random() < 0.5:
        told = [("Q: " if turn.role == "user" else "A: ") + turn.content for turn in turns]
        return Row(kind=Kind.PROMPT, messages=(Message("user", "\n".join([*told, "A:"])),), side=Side(id=f"p{number}"))
    return replace(item, kind=Kind.PROMPT, messages=tuple(turns), side=Side(id=f"p{number}"))
