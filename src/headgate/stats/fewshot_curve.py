"""What a curve over numbers of examples says: where it is flat, and whether more examples do harm.

Rules of thumb such as "the last point is 10 % below the first" fire on flat curves: with 15 items on every second one.
Here the last point is held against the bare prompt on all items, and against the best point on half of them, which was
found on the other half, so that a peak by chance is no peak. Each of the two claims has half of the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.claims import judge_difference
from headgate.stats.intervals import Floats, cluster_numbers, finite_vector
from headgate.stats.paired import compare_paired
from headgate.stats.power import ALPHA
from headgate.stats.verdict import Outcome, Verdict

EFFECT = 0.02  # smallest difference of interest
CLAIMS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Scores of the same items at several numbers of examples."""

    counts: tuple[int, ...]  # ascending
    scores: Floats  # (counts, items), 0..1
    clusters: Any  # (items,): numbers from 0 on

    @property
    def means(self) -> list[float]:
        """Mean score at each number of examples."""
        return [float(one) for one in self.scores.mean(axis=1)]

    def fitted(self) -> list[float]:
        """The means made to rise (isotonic regression), as they are drawn."""
        from scipy.optimize import isotonic_regression

        return [float(one) for one in isotonic_regression(self.scores.mean(axis=1)).x]

    def plateau(self, effect: float = EFFECT) -> int | None:
        """The fewest examples from which on more surely bring less than `effect`; None where that is not settled."""
        for place, count in enumerate(self.counts[:-1]):
            compared = compare_paired(self.scores[place], self.scores[-1], clusters=self.groups())
            if compared.interval(1 - 2 * ALPHA)[1] < effect:
                return count
        return None

    def groups(self) -> Any:
        """Clusters, or None where each item is its own."""
        return self.clusters if len(np.unique(self.clusters)) < len(self.clusters) else None


def curve_of(scores: Mapping[int, ArrayLike], *, clusters: ArrayLike | None = None) -> Curve:
    """A curve from the scores of the same items at each number of examples.

    Raises:
        Refused: fewer than two numbers of examples, or other items at one of them.
    """
    counts = tuple(sorted(scores))
    rows = [finite_vector(scores[count], "scores") for count in counts]
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        raise Refused("a curve needs the same items at two numbers of examples", found=f"{[len(row) for row in rows]}")
    return Curve(counts=counts, scores=np.array(rows), clusters=cluster_numbers(clusters, len(rows[0]))[0])


def judge_curve(curve: Curve, *, effect: float = EFFECT, seed: int = 0) -> Verdict:
    """Whether the most examples do harm: below the bare prompt, or below the best number, by more than `effect`.

    `fail` only where the interval and the exact test of a claim both say so; `pass` where both claims are settled the
    other way; else `unsure`, with the items that would settle it.
    """
    groups = curve.groups()
    rng = np.random.default_rng(seed)
    names = np.unique(curve.clusters)
    first = np.isin(curve.clusters, rng.permutation(names)[: len(names) // 2])
    best = int(np.argmax(curve.scores[:, first].mean(axis=1))) if first.any() else 0
    told: dict[str, Any] = {
        "counts": list(curve.counts), "means": curve.means, "fitted": curve.fitted(),
        "plateau": curve.plateau(effect), "best_on_half": curve.counts[best],
    }  # fmt: skip
    claims = [_held(curve, 0, slice(None), groups, effect)]
    if 0 < best < len(curve.counts) - 1 and (~first).sum() >= 2:
        claims.append(_held(curve, best, ~first, groups, effect))
    order = (Outcome.FAIL, Outcome.UNSURE, Outcome.PASS)
    worst = min(claims, key=lambda one: order.index(one.outcome))
    return replace(worst, details={**worst.details, "curve": told})


def _held(curve: Curve, place: int, chosen: Any, groups: Any, effect: float) -> Verdict:
    """The last point against an earlier one, on some of the items."""
    before, after = curve.scores[place][chosen], curve.scores[-1][chosen]
    compared = compare_paired(before, after, clusters=None if groups is None else groups[chosen])
    alpha = ALPHA / CLAIMS
    title = f"{curve.counts[-1]} examples against {curve.counts[place]}"
    verdict = judge_difference(
        compared, kind="non-inferiority", margin=effect, alpha=alpha, name="accuracy with the most examples"
    )
    if verdict.outcome is Outcome.FAIL and compared.p > 2 * alpha:
        verdict = replace(
            verdict, outcome=Outcome.UNSURE, reason=f"the exact test does not bear it out: {compared.p:.2g}"
        )
    word = {Outcome.FAIL: "more examples do harm", Outcome.PASS: "no harm", Outcome.UNSURE: "not settled"}
    low, high = compared.interval(1 - 2 * alpha)
    said = f"{compared.d * 100:+.1f} points, interval {low * 100:+.1f} to {high * 100:+.1f}, {compared.n:,} items"
    return replace(verdict, summary=f"{title}: {word[verdict.outcome]}, {said}")
