"""How much of a gain is left: (candidate - base) / (single - base) on shared items, with an interval.

Numerator and denominator are means over the same items, so their ratio has Fieller's interval (1954): all
ratios r for which mean(candidate - base - r * (single - base)) cannot be told from 0. Where the denominator
cannot be told from 0 there was no gain to keep, and no ratio.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import cluster_numbers, clustered_se, finite_vector
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.power import smallest_visible_share, zero_failures_bound
from headgate.stats.quantiles import t_two_sided
from headgate.stats.verdict import Measure, Verdict

MINIMUM_ITEMS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is left of a gain. `low` and `high` are infinite where any ratio fits the items."""

    value: float
    low: float
    high: float
    gain: float  # mean of single - base
    gain_low: float  # lower end of its interval
    n: int  # independent items
    level: float = 0.95

    @property
    def gained(self) -> bool:
        """Whether there was a gain to keep."""
        return self.gain_low > 0

    @property
    def like_base(self) -> bool:
        """Whether nothing of the gain may be left."""
        return self.gained and self.low <= 0

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON; infinite ends are null."""
        ends = {
            name: value if math.isfinite(value) else None for name, value in (("low", self.low), ("high", self.high))
        }
        return {"value": self.value, **ends, "gain": self.gain, "n": self.n, "like_base": self.like_base}


def retention(
    base: ArrayLike, single: ArrayLike, candidate: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95
) -> Retention:
    """What a candidate keeps of what a single adapter gains over the base; scores lie between 0 and 1.

    Raises:
        Refused: scores differ in number, or there are fewer than two independent items.
    """
    b, s, c = (finite_vector(one, "scores") for one in (base, single, candidate))
    if not len(b) == len(s) == len(c):
        raise Refused("all must be scored on the same items", found=f"{len(b)}, {len(s)} and {len(c)} scores")
    numbers, count = cluster_numbers(clusters, len(b))
    if count < 2:
        raise Refused("a retention needs at least two independent items", found=str(count))
    top, bottom = c - b, s - b
    t = t_two_sided(level, count - 1)
    gain = float(bottom.mean())
    gain_low = gain - t * clustered_se(bottom - gain, numbers, count)
    if gain == 0:
        return Retention(value=0.0, low=-math.inf, high=math.inf, gain=0.0, gain_low=gain_low, n=count, level=level)
    value = float(top.mean()) / gain
    low, high = _fieller(top, bottom, numbers, count, t)
    # Items that all agree show no spread; as few as there are, some of those not seen may differ.
    unseen = zero_failures_bound(count, level=level) / abs(gain)
    return Retention(
        value=value, low=min(low, value - unseen), high=max(high, value), gain=gain, gain_low=gain_low, n=count,
        level=level,
    )  # fmt: skip


def judge_retention(
    found: Retention, *, at_least: float, name: str, summary: str, details: Mapping[str, Any] | None = None,
    next_step: str = "",
) -> Verdict:  # fmt: skip
    """Judges that at least so much of a gain is left.

    A single adapter whose gain cannot be told from nothing gives no verdict: there is nothing to keep.
    """
    told = {"retention": found.as_json(), **(details or {})}
    if not found.gained:
        return cannot_tell(
            summary=summary,
            reason=f"the single adapter gains {found.gain:+.1%}, which {found.n:,} items cannot tell from nothing",
            next_step="more items of this skill",
            details=told,
        )
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return cannot_tell(
            summary=summary, reason=f"any retention fits {found.n:,} items", next_step="more items", details=told
        )
    measure = Measure(
        name=name, value=found.value, low=found.low, high=found.high, unit="share of the gain", n=found.n,
        smallest_visible=min(1.0, smallest_visible_share(found.n) / found.gain), level=found.level,
    )  # fmt: skip
    return judge_interval(
        measure, summary=summary, at_least=at_least, minimum=MINIMUM_ITEMS, details=told, next_step=next_step
    )


def _fieller(top: Any, bottom: Any, numbers: Any, count: int, t: float) -> tuple[float, float]:
    """Roots in r of (mean(top) - r mean(bottom))^2 = t^2 Var(mean(top - r bottom))."""
    a, b = float(top.mean()), float(bottom.mean())
    sums = [np.bincount(numbers, weights=one - mean, minlength=count) for one, mean in ((top, a), (bottom, b))]
    scale = count / (count - 1) / len(top) ** 2
    vaa, vab, vbb = (scale * float(x @ y) for x, y in ((sums[0], sums[0]), (sums[0], sums[1]), (sums[1], sums[1])))
    square, linear, constant = b * b - t * t * vbb, a * b - t * t * vab, a * a - t * t * vaa
    inner = linear * linear - square * constant
    if square <= 0 or inner < 0:
        return -math.inf, math.inf
    root = math.sqrt(inner)
    return (linear - root) / square, (linear + root) / square
