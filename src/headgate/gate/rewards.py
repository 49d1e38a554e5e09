"""Rewards at the gate: a stop blocks for good, a hold waits for the note of a person, an ungoverned loop for proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headgate.gate.evidence import MISSING
from headgate.ledger.ledger import Ledger
from headgate.rules.reward_states import holds, reaching, stands, ungoverned, waiting
from headgate.stats.governed import FAILURE
from headgate.stats.judging import cannot_tell
from headgate.stats.verdict import Verdict


def doubts_about_rewards(ledger: Ledger, adapter: str, flow: str) -> list[Verdict]:
    """Stops that bind the candidate, holds without a note, and loops that were optimised without an outcome."""
    out = [stands(one) for one in reaching(ledger, adapter, flow)]
    out += [holds(one) for one in waiting(ledger, adapter, flow)]
    return out + [_ungoverned(series) for series in ungoverned(ledger, adapter)]


def rewards_now(ledger: Ledger, adapter: str, flow: str) -> Any:
    """What a decision depends on beside its evidence: states that bind the candidate as they stand."""
    return [f"{one.rule}: {one.summary}" for one in doubts_about_rewards(ledger, adapter, flow)]


def _ungoverned(series: str) -> Verdict:
    verdict = cannot_tell(
        summary=f"rewards of {series} shaped the candidate, and no outcome was held against them",
        reason="a loop without an independent outcome is not released",
        next_step=f"add outcomes to [train] grpo, or [evaluate.governor.{series}] with proxy, outcome and files",
        details={"series": series},
    )
    return replace(verdict, rule=MISSING, failure=FAILURE)
