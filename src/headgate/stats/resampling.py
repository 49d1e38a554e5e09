"""Tests and intervals by resampling: sign flips, BCa bootstrap, size-matched nulls, the null test.

Every function takes a seed and gives the same answer for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused
from headgate.stats.intervals import Interval, cluster_numbers, finite_vector, share_interval
from headgate.stats.quantiles import normal_below, z_of

DRAWS = 10_000
ENUMERATED_UP_TO = 14  # clusters: all 2^14 sign patterns are tried
CHUNK = 1 << 22  # cells held at once

Statistic = Callable[[NDArray[np.intp]], float]  # item numbers of a resample -> metric


def sign_flip(sums: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p-value of no difference, flipping the sign of each cluster's sum of differences.

    All sign patterns are tried where there are few; otherwise `draws` random ones, with the observed
    pattern counted as one of them.

    Raises:
        Refused: the sums are empty or not finite.
    """
    values = finite_vector(sums, "differences")
    values = values[values != 0]  # a zero has no sign to flip
    observed = abs(float(values.sum()))
    edge = observed * (1 - 1e-12)
    if len(values) <= ENUMERATED_UP_TO:
        patterns = (np.arange(1 << len(values))[:, None] >> np.arange(len(values))) & 1
        return float((np.abs((2.0 * patterns - 1) @ values) >= edge).mean())
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK // len(values))
    extreme = done = 0
    while done < draws:
        size = min(rows, draws - done)
        bits = np.unpackbits(rng.integers(0, 256, (size, -(-len(values) // 8)), dtype=np.uint8), axis=1)
        sums_of_flips = (2.0 * bits[:, : len(values)] - 1) @ values
        extreme += int((np.abs(sums_of_flips) >= edge).sum())
        done += size
    return (extreme + 1) / (draws + 1)


def bca(
    statistic: Statistic,
    n: int,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987), resampling whole clusters.

    `statistic` takes item numbers, with repeats, and returns the metric; a paired metric computes both
    systems on the same numbers. For a mean the t interval is narrower where it is right and right more often.

    Raises:
        Refused: fewer than three clusters.
    """
    numbers, count = cluster_numbers(clusters, n)
    if count < 3:
        raise Refused("a bootstrap needs at least three independent items", found=str(count))
    order = np.argsort(numbers, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(numbers, minlength=count))[:-1])
    alone = count == n

    def value(chosen: NDArray[np.intp]) -> float:
        return float(statistic(order[chosen] if alone else np.concatenate([members[i] for i in chosen])))

    everything = np.arange(count)
    observed = value(everything)
    rng = np.random.default_rng(seed)
    resampled = np.array([value(rng.integers(0, count, count)) for _ in range(draws)])
    left_out = np.array([value(np.delete(everything, i)) for i in range(count)])
    low, high = _bca_quantiles(observed, resampled, left_out, level)
    return Interval(observed, low, high)


def _bca_quantiles(
    observed: float, resampled: NDArray[np.float64], left_out: NDArray[np.float64], level: float
) -> tuple[float, float]:
    draws = len(resampled)
    if resampled.min() == resampled.max():
        return float(resampled[0]), float(resampled[0])
    # Ties count half, so that a lumpy metric is not taken for a biased one.
    below = (float((resampled < observed).sum()) + 0.5 * float((resampled == observed).sum())) / draws
    bias = z_of(min(max(below, 0.5 / draws), 1 - 0.5 / draws))
    pulls = left_out.mean() - left_out
    spread = float((pulls**2).sum()) ** 1.5
    acceleration = float((pulls**3).sum()) / (6 * spread) if spread > 0 else 0.0
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        shifted = bias + z_of(tail)
        ends.append(normal_below(bias + shifted / (1 - acceleration * shifted)))
    low, high = np.quantile(resampled, ends)
    return float(low), float(high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """What a metric looks like when nothing is wrong: sorted values of honest resamples."""

    values: NDArray[np.float64]

    @property
    def median(self) -> float:
        """Middle of the honest values."""
        return float(np.median(self.values))

    def quantile(self, share: float) -> float:
        """The value that this share of honest resamples stays at or below."""
        return float(np.quantile(self.values, share))

    def p_low(self, observed: float) -> float:
        """How often an honest resample is as low as the observed value; the observed one counts too."""
        return (int(np.searchsorted(self.values, observed, side="right")) + 1) / (len(self.values) + 1)

    def p_high(self, observed: float) -> float:
        """How often an honest resample is as high as the observed value; the observed one counts too."""
        return (len(self.values) - int(np.searchsorted(self.values, observed, side="left")) + 1) / (
            len(self.values) + 1
        )


def resampled_null(statistic: Statistic, n: int, size: int, *, draws: int = 200, seed: int = 0) -> Null:
    """The metric on size-matched resamples, without repeats, of n honest rows.

    Raises:
        Refused: the resample is not smaller than what it is drawn from.
    """
    if not 0 < size <= n:
        raise Refused("a resample must fit into what it is drawn from", found=f"{size} of {n}")
    rng = np.random.default_rng(seed)
    values = [float(statistic(rng.choice(n, size, replace=False))) for _ in range(draws)]
    return Null(values=np.sort(np.array(values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NullTest:
    """How a threshold behaves on honest data split in two."""

    threshold: float
    calibrated: float  # threshold at which only `tolerated` of the splits would alarm
    alarms: Interval  # share of splits that alarm at `threshold`
    splits: int

    def as_json(self) -> dict[str, Any]:
        """For a report on how a default was chosen."""
        return {
            "threshold": self.threshold,
            "calibrated": self.calibrated,
            "false_alarms": {"value": self.alarms.value, "low": self.alarms.low, "high": self.alarms.high},
            "splits": self.splits,
        }


def null_test(
    distance: Callable[[NDArray[np.intp], NDArray[np.intp]], float],
    n: int,
    threshold: float,
    *,
    tolerated: float = 0.05,
    splits: int = 200,
    seed: int = 0,
) -> NullTest:
    """Splits honest rows in halves and asks for a difference: every alarm above `threshold` is false.

    Raises:
        Refused: fewer than two rows.
    """
    if n < 2:
        raise Refused("a split needs at least two rows", found=str(n))
    rng = np.random.default_rng(seed)
    found = np.empty(splits)
    for number in range(splits):
        shuffled = rng.permutation(n)
        found[number] = distance(np.sort(shuffled[: n // 2]), np.sort(shuffled[n // 2 :]))
    alarms = int((found > threshold).sum())
    return NullTest(
        threshold=threshold,
        calibrated=float(np.quantile(found, 1 - tolerated, method="higher")),
        alarms=share_interval(alarms, splits),
        splits=splits,
    )
