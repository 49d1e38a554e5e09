"""Claims about a paired difference: superiority, non-inferiority, equivalence.

Superiority passes on the two-sided 95 % interval and the exact test together. Non-inferiority and
equivalence are one-sided claims at 5 % each, so they are read off the 90 % interval (two one-sided
tests). Only a passed non-inferiority may be worded "no regression beyond the margin".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.stats.making import made, too_few
from headgate.stats.multiplicity import holm
from headgate.stats.paired import PairedComparison
from headgate.stats.power import ALPHA, POWER, items_needed, z_sum, zero_failures_bound
from headgate.stats.quantiles import normal_below, z_of
from headgate.stats.verdict import Finding, Measure, Outcome, Verdict

Kind = Literal["superiority", "non-inferiority", "equivalence"]
KINDS: tuple[Kind, ...] = ("superiority", "non-inferiority", "equivalence")
MINIMUM_UNITS = 10  # independent items or clusters; below, no claim about a difference passes


def judge_difference(
    comparison: PairedComparison,
    *,
    kind: Kind,
    margin: float = 0.0,
    name: str = "difference",
    summary: str = "",
    alpha: float = ALPHA,
    minimum: int = MINIMUM_UNITS,
    findings: Sequence[Finding] = (),
    findings_total: int | None = None,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judges a claim about candidate minus reference, in shares of the full score.

    Superiority: the difference is above `margin`. Non-inferiority: it is above -margin. Equivalence: it
    is within the margin on both sides. The verdict's details hold every number of the comparison and
    `p_claim`, which a decision over several claims corrects.

    Raises:
        Refused: an unknown kind, a negative margin, or an equivalence without a margin.
    """
    must_be_claim(kind, margin)
    level = 1 - alpha if kind == "superiority" else 1 - 2 * alpha
    low, high = comparison.interval(level)
    p = p_of_claim(comparison, kind, margin)
    outcome = _outcome(kind, low, high, margin)
    if outcome is Outcome.PASS and p > alpha:
        outcome = Outcome.UNSURE
    reason = ""
    if outcome is Outcome.PASS and comparison.clusters < minimum:
        outcome, reason = Outcome.UNSURE, too_few(comparison.clusters, minimum)
    elif outcome is Outcome.UNSURE:
        reason = doubt_about(comparison, kind, margin, low, high, alpha)
    measure = Measure(
        name=name, value=comparison.d, low=low, high=high, unit="share", n=comparison.clusters,
        smallest_visible=visible_effect(comparison, kind, alpha), level=level,
    )  # fmt: skip
    numbers: dict[str, Any] = {
        "comparison": comparison.as_json() | {"kind": kind, "margin": margin, "alpha": alpha, "p_claim": p},
        "power": power_of(comparison, kind, margin, alpha=alpha),
    }
    return made(
        outcome,
        summary or _sentence(kind, margin, outcome, comparison.d, low, high),
        measure,
        at_least=margin if kind == "superiority" else -margin,
        at_most=margin if kind == "equivalence" else None,
        findings=findings,
        findings_total=findings_total,
        next_step=next_step,
        details=numbers | dict(details or {}),
        reason=reason,
    )


def corrected(verdicts: Sequence[Verdict], alpha: float = ALPHA) -> list[Verdict]:
    """The same verdicts after Holm's correction over all claims that are decided together.

    A claim that passed alone and not in company becomes `unsure`, with the items that would carry it.
    Verdicts without `p_claim` in their details are no claims and stay as they are.
    """
    numbers = [_numbers(verdict) for verdict in verdicts]
    claims = [one["p_claim"] for one in numbers if one]
    adjusted = iter(holm(claims))
    out = []
    for verdict, one in zip(verdicts, numbers, strict=True):
        p = next(adjusted) if one else 0.0
        if one:
            verdict = replace(verdict, details={**verdict.details, "p_holm": p, "claims": len(claims)})
        if one and verdict.outcome is Outcome.PASS and p > alpha:
            verdict = replace(verdict, outcome=Outcome.UNSURE, reason=_in_company(one, p, len(claims), alpha))
        out.append(verdict)
    return out


def _numbers(verdict: Verdict) -> Mapping[str, Any]:
    found = verdict.details.get("comparison", {})
    return found if isinstance(found, Mapping) and "p_claim" in found else {}


def _in_company(one: Mapping[str, Any], p: float, claims: int, alpha: float) -> str:
    if "d" not in one:  # a claim of which no more than a class of p is known
        return f"p up to {one['p_claim']:.3g} is up to {p:.3g} after correction for {claims} claims"
    comparison = PairedComparison.from_json(one)
    sides = 2 if one["kind"] == "superiority" else 1
    room = comparison.d - one["margin"] if sides == 2 else one["margin"] + comparison.d
    needed = items_needed(max(room, 1e-6), comparison.variance, alpha=alpha / claims, sides=sides)
    more = _more(needed, comparison.n)
    return f"p {one['p_claim']:.3g} is {p:.3g} after correction for {claims} claims; {more} at the present difference"


def p_of_claim(comparison: PairedComparison, kind: Kind, margin: float) -> float:
    """p-value against the claim: two-sided for superiority, one-sided for the others."""
    if kind == "superiority":
        if comparison.d <= margin:
            return 1.0
        return comparison.p if margin == 0 else min(1.0, 2 * comparison.p_above(margin))
    above = comparison.p_above(-margin)
    return above if kind == "non-inferiority" else max(above, comparison.p_below(margin))


def must_be_claim(kind: str, margin: float) -> None:
    """Refuses a claim that no data can show."""
    if kind not in KINDS:
        raise Refused("an unknown claim about a difference", found=repr(kind), wanted=", ".join(KINDS))
    if not 0 <= margin <= 1:
        raise Refused("a margin is a share of the full score", found=str(margin), wanted="0 to 1")
    if kind == "equivalence" and margin == 0:
        raise Refused("no data show that two systems are exactly equal", wanted="a margin above zero")


def _outcome(kind: Kind, low: float, high: float, margin: float) -> Outcome:
    if kind == "equivalence":
        if low > margin or high < -margin:
            return Outcome.FAIL
        return Outcome.PASS if low > -margin and high < margin else Outcome.UNSURE
    bound = margin if kind == "superiority" else -margin
    if high < bound:
        return Outcome.FAIL
    return Outcome.PASS if low > bound else Outcome.UNSURE


def visible_effect(comparison: PairedComparison, kind: Kind, alpha: float) -> float:
    """The smallest difference that the claim would show with 80 % power."""
    sides = 2 if kind == "superiority" else 1
    return comparison.smallest_visible * z_sum(alpha=alpha, sides=sides) / z_sum()


GAIN = 0.05  # true gain at which the power of a claim of superiority is told


def power_of(comparison: PairedComparison, kind: Kind, margin: float, *, alpha: float = ALPHA) -> dict[str, Any]:
    """What these items can show, whatever they showed: power, and the items that 80 % of it take.

    Of superiority the power is that at a true gain of `GAIN` beyond the margin, of the others that of two systems that
    are truly equal; a margin of zero shows nothing of equals. It is never the power at the observed difference, which
    says no more than the p-value.
    """
    n, sides = comparison.n, 2 if kind == "superiority" else 1
    # Where no item differs, as many may differ as zero observations allow.
    variance = comparison.variance or zero_failures_bound(comparison.clusters) * n / comparison.clusters
    room = GAIN if kind == "superiority" else margin
    told: dict[str, Any] = {"items": n, "visible": visible_effect(comparison, kind, alpha)}
    if room <= 0:
        return told
    z = room / (variance / n) ** 0.5 - z_of(1 - alpha / sides)
    share = 2 * normal_below(z) - 1 if kind == "equivalence" else normal_below(z)
    wanted = 0.5 + POWER / 2 if kind == "equivalence" else POWER
    needed = items_needed(room, variance, alpha=alpha, power=wanted, sides=sides)
    true = margin + GAIN if kind == "superiority" else 0.0
    return told | {"power": max(0.0, share), "if_true": true, "items_needed": needed, "items_more": max(0, needed - n)}


def power_words(power: Mapping[str, Any]) -> str:
    """The same as a clause: what the items show 80 times in 100, and how many more a claim takes."""
    text = f"{power['items']:,} items show {power['visible'] * 100:.1f} points 80 times in 100"
    if "power" not in power:
        return text
    of = f"a gain of {power['if_true'] * 100:g} points" if power["if_true"] else "two that are equal"
    more = f"; {power['items_more']:,} more are needed for 80" if power["items_more"] else ""
    return f"{text}, and the claim of {of} {power['power'] * 100:.0f} times{more}"


def doubt_about(comparison: PairedComparison, kind: Kind, margin: float, low: float, high: float, alpha: float) -> str:
    """Why the claim can neither be held nor rejected, and how many items would tell."""
    n, d = comparison.n, comparison.d
    span = f"a difference between {low * 100:+.1f} and {high * 100:+.1f} points is compatible with {n:,} items"
    # Where no item differs, as many may differ as zero observations allow.
    variance = comparison.variance or zero_failures_bound(comparison.clusters) * n / comparison.clusters
    if kind == "superiority":
        if d <= margin:
            return f"{span}; at the present difference no number of items will show that it is better"
        needed = items_needed(d - margin, variance, alpha=alpha)
        return f"{span}; {_more(needed, n)} at the present difference"
    if margin > 0:
        needed = items_needed(margin, variance, alpha=alpha, sides=1)
        if needed > n:
            return f"{span}; {_more(needed, n)} if the two are truly equal"
    room = margin - abs(d) if kind == "equivalence" else margin + d
    if room <= 0:
        return f"{span}; at the present difference no number of items will show that it stays within the margin"
    return f"{span}; {_more(items_needed(room, variance, alpha=alpha, sides=1), n)} at the present difference"


def _more(needed: int, have: int) -> str:
    # The present items may already be as many as the formula asks for: chance decides one time in five.
    needed = max(needed, have + 1)
    return f"needs about {needed:,} items in all, {needed - have:,} more,"


def _sentence(kind: Kind, margin: float, outcome: Outcome, d: float, low: float, high: float) -> str:
    numbers = f"{d * 100:+.1f} points, interval {low * 100:+.1f} to {high * 100:+.1f}"
    beyond = f"{margin * 100:g} points"
    said = {
        ("superiority", Outcome.PASS): "better" if margin == 0 else f"better by more than {beyond}",
        ("superiority", Outcome.FAIL): "not better" if margin == 0 else f"not better by {beyond}",
        ("non-inferiority", Outcome.PASS): f"no regression beyond {beyond}",
        ("non-inferiority", Outcome.FAIL): f"worse by more than {beyond}",
        ("equivalence", Outcome.PASS): f"equal within {beyond}",
        ("equivalence", Outcome.FAIL): f"different by more than {beyond}",
    }
    return f"{said.get((kind, outcome), 'undecided')}: {numbers}"
