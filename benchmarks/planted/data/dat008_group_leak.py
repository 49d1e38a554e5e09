"""Moves rows of a share of the evaluation items' conversations to the training side.

Rows without a conversation get one: three neighbours in the file make a conversation. The honest
split keeps conversations whole; a tenth of the rows carries no key at all.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of evaluation conversations",
    strengths=(0.01, 0.02, 0.05, 0.2),
    claimed=0.02,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("banking77", "clinc150", "gsm8k", "roleplay", "star"),
    seeds=12,
    clean_seeds=20,
)
TOGETHER = 3  # rows of an invented conversation
EVALUATION = 0.2  # share of conversations
KEYLESS = 0.1  # share of rows


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    whole: dict[str, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        key = row.side.conversation or f"c{number // TOGETHER}"
        name = (
            drawn.choice(("conversation", "group", "subject", "user")) if not row.side.conversation else "conversation"
        )
        # All rows of one invented conversation are tied by the same kind of key.
        name = whole[key][0].side.extra["tie"] if whole[key] else name
        side = replace(row.side, conversation=None, extra={"tie": name})
        whole[key].append(replace(row, side=replace(side, **{name: key})))
    keys = sorted(whole)
    drawn.shuffle(keys)
    cut = math.ceil(EVALUATION * len(keys))
    evaluation, training = keys[:cut], keys[cut:]
    able = [key for key in evaluation if len(whole[key]) > 1]
    items, rest, planted = [], [_bare(row, drawn) for key in training for row in whole[key]], []
    moved = set(drawn.sample(able, min(math.ceil(strength * len(evaluation)), len(able))))
    for key in evaluation:
        one, *others = whole[key]
        planted += [one] if key in moved else []
        stay = others if key in moved else whole[key]
        items += [
            replace(row, kind=Kind.ITEM) if key in moved else _bare(replace(row, kind=Kind.ITEM), drawn) for row in stay
        ]
    mixed = [*rest, *planted]
    drawn.shuffle(mixed)
    return Planted(rows=mixed, strength=strength, evaluation=items, truth=frozenset(row.id for row in planted))


def _bare(row: Row, drawn: random.Random) -> Row:
    if drawn.random() >= KEYLESS:
        return row
    return replace(row, side=replace(row.side, conversation=None, group=None, subject=None, user=None))
