"""Whether a reward is still worth what it says: cross-fitted stop, divergence curve, drift of features.

A table has one row for each step (checkpoint, round, or n of a best-of-n) and one column for each prompt. The stop
rule compares a step with the best step before it. The best is chosen by the outcome on one half of the prompts and
judged on the other, both ways round, so that no prompt has a part in choosing what it is compared with: of many
equal steps the best on some prompts is best by luck, and on the same prompts the newest seems to have fallen.

Nothing here predicts. A step is stopped after its outcome has fallen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, cluster_numbers, mean_interval
from headgate.stats.power import mde, z_sum
from headgate.stats.quantiles import binomial_at_most, normal_below, t_above, z_two_sided

Form = Literal["best-of-n", "rl"]
FORMS: tuple[Form, ...] = ("best-of-n", "rl")
P_PROXY, P_OUTCOME = 0.01, 0.05  # the second is shared by all looks
DRAWS = 400  # resamples of a fitted curve
LEAST = 20  # prompts that every step was scored on


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One step against the best step before it, by the other half of the prompts."""

    step: int
    against: tuple[int, int]  # the step that each half chose
    proxy: float  # mean gain
    p_proxy: float  # one-sided, of no gain
    outcome: float  # mean change
    low: float
    high: float
    p_outcome: float  # one-sided, of no fall
    p_gain: float  # one-sided, of no gain of the outcome
    allowed: float  # what p_outcome must lie below
    visible: float  # fall that these prompts show with 80 % power at that level
    n: int
    clusters: int

    @property
    def parted(self) -> bool:
        """Whether the proxy rose and the outcome fell."""
        return self.p_proxy < P_PROXY and self.p_outcome < self.allowed

    def as_json(self) -> dict[str, Any]:
        """For the details of a verdict."""
        out = {name: getattr(self, name) for name in self.__slots__}
        return {**out, "against": list(self.against), "parted": self.parted}


def looks_at(
    proxy: ArrayLike, outcome: ArrayLike, halves: ArrayLike, *, clusters: ArrayLike | None = None, planned: int = 0
) -> list[Look]:
    """Each step after the first, cross-fitted; tables are (steps, prompts), `halves` is true for one of the halves.

    `planned` looks share the level of 5 %; at least as many as there are steps to judge.

    Raises:
        Refused: tables of different shape, fewer than two steps or 20 prompts, or a half without prompts.
    """
    rewards, results, first = _tables(proxy, outcome, halves)
    looks = max(planned, len(rewards) - 1)
    return [_look(rewards, results, first, step, clusters, P_OUTCOME / looks) for step in range(1, len(rewards))]


def _tables(proxy: ArrayLike, outcome: ArrayLike, halves: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    rewards, results = np.asarray(proxy, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    first = np.asarray(halves, dtype=bool)
    if rewards.ndim != 2 or rewards.shape != results.shape or first.shape != rewards.shape[1:]:
        found = f"{rewards.shape}, {results.shape} and {first.shape}"
        raise Refused("proxy and outcome are tables of steps by prompts", found=found)
    if len(rewards) < 2 or rewards.shape[1] < LEAST or min(first.sum(), (~first).sum()) < 2:
        found = f"{len(rewards)} steps, {rewards.shape[1]} prompts"
        raise Refused("too little to hold a proxy against an outcome", found=found, wanted=f"2 steps, {LEAST} prompts")
    if not (np.isfinite(rewards).all() and np.isfinite(results).all()):
        raise Refused("every prompt needs a finite proxy and outcome at every step")
    return rewards, results, first


def _look(
    rewards: Floats, results: Floats, first: NDArray[np.bool_], step: int, clusters: ArrayLike | None, allowed: float
) -> Look:
    by_first, by_second = (int(results[:step, half].mean(axis=1).argmax()) for half in (first, ~first))
    rival = np.where(first, by_second, by_first)  # a prompt meets what the other half chose
    columns = np.arange(rewards.shape[1])
    gained = rewards[step] - rewards[rival, columns]
    changed = results[step] - results[rival, columns]
    found = mean_interval(changed, clusters=clusters)
    return Look(
        step=step,
        against=(by_first, by_second),
        proxy=float(gained.mean()),
        p_proxy=one_sided(gained, clusters),
        outcome=found.value,
        low=found.low,
        high=found.high,
        p_outcome=one_sided(-changed, clusters),
        p_gain=one_sided(changed, clusters),
        allowed=allowed,
        visible=mde(found.se, alpha=allowed, sides=1) if found.se > 0 else z_sum(alpha=allowed, sides=1) / len(changed),
        n=len(changed),
        clusters=found.clusters,
    )


def one_sided(differences: ArrayLike, clusters: ArrayLike | None = None) -> float:
    """p-value against a mean of zero or below: exact sign test where differences are -1, 0 or 1, else a t test.

    Clusters, where some hold several items, call for the t test on cluster-robust errors.
    """
    values = np.asarray(differences, dtype=np.float64)
    _, count = cluster_numbers(clusters, len(values))
    if count == len(values) and bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        up, down = int((values > 0).sum()), int((values < 0).sum())
        return binomial_at_most(down, up + down, 0.5) if up + down else 1.0
    found = mean_interval(values, clusters=clusters)
    if found.se == 0:
        return 0.0 if found.value > 0 else 1.0
    return t_above(found.value / found.se, found.clusters - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A step chosen by one half of the prompts and told by the other."""

    steps: tuple[int, int]  # what each half chose
    outcome: float  # mean outcome of the chosen steps on prompts that did not choose them
    low: float
    high: float
    flattered: float  # mean outcome of the best step on the prompts that chose it
    n: int


def choose(outcome: ArrayLike, halves: ArrayLike, *, clusters: ArrayLike | None = None) -> Choice:
    """Which step (checkpoint, best-of-n) has the best outcome, and what it is worth on prompts that did not choose.

    Raises:
        Refused: as for `looks_at`.
    """
    results, _, first = _tables(outcome, outcome, halves)
    chosen = [int(results[:, half].mean(axis=1).argmax()) for half in (first, ~first)]
    own = results[np.where(first, chosen[1], chosen[0]), np.arange(results.shape[1])]
    found = mean_interval(own, clusters=clusters)
    return Choice(
        steps=(chosen[0], chosen[1]),
        outcome=found.value,
        low=found.low,
        high=found.high,
        flattered=float(results.mean(axis=1).max()),
        n=len(own),
    )


def divergence_of_best(n: int) -> float:
    """Kullback-Leibler divergence of best-of-n from what it draws from, in nats: ln n - (n - 1) / n.

    Stiennon and others 2020 (arXiv 2009.01325, appendix G.3); an upper bound where draws can tie.

    Raises:
        Refused: n below 1.
    """
    if n < 1:
        raise Refused("best of how many?", found=str(n), wanted="1 or more")
    return math.log(n) - (n - 1) / n


def divergence_of_samples(policy: ArrayLike, reference: ArrayLike) -> float:
    """Estimate of the divergence of a policy from its reference, from log-probabilities of tokens the policy drew.

    Mean of r - 1 - ln r with r = reference / policy, never below zero (Schulman 2020, "Approximating KL divergence",
    the estimator k3); where the two are so far apart that few tokens make up that mean, the plain mean of -ln r. Both
    have the divergence as their expectation, and the one that varies less is taken. Per token; multiply by the mean
    length for the divergence of whole answers.

    Raises:
        Refused: lists of different length, empty, or not finite.
    """
    own, other = np.asarray(policy, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if own.shape != other.shape or own.ndim != 1 or not len(own) or not np.isfinite(np.r_[own, other]).all():
        raise Refused("log-probabilities of the same tokens under both", found=f"{own.shape} and {other.shape}")
    ratio = np.minimum(other - own, 700.0)
    steady = np.expm1(ratio) - ratio
    return max(0.0, float(np.mean(steady if steady.std() <= ratio.std() else -ratio)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The outcome as a function of d, the square root of the divergence; gains over the first step."""

    form: Form
    alpha: float
    beta: float
    peak: float  # d at the highest fitted gain; infinite where the curve does not turn
    low: float
    high: float
    gain: float  # fitted gain there
    points: tuple[tuple[float, float, float], ...]  # d, mean gain of the proxy, of the outcome

    def as_json(self) -> dict[str, Any]:
        """For the details of a verdict; what is infinite is null."""
        ends = {name: getattr(self, name) for name in ("peak", "low", "high", "gain")}
        told = {name: value if math.isfinite(value) else None for name, value in ends.items()}
        return {"form": self.form, "alpha": self.alpha, "beta": self.beta, **told, "points": [*map(list, self.points)]}


def fit_curve(
    divergence: ArrayLike, proxy: ArrayLike, outcome: ArrayLike, *, form: Form, clusters: ArrayLike | None = None,
    seed: int = 0,
) -> Curve | None:  # fmt: skip
    """Fits the gain of the outcome against d = sqrt(divergence); None with fewer than three steps away from the start.

    R(d) = d (alpha - beta d) for best-of-n and R(d) = d (alpha - beta ln d) for reinforcement learning: Gao, Schulman
    and Hilton 2022, "Scaling laws for reward model overoptimization" (arXiv 2210.10760), equation 1. The peaks follow
    by setting the derivative to zero: alpha / (2 beta), and exp(alpha / beta - 1). Least squares; the interval of the
    peak resamples prompts (whole clusters). Divergence is not comparable between methods. Advisory: with few steps
    the fit says little, and its interval says so.
    """
    d = np.sqrt(np.maximum(np.asarray(divergence, dtype=np.float64), 0.0))
    rewards, results = np.asarray(proxy, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    away = d > 0
    if int(away.sum()) < 3 or len(np.unique(d[away])) < 3:
        return None
    start = int(np.argmin(d))
    gains = (results - results[start])[away]
    x = d[away]
    design = np.stack([x, -x * x if form == "best-of-n" else -x * np.log(x)], axis=1)
    solve = np.linalg.pinv(design)
    alpha, beta = (float(one) for one in solve @ gains.mean(axis=1))
    numbers, count = cluster_numbers(clusters, results.shape[1])
    sums = np.stack([np.bincount(numbers, weights=row, minlength=count) for row in gains])
    sizes = np.bincount(numbers, minlength=count)
    drawn = np.random.default_rng(seed).integers(0, count, size=(DRAWS, count))
    means = sums[:, drawn].sum(axis=2) / sizes[drawn].sum(axis=1)
    peaks = np.sort([_peak(float(a), float(b), form) for a, b in (solve @ means).T])
    peak = _peak(alpha, beta, form)
    low, high = peaks[int(0.025 * DRAWS)], peaks[int(0.975 * DRAWS)]
    rose, changed = rewards.mean(axis=1), results.mean(axis=1)
    places = zip(d, rose - rose[start], changed - changed[start], strict=True)
    return Curve(
        form=form,
        alpha=alpha,
        beta=beta,
        peak=peak,
        low=float(min(low, peak)),
        high=float(max(high, peak)),
        gain=_gain(alpha, beta, peak, form) if math.isfinite(peak) else math.inf,
        points=tuple((float(a), float(b), float(c)) for a, b, c in places),
    )


def _peak(alpha: float, beta: float, form: Form) -> float:
    if form == "best-of-n":
        # A curve that falls from the start has its peak there.
        return 0.0 if alpha <= 0 else alpha / (2 * beta) if beta > 0 else math.inf
    return math.exp(min(alpha / beta - 1, 700.0)) if beta > 0 else math.inf


def _gain(alpha: float, beta: float, d: float, form: Form) -> float:
    if d == 0:
        return 0.0
    return d * (alpha - beta * (d if form == "best-of-n" else math.log(d)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a feature of answers moved from the first step, on the same prompts."""

    feature: str
    before: float
    after: float
    d_z: float  # mean paired change in its own standard deviations
    low: float
    high: float
    explained: float  # share of the proxy's gain that goes with the change of this feature; 0 where nothing was gained

    def as_json(self) -> dict[str, Any]:
        """For the details of a verdict."""
        return {name: round(value, 4) if isinstance(value := getattr(self, name), float) else value
                for name in self.__slots__}  # fmt: skip


MOST = 10.0  # stands for a change that is the same at every prompt and so has no spread
RIDGE = 1e-9


def drifts(
    before: ArrayLike, after: ArrayLike, names: Sequence[str], *, gained: ArrayLike | None = None, level: float = 0.95
) -> list[Drift]:
    """Each feature's change with its effect size, largest first; tables are (prompts, features).

    The interval of d_z is the normal one, d_z +- z sqrt(1/n + d_z^2 / 2n) (Becker 1988), at a level shared by all
    features. `gained` is the gain of the proxy at each prompt: `explained` is the slope of that gain on the
    feature's change within prompts, times its mean change, over the mean gain.
    """
    first, last = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    change = last - first
    n = len(change)
    z = z_two_sided(1 - (1 - level) / max(len(names), 1))
    gain = None if gained is None else np.asarray(gained, dtype=np.float64)
    out = []
    for place, name in enumerate(names):
        column = change[:, place]
        mean, spread = float(column.mean()), float(column.std(ddof=1)) if n > 1 else 0.0
        d_z = mean / spread if spread > RIDGE else math.copysign(MOST, mean) if abs(mean) > RIDGE else 0.0
        d_z = max(-MOST, min(MOST, d_z))
        half = z * math.sqrt((1 + d_z * d_z / 2) / n) if d_z else 0.0
        out.append(Drift(
            feature=name, before=float(first[:, place].mean()), after=float(last[:, place].mean()),
            d_z=d_z, low=d_z - half, high=d_z + half, explained=_explained(column, gain),
        ))  # fmt: skip
    return sorted(out, key=lambda one: -abs(one.d_z))


def _explained(column: Floats, gain: Floats | None) -> float:
    if gain is None or len(column) < 3 or gain.mean() <= 0:
        return 0.0
    spread = column - column.mean()
    inside = float(spread @ spread)
    if inside <= RIDGE:
        return 0.0
    slope = float(spread @ (gain - gain.mean())) / inside
    return float(np.clip(slope * column.mean() / gain.mean(), -1.0, 1.0))


def correlation_lost(proxy: ArrayLike, outcome: ArrayLike) -> tuple[float, float, float]:
    """Correlation of proxy and outcome over prompts at the first and at the last step, and the p-value of no fall.

    One-sided, by Fisher's z as for independent samples, which is conservative where the two go together.
    """
    rewards, results = np.asarray(proxy, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    first, last = (_correlation(rewards[at], results[at]) for at in (0, -1))
    n = rewards.shape[1]
    if n < 4 or math.isnan(first) or math.isnan(last):
        return (0.0 if math.isnan(first) else first), (0.0 if math.isnan(last) else last), 1.0
    bound = 1 - 1e-9
    gap = math.atanh(min(first, bound)) - math.atanh(max(-bound, min(last, bound)))
    return first, last, normal_below(-gap / math.sqrt(2 / (n - 3)))


def _correlation(a: Floats, b: Floats) -> float:
    if a.std() == 0 or b.std() == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])
