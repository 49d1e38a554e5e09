"""What the candidate must have shown: better than the references, and not worse where it may not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headgate.gate.evidence import (
    COMPARED,
    OVER,
    Evidence,
    compared,
    comparison_of,
    is_coarse,
    no_comparison,
    suites_of,
)
from headgate.gate.judged import judged_claims
from headgate.gate.settings import Settings
from headgate.stats.judging import cannot_tell, corrected, judge_difference
from headgate.stats.paired import PairedComparison
from headgate.stats.power import ALPHA
from headgate.stats.verdict import Outcome, Verdict

WORST_DROP = "worst-drop"
REGRESSION = "continuous-contamination"


def judge_claims(evidence: Evidence | None, settings: Settings) -> list[Verdict]:
    """One verdict for each claim that the settings ask for, corrected for their number."""
    suites = settings.suites or [name for name in suites_of(evidence) if name not in settings.worst_drop]
    verdicts = []
    if settings.compare and not suites and not settings.worst_drop:
        verdicts.append(no_comparison("every suite", " and ".join(settings.compare), {}))
    for suite in suites:
        for reference in settings.compare:
            verdicts += _better(evidence, suite, reference, settings.smallest_gain)
    judged = judged_claims(evidence, settings)
    named = {verdict.details.get("suite") for verdict in judged}
    for suite, drop in settings.worst_drop.items():
        if suite not in named:
            verdicts.append(_not_worse(evidence, suite, drop))
    verdicts += judged
    return corrected(verdicts) if settings.correction == "holm" else verdicts


def _better(evidence: Evidence | None, suite: str, reference: str, gain: float) -> list[Verdict]:
    """The claim on the pool that decides; a plain failure on another pool speaks too."""
    verdicts = compared(evidence, suite, reference)
    if not verdicts:
        return [no_comparison(suite, reference, {"suite": suite, "reference": reference})]
    first, *others = verdicts
    return [_claim(first, gain), *(one for one in others if one.outcome is Outcome.FAIL)]


def _claim(verdict: Verdict, gain: float) -> Verdict:
    """A recorded claim with the numbers that a correction needs, judged again where a gain is asked for."""
    comparison = comparison_of(verdict)
    if comparison is None:
        return _in_a_word(verdict, gain)
    if gain > 0:
        about = {**_about(verdict), "recorded": verdict.outcome.value}
        again = judge_difference(
            comparison, kind="superiority", margin=gain, name="accuracy gained", details=about, next_step=MORE_ITEMS
        )
        summary = f"{_title(verdict)} by {gain * 100:g} points: {again.summary}"
        return replace(again, rule=verdict.rule, failure=verdict.failure or COMPARED, summary=summary)
    if not is_coarse(verdict):
        return verdict
    # A sealed pool says no more than "5 % or less"; its interval may say that it is less.
    p = min(ALPHA, comparison.p) if verdict.outcome is Outcome.PASS else 1.0
    numbers = comparison.as_json() | {"kind": "superiority", "margin": 0.0, "alpha": ALPHA, "p_claim": p}
    return replace(verdict, details={**verdict.details, "comparison": numbers})


def _in_a_word(verdict: Verdict, gain: float) -> Verdict:
    """A claim of which only the outcome is known: a pass counts by the class of its p and shows no size of a gain."""
    p = verdict.details.get("p_at_most")
    if verdict.outcome is not Outcome.PASS or p is None:
        return verdict  # it could not be told, and says why
    if gain > 0:
        return _no_size(verdict, f"whether it gained {gain * 100:g} points is not told")
    return replace(verdict, details={**verdict.details, "comparison": {"p_claim": p, "kind": "superiority"}})


def _no_size(verdict: Verdict, what: str) -> Verdict:
    told = cannot_tell(
        summary=f"{_title(verdict)}: {what}", reason="the sealed pool answers with a word",
        next_step='evaluate.sealed-answer = "interval", which gives away more of it', details=verdict.details,
    )  # fmt: skip
    return replace(told, rule=verdict.rule, failure=verdict.failure or COMPARED)


def _not_worse(evidence: Evidence | None, suite: str, drop: float) -> Verdict:
    verdicts = compared(evidence, suite, "base")
    details = {"suite": suite, "reference": "base", "worst_drop": drop}
    if not verdicts:
        return no_comparison(suite, "base", details)
    comparison = comparison_of(verdicts[0])
    if comparison is None and verdicts[0].outcome is Outcome.FAIL:
        return replace(_no_size(verdicts[0], f"lost, and whether {drop * 100:g} points is not told"), rule=WORST_DROP)
    if comparison is None:
        return replace(verdicts[0], rule=WORST_DROP, failure=REGRESSION)
    return _within(verdicts[0], comparison, drop)


def _within(verdict: Verdict, comparison: PairedComparison, drop: float) -> Verdict:
    about = {**_about(verdict), "worst_drop": drop}
    again = judge_difference(
        comparison, kind="non-inferiority", margin=drop, name="accuracy gained", details=about, next_step=MORE_ITEMS
    )
    summary = f"{verdict.details['suite']}, {verdict.details['pool']}: {again.summary}"
    return replace(again, rule=WORST_DROP, failure=REGRESSION, summary=summary)


MORE_ITEMS = "add items to the suite, then: headgate evaluate"


def _about(verdict: Verdict) -> Mapping[str, Any]:
    return {key: verdict.details[key] for key in ("suite", "pool", "reference", "candidate") if key in verdict.details}


def _title(verdict: Verdict) -> str:
    return f"{verdict.details['suite']}, {verdict.details['pool']}: candidate over {verdict.rule.removeprefix(OVER)}"
