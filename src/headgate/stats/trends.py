"""Trends over versions: slow drift that no comparison of two neighbours can see.

Scores form a table of versions by items, the same items in each version. The slope is fitted for each
item and averaged, so that items (or their clusters) are the independent units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, MeanEstimate, mean_interval
from headgate.stats.quantiles import t_above

RANK_TREND_FROM = 6  # versions; with four the smallest two-sided p-value is 0.083, with five 0.017


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Change of the mean score per version."""

    slope: float  # per version
    se: float
    low: float
    high: float
    p: float  # two-sided, of no slope
    p_falling: float  # one-sided, of no fall
    total: float  # slope times the number of steps: the change from first to last
    versions: int
    n: int  # items
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The step between two versions at which the level changed most."""

    after: int  # number of versions before the step
    change: float  # mean after minus mean before
    p: float  # two-sided, times the number of steps that were tried


def trend_over_versions(scores: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95) -> Trend:
    """Slope of the mean over versions; `scores` has one row per version and one column per item.

    Raises:
        Refused: not a table, fewer than three versions or two items, or values that are no numbers.
    """
    table = _checked(scores)
    times = np.arange(len(table)) - (len(table) - 1) / 2
    found = mean_interval(times @ table / float(times @ times), clusters=clusters, level=level)
    return Trend(
        slope=found.value,
        se=found.se,
        low=found.low,
        high=found.high,
        p=_two_sided(found),
        p_falling=_falling(found),
        total=found.value * (len(table) - 1),
        versions=len(table),
        n=found.n,
        clusters=found.clusters,
    )


def level_shift(scores: ArrayLike, *, clusters: ArrayLike | None = None) -> Shift:
    """The most marked change of level between two groups of neighbouring versions.

    Every step is tried, and the p-value is multiplied by the number of steps.

    Raises:
        Refused: as for `trend_over_versions`.
    """
    table = _checked(scores)
    steps = range(1, len(table))
    found = [mean_interval(table[step:].mean(axis=0) - table[:step].mean(axis=0), clusters=clusters) for step in steps]
    p_values = [_two_sided(estimate) for estimate in found]
    best = int(np.argmin(p_values))
    return Shift(after=best + 1, change=found[best].value, p=min(1.0, p_values[best] * len(p_values)))


def rank_trend(means: ArrayLike) -> float | None:
    """Two-sided p-value of Kendall's rank trend of version means; None below six versions.

    Exact for means without ties, from the number of orders with each count of inversions; ties count
    half and make it slightly conservative.
    """
    values = np.asarray(means, dtype=np.float64)
    n = len(values)
    if n < RANK_TREND_FROM:
        return None
    signs = np.sign(values[None, :] - values[:, None])[np.triu_indices(n, 1)]
    rising = float((signs > 0).sum()) + 0.5 * float((signs == 0).sum())
    orders = np.ones(1)
    for size in range(2, n + 1):
        orders = np.convolve(orders, np.ones(size) / size)
    extreme = math.floor(min(rising, len(signs) - rising) + 0.5)
    return min(1.0, 2 * float(orders[: extreme + 1].sum()))


def _checked(scores: ArrayLike) -> Floats:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 2:
        raise Refused(
            "a trend needs a table of versions by items", found=f"shape {table.shape}", wanted="at least 3 by 2"
        )
    if not np.isfinite(table).all():
        raise Refused("a trend needs every item scored in every version", found="missing scores")
    return table


def _two_sided(found: MeanEstimate) -> float:
    if found.se == 0:
        return 1.0 if found.value == 0 else 0.0
    return min(1.0, 2 * t_above(abs(found.value) / found.se, found.clusters - 1))


def _falling(found: MeanEstimate) -> float:
    if found.se == 0:
        return 0.0 if found.value < 0 else 1.0
    return t_above(-found.value / found.se, found.clusters - 1)
