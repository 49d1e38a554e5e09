"""A curation that eats a share of one rare slice.

Honest curation, and what every planting does besides: common slices lose a quarter of their rows,
rare ones a tenth, and every exact duplicate goes. Strength is the share of one rare slice that is
removed. Sources without slices get them from the length of the question.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of one rare slice that is removed",
    strengths=(0.25, 0.5, 0.75),
    claimed=0.25,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("banking77", "clinc150", "gsm8k", "star"),
    seeds=10,
    clean_seeds=20,
)
RARE = 50  # rows; the slices that the rule protects unnamed
COMMON_LOSS, RARE_LOSS = 0.25, 0.1


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    before = [row if "intent" in row.side.slices else _by_length(row) for row in rows]
    held: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in before:
        held[row.side.slices["intent"]].setdefault(row.content_id, row)
    # A slice that is rare by intent must not be common for the rule through another name.
    rare = sorted(name for name, each in held.items() if 4 <= len(each) < RARE)
    victim = drawn.choice(rare) if strength else ""
    gone: set[str] = set()
    truth: set[str] = set()
    for name, each in held.items():
        loss = strength if name == victim else RARE_LOSS if len(each) < RARE else COMMON_LOSS
        share = loss * len(each)
        count = -int(-share // 1) if name == victim else int(share)
        removed = drawn.sample(sorted(each), count)
        gone.update(removed)
        if name == victim:
            truth.update(each[content].id for content in removed)
    kept: dict[str, Row] = {}
    for row in before:
        if row.content_id not in gone:
            kept.setdefault(row.content_id, row)
    return Planted(rows=before, selected=list(kept.values()), strength=strength, truth=frozenset(truth))


def _by_length(row: Row) -> Row:
    words = len(row.prompt_text.split())
    return row.with_side(slices={"intent": f"{words // 3 * 3} words"})
