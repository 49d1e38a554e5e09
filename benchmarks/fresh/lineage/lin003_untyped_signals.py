"""Strips feedback as the other planter does, in other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Planted
from planted.lineage import lin003_untyped_signals as other

PLAN = replace(other.PLAN, sources=("reworded_signals", "solved_signals", "requests"), honest=(), sizes=(300,))
CHOSEN = "no data: the rule counts what rows say of themselves; planted before were qa_signals, star_signals, banking77"
READ = ""


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    return other.plant(rows, strength, seed + 1000)
