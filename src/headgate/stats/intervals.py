"""Intervals of one system: a share, a mean, a mean over clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused
from headgate.stats.quantiles import beta_quantile, t_two_sided, z_two_sided

Floats = NDArray[np.float64]
NOTHING = 1e-12  # a standard error that is none but for rounding


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the range that is compatible with the data."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean with its standard error, which counts clusters and not items where items come in clusters."""

    value: float
    se: float
    low: float
    high: float
    n: int
    clusters: int
    design_effect: float  # (clustered SE / naive SE)^2; 1 where items are independent


def wilson(k: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of k hits in n (Wilson 1927); with n = 0 it is the whole range.

    Raises:
        Refused: k is not within 0 and n.
    """
    _must_be_share(k, n)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    z = z_two_sided(level)
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The closed form misses the ends of the range by rounding errors.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(share, low, high)


def share_interval(k: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's interval, with the exact one-sided bound where no item or every item is a hit.

    There one end is certain, so all of the error belongs to the other end: with no hit in n the
    upper end is 1 - (1 - level)^(1/n), about 3/n at 95 %.
    """
    plain = wilson(k, n, level)
    if n == 0 or 0 < k < n:
        return plain
    bound = 1 - (1 - level) ** (1 / n)
    return Interval(0.0, 0.0, bound) if k == 0 else Interval(1.0, 1 - bound, 1.0)


def clopper_pearson(k: int, n: int, level: float = 0.95) -> Interval:
    """The exact interval of a share (Clopper and Pearson 1934): never too narrow, often too wide.

    Raises:
        Refused: k is not within 0 and n.
    """
    _must_be_share(k, n)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else beta_quantile(k, n - k + 1, tail)
    high = 1.0 if k == n else beta_quantile(k + 1, n - k, 1 - tail)
    return Interval(k / n, low, high)


def beta_interval(k: float, n: float, level: float = 0.95, *, prior: tuple[float, float] = (1.0, 1.0)) -> Interval:
    """Posterior mean and central interval of a share of k hits in n, with a beta prior; (1, 1) is even over 0..1.

    For a handful of items, where intervals that rest on the central limit are too narrow.

    Raises:
        Refused: k is not within 0 and n, or a prior that is not above zero.
    """
    _must_be_share(k, n)
    if min(prior) <= 0:
        raise Refused("a beta prior has two numbers above zero", found=str(prior))
    a, b, tail = k + prior[0], n - k + prior[1], (1 - level) / 2
    return Interval(a / (a + b), beta_quantile(a, b, tail), beta_quantile(a, b, 1 - tail))


def mean_interval(values: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95) -> MeanEstimate:
    """Mean of scores with a t interval on C - 1 degrees of freedom.

    SE^2 = C/(C-1) * sum over clusters of (sum within a cluster of (y - mean))^2 / n^2; with each item
    a cluster of its own this is the usual s / sqrt(n).

    Raises:
        Refused: fewer than two clusters, or values that are no finite numbers.
    """
    scores = finite_vector(values, "scores")
    numbers, count = cluster_numbers(clusters, len(scores))
    if count < 2:
        raise Refused("a mean needs at least two independent items", found=f"{count}", wanted="2 or more")
    mean = float(scores.mean())
    se = clustered_se(scores - mean, numbers, count)
    naive = float(scores.std(ddof=1)) / math.sqrt(len(scores))
    half = t_two_sided(level, count - 1) * se
    return MeanEstimate(
        value=mean,
        se=se,
        low=mean - half,
        high=mean + half,
        n=len(scores),
        clusters=count,
        design_effect=(se / naive) ** 2 if naive > 0 else 1.0,
    )


def bounded_mean(
    values: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    least: float = 0.0,
    most: float = 1.0,
) -> MeanEstimate:
    """`mean_interval` of scores that lie between two ends; ends of the interval stay within them.

    Where all scores are alike the t interval has no width, which n items do not show: as many of the clusters may be
    otherwise as no hit in so many allows, 1 - (1 - level)^(1/C), and those may lie at either end.

    Raises:
        Refused: fewer than two clusters, or a score that is no finite number.
    """
    found = mean_interval(values, clusters=clusters, level=level)
    room = 1 - (1 - level) ** (1 / found.clusters) if found.se < NOTHING else 0.0
    low = max(least, found.low - room * (found.value - least))
    return replace(found, low=low, high=min(most, found.high + room * (most - found.value)))


def clustered_se(residuals: Floats, numbers: NDArray[np.intp], count: int) -> float:
    """Cluster-robust standard error of a mean, from residuals and the cluster number of each item."""
    sums = np.bincount(numbers, weights=residuals, minlength=count)
    return math.sqrt(count / (count - 1) * float(sums @ sums)) / len(residuals)


def cluster_numbers(clusters: ArrayLike | None, n: int) -> tuple[NDArray[np.intp], int]:
    """A dense number per item and the number of clusters; without clusters each item is its own.

    Raises:
        Refused: not one cluster label per item.
    """
    if clusters is None:
        return np.arange(n), n
    labels: NDArray[Any] = np.asarray(clusters)
    if labels.shape != (n,):
        raise Refused("one cluster label per item is needed", found=f"{labels.size} labels", wanted=f"{n}")
    names, numbers = np.unique(labels, return_inverse=True)
    return numbers, len(names)


def finite_vector(values: ArrayLike, name: str) -> Floats:
    """Numbers as a flat array.

    Raises:
        Refused: not one-dimensional, empty, or not all finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise Refused(f"{name} must be a list of numbers", found=f"shape {array.shape}", wanted="one number per item")
    if not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array))[0])
        raise Refused(f"{name} must be finite", found=f"{array[bad]} at position {bad}", wanted="a number per item")
    return array


def _must_be_share(k: float, n: float) -> None:
    if not 0 <= k <= n:
        raise Refused("hits must lie between zero and the number of items", found=f"{k} of {n}")
