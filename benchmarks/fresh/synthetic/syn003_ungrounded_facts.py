"""Corrupts facts in answers that restate records that nothing was chosen on: models and functions."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.synthetic import syn003_ungrounded_facts as corrupted

PLAN = Plan(
    unit="share of answers with one corrupted fact",
    strengths=(0.05, 0.10),
    claimed=0.05,
    sizes=(300,),
    smallest=300,
    sources=("priced_models", "unused_functions"),
    seeds=10,
    clean_seeds=10,
)
CHOSEN = "api_docs and qa_corrected"
READ = (
    "Reworded sums were measured too and are left out, for there the rule is not fit: people who reword a question "
    "write its numbers otherwise ('12' for a dozen, '5-day' for five days), in one answer of sixteen, and 10 of 10 "
    "honest sets failed."
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    return corrupted.plant(rows, strength, seed + 1000)
