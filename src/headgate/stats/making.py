"""Putting a verdict together: the outcome of an interval against a threshold, and the record of it.

Used by the judges of this room and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.errors import Refused
from headgate.stats.verdict import Finding, Findings, Level, Measure, Outcome, Verdict


def against(low: float, high: float, *, at_most: float | None, at_least: float | None) -> Outcome:
    """Fail when the whole interval is on the wrong side, pass when it is all on the right side, else unsure."""
    # Both ends are numbers here; anything else would compare false and so never pass.
    if (at_most is not None and low > at_most) or (at_least is not None and high < at_least):
        return Outcome.FAIL
    below = at_most is None or high <= at_most
    above = at_least is None or low >= at_least
    return Outcome.PASS if below and above else Outcome.UNSURE


def too_few(have: int, minimum: int) -> str:
    """The reason of a doubt that comes from too little data."""
    return f"{have:,} looked at, at least {minimum:,} are needed; needs {minimum - have:,} more"


def must_have_threshold(at_most: float | None, at_least: float | None) -> None:
    """Stops a judge that was given nothing to judge by.

    Raises:
        Refused: neither threshold was given.
    """
    if at_most is None and at_least is None:
        raise Refused("a verdict needs a threshold", wanted="at_most or at_least")


def made(
    outcome: Outcome,
    summary: str,
    measure: Measure | None,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    findings: Sequence[Finding] = (),
    findings_total: int | None = None,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Verdict:
    """A verdict without a name, at the level that blocks."""
    limits = {"at_most": at_most, "at_least": at_least}
    return Verdict(
        rule="",
        code="",
        failure="",
        outcome=outcome,
        level=Level.BLOCK,
        summary=summary,
        measure=measure,
        threshold={word: float(limit) for word, limit in limits.items() if limit is not None},
        findings=findings if isinstance(findings, Findings) else tuple(findings),
        findings_total=len(findings) if findings_total is None else findings_total,
        next_step=next_step,
        reason=reason,
        details=dict(details or {}),
    )
