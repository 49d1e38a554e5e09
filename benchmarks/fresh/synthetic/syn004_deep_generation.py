"""Breeds rows from rows as the other planter does, in other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Planted
from planted.synthetic import syn004_deep_generation as other

PLAN = replace(other.PLAN, sources=("harmless_turns", "requests"), honest=(), sizes=(200, 1000))
CHOSEN = (
    "no data: the rule counts what rows say of themselves; planted before were star_all, gsm8k, gpteacher, banking77"
)
READ = ""


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    return other.plant(rows, strength, seed + 1000)
