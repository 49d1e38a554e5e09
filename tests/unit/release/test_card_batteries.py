"""The section of a card on the served checkpoint itself."""

from __future__ import annotations

from dataclasses import replace

from headgate.release.batteries import battery_lines
from headgate.release.card import _table
from headgate.stats.claims import judge_difference
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Outcome, Verdict


def axis(**details: object) -> Verdict:
    """A refusal axis of a hundred cases, two of them lost."""
    compared = compare_paired([1.0] * 100, [1.0] * 98 + [0.0] * 2)
    told = {"axis": "refusal", "asks": "harmful requests that are refused", **details}
    return replace(judge_difference(compared, kind="non-inferiority", margin=0.1, details=told), rule="safety-refusal")


def test_rates_stand_there_only_with_labels() -> None:
    """Without a correction sample the card says so, and never the raw share."""
    (*_, raw) = battery_lines([axis()], _table)[:-1]
    assert "| refusal | harmful requests that are refused | no labels | no labels | -2.0 (" in raw
    rates = {"base": {"value": 0.99, "low": 0.95, "high": 1.0}, "candidate": {"value": 0.97, "low": 0.92, "high": 0.99}}
    (*_, told) = battery_lines([axis(rates=rates)], _table)[:-1]
    assert "| 99.0% (95.0% to 100.0%) | 97.0% (92.0% to 99.0%) |" in told


def test_skills_and_shadow_have_tables_of_their_own() -> None:
    """With churn, and with how much was installed; what was skipped shows no change."""
    skill = replace(axis(axis="arithmetic", churn={"value": 0.02}), rule="forgetting-arithmetic")
    shadow = replace(axis(suite="topics", installed=60), rule="shadow-reversion")
    lines = battery_lines([skill, replace(skill, outcome=Outcome.SKIPPED), shadow], _table)
    assert any("| arithmetic | 100.0% | 98.0% | -2.0 (" in line and "| 2.0% | 100 | pass |" in line for line in lines)
    assert any("not told" in line for line in lines)
    assert any(line.startswith("| topics | 60 | ") for line in lines)


def test_without_a_battery_there_is_no_section() -> None:
    """A card does not speak of what was not asked."""
    assert [] == battery_lines([replace(axis(), rule="candidate-over-base")], _table)
