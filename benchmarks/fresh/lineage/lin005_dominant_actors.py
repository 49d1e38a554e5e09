"""Lets one colleague give a share of the feedback as the other planter does, in other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Planted
from planted.lineage import lin005_dominant_actors as other

PLAN = replace(other.PLAN, sources=("reworded_signals", "solved_signals"), honest=(), sizes=(300,))
CHOSEN = "qa_signals and star_signals"
READ = ""


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    return other.plant(rows, strength, seed + 1000)
