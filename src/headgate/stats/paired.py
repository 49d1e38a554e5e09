"""Two systems on the same items: the difference, its interval and its p-value.

Binary scores of independent items: exact McNemar test and Tango's score interval (1998), which stays
honest where few items or none differ. Everything else: t interval on cluster-robust errors with C - 1
degrees of freedom, and a sign-flip permutation by cluster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, cluster_numbers, clustered_se, finite_vector
from headgate.stats.power import mde, mde_paired, zero_failures_bound
from headgate.stats.quantiles import binomial_at_most, normal_below, t_above, t_two_sided, z_two_sided
from headgate.stats.resampling import sign_flip

FLIPPED_UP_TO = 2_000  # clusters; beyond, the flip distribution is the t distribution to all printed digits


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """Candidate minus reference on shared items; positive means that the candidate scores higher."""

    d: float  # mean difference
    se: float  # cluster-robust
    low: float
    high: float
    p: float  # two-sided, of no difference
    n: int  # items
    clusters: int  # independent units
    discordant: tuple[int, int]  # items on which the candidate is above, below the reference
    smallest_visible: float  # difference seen with 80 % power at 5 % two-sided
    method: str
    level: float
    reference: float  # mean score
    candidate: float  # mean score
    binary: bool
    unpaired_se: float  # what the standard error would be without pairing
    design_effect: float  # (clustered SE / naive SE)^2

    @property
    def variance(self) -> float:
        """Variance of one item's difference, inflated by clustering: n * SE^2."""
        return self.n * self.se**2

    def interval(self, level: float) -> tuple[float, float]:
        """The interval of the difference at another level, by the same method."""
        if self.binary and self.clusters == self.n:
            gains, losses = self.discordant
            return tango_interval(gains, losses, self.n, level)
        return _t_interval(self.d, self.se, self.clusters, level)

    def p_above(self, bound: float) -> float:
        """One-sided p-value of the claim that the true difference is above `bound`."""
        if self.binary and self.clusters == self.n:
            gains, losses = self.discordant
            return tango_above(gains, losses, self.n, bound)
        if self.se == 0 or self.clusters < 2:
            return _p_from_interval(self.interval, bound)
        return t_above((self.d - bound) / self.se, self.clusters - 1)

    def p_below(self, bound: float) -> float:
        """One-sided p-value of the claim that the true difference is below `bound`."""
        return self.turned().p_above(-bound)

    def turned(self) -> PairedComparison:
        """The same comparison with candidate and reference exchanged."""
        gains, losses = self.discordant
        return replace(
            self,
            d=-self.d,
            low=-self.high,
            high=-self.low,
            discordant=(losses, gains),
            reference=self.candidate,
            candidate=self.reference,
        )

    def as_json(self) -> dict[str, Any]:
        """All numbers, for the details of a verdict."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, numbers: Mapping[str, Any]) -> PairedComparison:
        """Reads a comparison back from the details of a verdict; other keys are left out.

        Raises:
            KeyError: a number is missing.
        """
        parts = {one.name: numbers[one.name] for one in fields(cls)}
        gains, losses = parts["discordant"]
        return cls(**{**parts, "discordant": (gains, losses)})


def compare_paired(
    reference: ArrayLike,
    candidate: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> PairedComparison:
    """Compares two systems item by item; scores lie between 0 and 1, higher is better.

    Raises:
        Refused: scores differ in number, are not finite or leave 0..1, or cluster labels are missing.
    """
    before, after = finite_vector(reference, "reference scores"), finite_vector(candidate, "candidate scores")
    if len(before) != len(after):
        raise Refused("both systems must be scored on the same items", found=f"{len(before)} and {len(after)} scores")
    _must_be_unit(before)
    _must_be_unit(after)
    difference = after - before
    numbers, count = cluster_numbers(clusters, len(difference))
    d, n = float(difference.mean()), len(difference)
    se = clustered_se(difference - d, numbers, count) if count > 1 else 0.0
    gains, losses = int((difference > 0).sum()), int((difference < 0).sum())
    binary = bool(np.isin(before, (0, 1)).all() and np.isin(after, (0, 1)).all())
    if binary and count == n:
        (low, high), p, method = tango_interval(gains, losses, n, level), mcnemar(gains, losses), "exact McNemar"
        method += ", score interval"
    else:
        low, high = _t_interval(d, se, count, level)
        p, method = _p_clustered(difference, numbers, count, d, se, seed)
        method += f", t interval with {max(0, count - 1)} degrees of freedom"
    naive = float(difference.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return PairedComparison(
        d=d,
        se=se,
        low=low,
        high=high,
        p=p,
        n=n,
        clusters=count,
        discordant=(gains, losses),
        smallest_visible=_visible(se, count),
        method=method,
        level=level,
        reference=float(before.mean()),
        candidate=float(after.mean()),
        binary=binary,
        unpaired_se=math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / n) if n > 1 else 0.0,
        design_effect=(se / naive) ** 2 if naive > 0 else 1.0,
    )


def mcnemar(gains: int, losses: int) -> float:
    """Exact two-sided McNemar p-value: 2 min(P(X <= m), 1/2), X ~ Bin(gains + losses, 1/2)."""
    if gains + losses == 0:
        return 1.0
    return min(1.0, 2 * binomial_at_most(min(gains, losses), gains + losses, 0.5))


def tango_score(gains: int, losses: int, n: int, bound: float) -> float:
    """Tango's score statistic of the hypothesis that the paired difference equals `bound`."""
    b = -gains - losses + (2 * n - gains + losses) * bound
    c = -losses * bound * (1 - bound)
    share = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)  # likeliest share of losses under the hypothesis
    variance = n * (2 * share + bound * (1 - bound))
    distance = gains - losses - n * bound
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def tango_interval(gains: int, losses: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a paired difference of shares (Tango 1998), found by bisection."""
    z = z_two_sided(level)
    d = (gains - losses) / n

    def score(bound: float) -> float:
        return tango_score(gains, losses, n, bound)

    low = -1.0 if score(-1.0) < z else _root(lambda bound: score(bound) - z, -1, d)
    high = 1.0 if score(1.0) > -z else _root(lambda bound: score(bound) + z, d, 1)
    return low, high


def tango_above(gains: int, losses: int, n: int, bound: float) -> float:
    """One-sided p-value of the claim that the paired difference of shares is above `bound`."""
    return normal_below(-tango_score(gains, losses, n, bound))


def _t_interval(d: float, se: float, count: int, level: float) -> tuple[float, float]:
    if count < 2:
        return -1.0, 1.0
    half = t_two_sided(level, count - 1) * se
    if se == 0:
        # No unit differs from the others: what is not seen in C units may still hold for a share of them.
        half = zero_failures_bound(count, level=0.5 + level / 2)
    return max(-1.0, d - half), min(1.0, d + half)


def _p_clustered(
    difference: Floats, numbers: NDArray[np.intp], count: int, d: float, se: float, seed: int
) -> tuple[float, str]:
    if count < 2:
        return 1.0, "one cluster"
    if count > FLIPPED_UP_TO:
        return (1.0 if se == 0 else 2 * t_above(abs(d) / se, count - 1)), "t test"
    sums = np.bincount(numbers, weights=difference, minlength=count)
    return sign_flip(sums, seed=seed), "sign flip" if count == len(difference) else "sign flip by cluster"


def _p_from_interval(interval: Callable[[float], tuple[float, float]], bound: float) -> float:
    # The largest one-sided error at which the lower end still lies above the bound.
    low, high = 0.0, 0.5
    for _ in range(40):
        tail = (low + high) / 2
        low, high = (low, tail) if interval(1 - 2 * tail)[0] > bound else (tail, high)
    return high


def _visible(se: float, count: int) -> float:
    return mde(se) if se > 0 else mde_paired(count, zero_failures_bound(count))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    # The score falls as the bound rises.
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def _must_be_unit(scores: Floats) -> None:
    if scores.min() < 0 or scores.max() > 1:
        raise Refused(
            "scores must lie between 0 and 1",
            found=f"{scores.min():g} to {scores.max():g}",
            next_step="divide the scores by the largest score that an item can get",
        )
