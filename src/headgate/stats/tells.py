"""What moves a judge beside the truth: a logistic model of its choices on pairs whose better answer is known.

logit P(first wins) = b0 + b_gold gold + b_length tanh(difference of log lengths / its deviation) + b_place place,
with gold and place +1 or -1. One row a call, errors clustered by pair. The tell index is |b_length| / b_gold: how much
a long answer counts beside a right one. A small ridge keeps coefficients finite where a judge is never wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Interval, cluster_numbers
from headgate.stats.quantiles import z_two_sided
from headgate.stats.votes import Floats

RIDGE = 0.5  # pseudo-counts
STEPS = 50
SETTLED = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Logit:
    """Coefficients by name, and their covariance."""

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    n: int
    clusters: int

    def interval(self, name: str, level: float = 0.95) -> Interval:
        """One coefficient with its interval."""
        place = self.names.index(name)
        half = z_two_sided(level) * math.sqrt(max(float(self.covariance[place, place]), 0.0))
        value = float(self.values[place])
        return Interval(value, value - half, value + half)

    def index(self, tell: str, gold: str, level: float = 0.95) -> Interval:
        """|tell| / gold by the delta method; infinite where the judge does not follow the truth."""
        a, b = self.names.index(tell), self.names.index(gold)
        top, below = float(self.values[a]), float(self.values[b])
        if below <= 0:
            return Interval(math.inf, math.inf, math.inf)
        ratio = top / below
        slope = np.array([1 / below, -top / below**2])
        part = self.covariance[np.ix_([a, b], [a, b])]
        half = z_two_sided(level) * math.sqrt(max(float(slope @ part @ slope), 0.0))
        low, high = sorted((abs(ratio - half), abs(ratio + half)))
        return Interval(abs(ratio), 0.0 if abs(ratio) <= half else low, high)


def logit(outcome: ArrayLike, columns: Mapping[str, ArrayLike], clusters: ArrayLike | None = None) -> Logit:
    """Fits choices (1 or 0) to columns, with a constant; errors are clustered.

    Raises:
        Refused: columns of another length, or fewer rows than coefficients.
    """
    y = np.asarray(outcome, dtype=np.float64)
    parts = [np.ones(len(y)), *(np.asarray(one, dtype=np.float64) for one in columns.values())]
    if any(len(part) != len(y) for part in parts) or len(y) <= len(parts):
        raise Refused("a model of choices needs more choices than columns", found=f"{len(y)} choices")
    x = np.stack(parts, axis=1)
    numbers, count = cluster_numbers(clusters, len(y))
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 1e-6
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = _sigmoid(x @ beta)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(hessian, x.T @ (y - p) - penalty @ beta)
        beta += step
        if float(np.abs(step).max()) < SETTLED:
            break
    p = _sigmoid(x @ beta)
    bread = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x + penalty)
    scores = np.zeros((count, x.shape[1]))
    np.add.at(scores, numbers, x * (y - p)[:, None])
    meat = scores.T @ scores * (count / max(count - 1, 1))
    return Logit(("constant", *columns), beta, bread @ meat @ bread, len(y), count)


def lengths(first: Sequence[str], second: Sequence[str]) -> Floats:
    """tanh of the difference of log lengths over its deviation; positive where the first text is longer."""
    difference = np.log([len(one) + 1 for one in first]) - np.log([len(one) + 1 for one in second])
    deviation = float(np.std(difference))
    out: Floats = np.tanh(difference / deviation) if deviation > 0 else np.zeros(len(difference))
    return out


def _sigmoid(values: Floats) -> Floats:
    out: Floats = 1 / (1 + np.exp(-np.clip(values, -40, 40)))
    return out
