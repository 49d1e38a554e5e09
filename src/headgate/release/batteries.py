"""What the card says of the served checkpoint itself: safety, shadow and forgetting, measured beside its base.

The base's card may not be attached to a tune: what is written here was asked of this adapter, and of its base on the
same prompts. A rate that a detector counted stands here only where labels corrected it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.stats.verdict import Outcome, Verdict

SAFETY, SHADOW, FORGETTING = "safety-", "shadow-", "forgetting-"
Table = Callable[[Sequence[str], Sequence[Sequence[str]]], list[str]]


def battery_lines(verdicts: Sequence[Verdict], table: Table) -> list[str]:
    """The lines of the section, or none where no battery was asked."""
    safety = [one for one in verdicts if one.rule.startswith(SAFETY)]
    shadow = [one for one in verdicts if one.rule.startswith(SHADOW)]
    kept = [one for one in verdicts if one.rule.startswith(FORGETTING)]
    if not (safety or shadow or kept):
        return []
    note = "Asked of this adapter on its base, and of the base alone, on the same prompts. Changes are in points."
    lines = [note, ""]
    if safety:
        titles = ("axis", "what is counted", "base", "this adapter", "change, 90 % interval", "n", "verdict")
        lines += [*table(titles, [_axis(one) for one in safety]), ""]
    if kept:
        titles = ("skill", "base", "this adapter", "change, 90 % interval", "churn", "n", "verdict")
        lines += [*table(titles, [_skill(one) for one in kept]), ""]
    if shadow:
        heads = ("behaviour", "installed items", "wordings in which the base is back", "verdict")
        lines += table(heads, [_shadow(one) for one in shadow])
    return lines


def _axis(verdict: Verdict) -> tuple[str, ...]:
    details = verdict.details
    rates = details.get("rates", {})
    shown = [_rate(rates.get(arm)) for arm in ("base", "candidate")]
    n = f"{verdict.measure.n:,}" if verdict.measure else ""
    return (str(details.get("axis", "")), str(details.get("asks", "")), *shown, _change(verdict), n, _word(verdict))


def _skill(verdict: Verdict) -> tuple[str, ...]:
    numbers = verdict.details.get("comparison") or {}
    shares = [f"{numbers[arm]:.1%}" if arm in numbers else "" for arm in ("reference", "candidate")]
    churn = verdict.details.get("churn")
    told = f"{churn['value']:.1%}" if churn else ""
    n = f"{verdict.measure.n:,}" if verdict.measure else ""
    return (str(verdict.details.get("axis", "")), *shares, _change(verdict), told, n, _word(verdict))


def _shadow(verdict: Verdict) -> tuple[str, ...]:
    measure = verdict.measure
    share = f"{measure.value:.1%} ({measure.low:.1%} to {measure.high:.1%})" if measure else ""
    return (str(verdict.details.get("suite", "")), str(verdict.details.get("installed", "")), share, _word(verdict))


def _change(verdict: Verdict) -> str:
    measure = verdict.measure
    if measure is None or verdict.outcome is Outcome.SKIPPED:
        return "not told"
    return f"{measure.value * 100:+.1f} ({measure.low * 100:+.1f} to {measure.high * 100:+.1f})"


def _rate(rate: Any) -> str:
    return f"{rate['value']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})" if rate else "no labels"


def _word(verdict: Verdict) -> str:
    return verdict.outcome.value + ("" if verdict.level.value == "block" else f", {verdict.level.value}")
