"""A made model beside three made people on real items; a share of the model's labels is replaced by others."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fresh.judge.making import CHOSEN, SOURCES, labelled, wrong
from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.panel import gold_of, labels_from

__all__ = ["CHOSEN", "PLAN", "READ", "plant"]
READ = ""
PLAN = Plan(
    unit="share of the model's labels that are replaced",
    strengths=(0.15, 0.3, 0.5),
    claimed=0.3,
    sizes=(100, 300),
    smallest=100,
    sources=SOURCES,
    seeds=20,
    clean_seeds=30,
)
PEOPLE = {"person-1": 0.02, "person-2": 0.04, "person-3": 0.06}


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    votes, known = labelled(rows, {**PEOPLE, "model": 0.03}, drawn)
    for held, label in zip(votes, gold_of(rows), strict=True):
        if drawn.random() < strength:
            held["model"] = wrong(label, known, drawn)
    kinds = {"model": "model", **dict.fromkeys(PEOPLE, "human")}
    return Planted(rows=rows, strength=strength, inputs={"labels": labels_from(rows, votes, gold=False, kinds=kinds)})
