"""Adds published rephrasings of failed GSM8K questions to 1,000 honest rows that came after the run.

Which questions failed is what a graded model got wrong. Every second honest input has twenty rephrasings
of random questions, failed or not: a leak, and not one of this kind. In labelled sets the items of some labels fail
more often and the honest rows that came after are mostly of these labels, as when people work on weak spots.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row
from headgate.testing.planting import Plan, Planted
from planted.splitting import honest_split

PLAN = Plan(
    unit="rephrased failures among 1,000 added rows",
    strengths=(5.0, 10.0, 20.0),
    claimed=10.0,
    sizes=(8792,),
    smallest=8792,
    sources=("gsm8k_failures",),
    honest=("banking77", "clinc150"),
    seeds=25,
    clean_seeds=20,
)
OLDER, ADDED, RANDOM = 3000, 1000, 20
EVALUATION = 0.1  # share of the rows drawn, where none has a rephrasing
WEAK, FAILS_WEAK, FAILS = 0.3, 0.7, 0.2  # share of labels that fail more often, and shares of items that fail
FOCUS = 0.7  # share of the added rows that are of these labels


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    known = [row for row in rows if "failed" in row.side.extra]
    if not known:
        return _weak_spots(rows, drawn)
    items = [_item(row, number) for number, row in enumerate(known)]
    training = [row for row in rows if "failed" not in row.side.extra]
    drawn.shuffle(training)
    failed = [number for number, row in enumerate(known) if row.side.extra["failed"]]
    chosen = drawn.sample(failed, int(strength)) if strength else []
    if not strength and seed % 2:
        chosen = drawn.sample(range(len(known)), RANDOM)
    planted = [_rephrased(known[number]) for number in chosen]
    added = [*training[OLDER : OLDER + ADDED], *planted]
    run = {"failed": [f"item-{n}" for n in failed], "passed": _others(failed, len(items)), "added": _ids(added)}
    mixed = [*training[:OLDER], *added]
    drawn.shuffle(mixed)
    return Planted(
        rows=mixed,
        strength=strength,
        evaluation=items,
        inputs={"past-run": run},
        truth=frozenset(row.id for row in planted) if strength else frozenset(),
    )


def _weak_spots(rows: Sequence[Row], drawn: random.Random) -> Planted:
    training, items = honest_split(rows, EVALUATION, drawn)
    items = [item.with_side(id=f"item-{number}") for number, item in enumerate(items)]
    labels = sorted({row.answer_text for row in rows})
    weak = set(drawn.sample(labels, round(WEAK * len(labels))))
    failed = [n for n, item in enumerate(items) if drawn.random() < (FAILS_WEAK if item.answer_text in weak else FAILS)]
    focus = [row for row in training if row.answer_text in weak]
    rest = [row for row in training if row.answer_text not in weak]
    count = min(ADDED, len(training) // 4)
    added = drawn.sample(focus, min(round(FOCUS * count), len(focus)))
    added += drawn.sample(rest, min(count - len(added), len(rest)))
    run = {"failed": [f"item-{n}" for n in failed], "passed": _others(failed, len(items)), "added": _ids(added)}
    return Planted(rows=training, strength=0.0, evaluation=items, inputs={"past-run": run})


def _item(row: Row, number: int) -> Row:
    return replace(row.with_side(extra={}, id=f"item-{number}"), kind=Kind.ITEM)


def _rephrased(row: Row) -> Row:
    messages = (Message("user", str(row.side.extra["rephrased"])), Message("assistant", row.answer_text))
    return replace(row.with_side(source="planted", extra={}), messages=messages)


def _others(failed: Sequence[int], count: int) -> list[str]:
    gone = set(failed)
    return [f"item-{n}" for n in range(count) if n not in gone]


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]
