"""Judging: the only place where `pass`, `fail` and `unsure` are made.

A measure is held against a threshold by its interval and never by its value: `fail` when the whole
interval is on the wrong side, `pass` when it is all on the right side, `unsure` with the number of
rows still needed when it is on both. Only what was counted in full (a census) is judged by its value.

Verdicts come out without a name; `Rule.judge`, or the stage that asks, fills in rule, code, failure and level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.errors import Refused
from headgate.stats.claims import corrected, judge_difference
from headgate.stats.intervals import share_interval
from headgate.stats.making import against, made, must_have_threshold, too_few
from headgate.stats.power import (
    items_for_zero_failures,
    rows_to_settle,
    smallest_visible_share,
    zero_failures_bound,
)
from headgate.stats.verdict import Finding, Measure, Outcome, Verdict

FAR = 100  # times as many rows: beyond that, a number still needed is a guess and no help

__all__ = ["cannot_tell", "corrected", "judge_count", "judge_difference", "judge_interval", "judge_share"]


def judge_share(
    hits: int,
    of: int,
    *,
    name: str,
    summary: str,
    at_most: float | None = None,
    at_least: float | None = None,
    findings: Sequence[Finding] = (),
    findings_total: int | None = None,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
    zero_tolerance: bool = False,
    claim_strength: float | None = None,
    census: bool = False,
    level: float = 0.95,
) -> Verdict:
    """Judges a share of rows by its interval.

    `zero_tolerance`: every row was looked at and one hit is too many. `census`: every row that matters
    was looked at, so the share itself decides. `claim_strength`: the smallest share that the caller
    promises to see; with fewer rows than show it, there is no `pass`.

    Raises:
        Refused: no threshold, or hits outside 0..of.
    """
    if zero_tolerance:
        at_most, census = 0.0, True
    must_have_threshold(at_most, at_least)
    measure = _share_measure(hits, of, name, at_most, at_least, level)
    ends = (measure.value, measure.value) if census else (measure.low, measure.high)
    outcome, reason = against(*ends, at_most=at_most, at_least=at_least), ""
    if of == 0:
        outcome, reason = Outcome.UNSURE, "there is nothing to look at"
    elif outcome is Outcome.UNSURE:
        reason = _share_doubt(hits, of, at_most, at_least, level)
    elif outcome is Outcome.PASS and claim_strength and zero_failures_bound(of, level=level) > claim_strength:
        needed = items_for_zero_failures(claim_strength, level=level)
        outcome = Outcome.UNSURE
        reason = f"{of:,} rows cannot show a share of {claim_strength:.2%}; needs {needed - of:,} more rows"
    return made(
        outcome,
        summary,
        measure,
        at_most=at_most,
        at_least=at_least,
        findings=findings,
        findings_total=findings_total,
        next_step=next_step,
        details=details,
        reason=reason,
    )


def judge_count(
    count: float,
    *,
    name: str,
    summary: str,
    looked_at: int,
    unit: str = "rows",
    at_most: float | None = None,
    at_least: float | None = None,
    minimum: int = 1,
    findings: Sequence[Finding] = (),
    findings_total: int | None = None,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judges a number that was counted in full: no sampling, so its interval is the number itself.

    `looked_at` is how many units the count went over; below `minimum` of them there is no `pass`.

    Raises:
        Refused: no threshold.
    """
    must_have_threshold(at_most, at_least)
    measure = Measure(
        name=name,
        value=count,
        low=count,
        high=count,
        unit=unit,
        n=looked_at,
        smallest_visible=0.0 if looked_at else 1.0,
    )
    outcome, reason = against(count, count, at_most=at_most, at_least=at_least), ""
    if outcome is Outcome.PASS and looked_at < max(1, minimum):
        outcome, reason = Outcome.UNSURE, too_few(looked_at, max(1, minimum))
    return made(
        outcome,
        summary,
        measure,
        at_most=at_most,
        at_least=at_least,
        findings=findings,
        findings_total=findings_total,
        next_step=next_step,
        details=details,
        reason=reason,
    )


def judge_interval(
    measure: Measure,
    *,
    summary: str,
    at_most: float | None = None,
    at_least: float | None = None,
    minimum: int = 1,
    findings: Sequence[Finding] = (),
    findings_total: int | None = None,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
    counted: str = "",
    beyond: bool = False,
) -> Verdict:
    """Judges any measure that has an interval, such as a resampled diversity or an agreement.

    `minimum` is the number of units below which there is no `pass`, whatever the interval says; `counted`: what they
    are, in words. `beyond`: what must be at least something must be more than that, such as chance.

    Raises:
        Refused: no threshold, or an interval that is no interval.
    """
    must_have_threshold(at_most, at_least)
    if not measure.low <= measure.high:
        raise Refused("an interval must run from low to high", found=f"{measure.low} to {measure.high}")
    outcome, reason = against(measure.low, measure.high, at_most=at_most, at_least=at_least), ""
    if beyond and outcome is Outcome.PASS and at_least is not None and measure.low <= at_least:
        outcome = Outcome.UNSURE if measure.high > at_least else Outcome.FAIL
    if measure.n < max(1, minimum) and outcome is Outcome.PASS:
        outcome, reason = Outcome.UNSURE, too_few(measure.n, max(1, minimum))
    elif outcome is Outcome.UNSURE:
        reason = _interval_doubt(measure, at_most, at_least, counted)
    return made(
        outcome,
        summary,
        measure,
        at_most=at_most,
        at_least=at_least,
        findings=findings,
        findings_total=findings_total,
        next_step=next_step,
        details=details,
        reason=reason,
    )


def cannot_tell(*, summary: str, reason: str, next_step: str = "", details: Mapping[str, Any] | None = None) -> Verdict:
    """The verdict where evidence is missing, expired or about something else: `unsure`, and why."""
    return made(Outcome.UNSURE, summary, None, next_step=next_step, details=details, reason=reason)


def _share_measure(
    hits: int, of: int, name: str, at_most: float | None, at_least: float | None, level: float
) -> Measure:
    interval = share_interval(hits, of, level)
    if at_most is not None:
        visible = smallest_visible_share(of, at_most, level=level)
    else:
        visible = 1 - smallest_visible_share(of, 1 - (at_least or 0.0), level=level)
    return Measure(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        unit="share",
        n=of,
        smallest_visible=visible,
        level=level,
    )


def _share_doubt(hits: int, of: int, at_most: float | None, at_least: float | None, level: float) -> str:
    interval = share_interval(hits, of, level)
    word, limit = _crossed(interval.high, at_most, at_least)
    settled = rows_to_settle(hits, of, limit, level=level)
    compatible = f"between {interval.low:.2%} and {interval.high:.2%} is compatible with {of:,} rows"
    span = f"{compatible}, wanted {word} {limit:.2%}"
    if settled is None:
        return f"{span}; at this share no number of rows will tell"
    return f"{span}; needs about {max(1, settled - of):,} more rows"


def _crossed(high: float, at_most: float | None, at_least: float | None) -> tuple[str, float]:
    # The threshold that the interval lies across, with the word for it.
    if at_most is not None and high > at_most:
        return "at most", at_most
    return "at least", at_least or 0.0


def _interval_doubt(measure: Measure, at_most: float | None, at_least: float | None, counted: str) -> str:
    over = at_most is not None and measure.high > at_most
    under = at_least is not None and measure.low < at_least
    limits = [("at most", float(at_most or 0.0))] * over + [("at least", float(at_least or 0.0))] * under
    word, limit = min(limits, key=lambda one: abs(measure.value - one[1]))
    span = (
        f"between {measure.low:.4g} and {measure.high:.4g} is compatible with {measure.n:,}, wanted {word} {limit:.4g}"
    )
    distance = abs(measure.value - limit)
    if distance == 0 or measure.n == 0:
        return f"{span}; at this value no number of rows will tell"
    # Intervals shrink with the square root of n.
    reach = (measure.high - measure.value) if measure.value < limit else (measure.value - measure.low)
    needed = math.ceil(measure.n * (reach / distance) ** 2)
    if needed > FAR * measure.n:
        return f"{span}; it lies so near to {limit:.4g} that {FAR} times as many {counted or 'rows'} would not tell"
    return f"{span}; needs about {max(1, needed - measure.n):,} more" + f" {counted}" * bool(counted)
