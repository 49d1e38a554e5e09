"""A claim about every slice at once: none of them lost more than a margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.kit.errors import Refused
from headgate.stats.claims import doubt_about, must_be_claim, visible_effect
from headgate.stats.making import made
from headgate.stats.multiplicity import holm
from headgate.stats.paired import PairedComparison
from headgate.stats.power import ALPHA
from headgate.stats.verdict import Measure, Outcome, Verdict


def judge_slices(
    comparisons: Mapping[str, PairedComparison],
    *,
    margin: float,
    name: str = "worst slice",
    summary: str = "",
    alpha: float = ALPHA,
    next_step: str = "",
    details: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judges that no slice lost more than `margin`, candidate minus reference.

    Passes where every slice alone shows it (an intersection-union test needs no correction); fails where some slice
    shows a larger loss after Holm's correction over all slices. The measure is that of the slice with the lowest
    interval.

    Raises:
        Refused: no slices, or a margin outside 0 to 1.
    """
    if not comparisons:
        raise Refused("no slices to judge")
    must_be_claim("non-inferiority", margin)
    names = list(comparisons)
    lost = dict(zip(names, holm([comparisons[one].p_below(-margin) for one in names]), strict=True))
    held = {one: comparisons[one].p_above(-margin) for one in names}
    worst = min(names, key=lambda one: (comparisons[one].interval(1 - 2 * alpha)[0], one))
    failed = [one for one in names if lost[one] <= alpha]
    outcome, reason = Outcome.PASS, ""
    if failed:
        outcome, worst = Outcome.FAIL, min(failed, key=lambda one: comparisons[one].d)
    elif max(held.values()) > alpha:
        outcome = Outcome.UNSURE
        found = comparisons[worst]
        low, high = found.interval(1 - 2 * alpha)
        reason = f"{worst}: " + doubt_about(found, "non-inferiority", margin, low, high, alpha)
    found = comparisons[worst]
    low, high = found.interval(1 - 2 * alpha)
    measure = Measure(
        name=f"{name}, {worst}",
        value=found.d,
        low=low,
        high=high,
        unit="share",
        n=found.clusters,
        smallest_visible=visible_effect(found, "non-inferiority", alpha),
        level=1 - 2 * alpha,
    )
    said = f"{worst} {found.d * 100:+.1f} points on {found.n:,} items, the worst of {len(names):,} slices"
    return made(
        outcome,
        f"{summary}{said}",
        measure,
        at_least=-margin,
        next_step=next_step,
        details={**(details or {}), "slices": _shown(comparisons, lost, alpha)},
        reason=reason,
    )


def _shown(
    comparisons: Mapping[str, PairedComparison], lost: Mapping[str, float], alpha: float
) -> list[dict[str, Any]]:
    """Every slice, the largest loss first."""
    out = []
    for name, one in sorted(comparisons.items(), key=lambda pair: pair[1].d):
        low, high = one.interval(1 - 2 * alpha)
        means = {"reference": one.reference, "candidate": one.candidate}
        out.append(
            {"slice": name, "items": one.n, **means, "d": one.d, "low": low, "high": high, "p_lost_holm": lost[name]}
        )
    return out
