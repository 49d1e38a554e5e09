"""Writes histories of looks in which the instructions of some pools were changed between two of them.

An honest history has two to eight pools, each with one to fifteen candidates that were scored on it under the same
instructions; the instructions change with the pool, since fresh items came with every new version. Planted is a share
of the pools: the instructions change once, twice or three times in the middle of their looks. The addresses of the
rows are the items; looks name the pool and one of its items, its items under another name, or both. Strength 0
plants nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of pools",
    strengths=(0.1, 0.5),
    claimed=0.1,
    sizes=(200,),
    smallest=200,
    sources=("banking77", "gsm8k"),
    seeds=20,
    clean_seeds=30,
)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    count = drawn.randint(2, 8)
    names = [row.id for row in rows[:200]]
    drawn.shuffle(names)
    tuned = set(drawn.sample(range(count), math.ceil(strength * count)))
    looks: list[dict[str, Any]] = []
    for pool in range(count):
        items = names[pool::count]
        tried = drawn.randint(1, 15) + (pool in tuned)
        changes = sorted(drawn.sample(range(1, tried), min(drawn.randint(1, 3), tried - 1))) if pool in tuned else []
        for place in range(tried):
            version = sum(place >= change for change in changes)
            looks.append(_look(pool, place, version, items, drawn))
    drawn.shuffle(looks)
    return Planted(rows=rows, strength=len(tuned) / count, inputs={"looks": looks})


def _look(pool: int, place: int, version: int, items: Sequence[str], drawn: random.Random) -> dict[str, Any]:
    told = drawn.choice(("name", "items", "both"))
    return {
        "at": (BEGIN + timedelta(days=30 * pool + place)).isoformat(),
        "suite": f"pool {pool}" if told != "items" else f"pool {pool}, renamed",
        "candidate": f"model {drawn.randrange(1000)}",
        "instructions": f"Be kind and brief. Pool {pool}, version {version}.",
        "items": list(items) if told != "name" else [items[0]],
        "score": drawn.random(),
    }
