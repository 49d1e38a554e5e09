"""Drift over versions whose items differ: each version is a group of scores of its own.

`trends` follows the same items through all versions. Here every version has its own, such as the variety of
disjoint blocks of its rows, and only means and their standard errors hang together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats
from headgate.stats.quantiles import t_above, t_two_sided

ALLOWANCE = 0.5  # standard errors that a version may lie below the first without adding to the sum
LIMIT = 4.0  # sum at which a shift is called; the usual pair of Page's scheme
LEAST = 3  # groups that a line is fitted to


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is left of a level, as a ratio of two levels with its interval."""

    value: float
    low: float
    high: float
    p: float  # one-sided, of nothing lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Cusum:
    """Sums of what each version lies below the first, in standard errors (Page 1954)."""

    sums: tuple[float, ...]  # one for each version, the first 0
    crossed: int | None  # versions before the one at which the limit was reached; None: it was not
    began: int | None  # versions before the one from which the sum grew


def fitted_share(groups: Sequence[ArrayLike], *, level: float = 0.95) -> Kept:
    """Last value of the line through the means of the groups, as a share of its first value.

    Raises:
        Refused: fewer than three groups, fewer than two scores in one, or a level that is not above 0.
    """
    means, errors, freedom = _moments(groups)
    if len(means) < LEAST:
        raise Refused("a line needs three versions", found=f"{len(means)}")
    times = np.arange(len(means)) - (len(means) - 1) / 2
    slope, centre = times / float(times @ times), np.full(len(means), 1 / len(means))
    return _ratio(means, errors, centre + times[-1] * slope, centre + times[0] * slope, freedom, level)


def share_of_first(groups: Sequence[ArrayLike], *, since: int | None = None, level: float = 0.95) -> Kept:
    """The mean of the last group as a share of the first; with `since`, of all from that on to all before it.

    Raises:
        Refused: fewer than two groups, fewer than two scores in one, or a level that is not above 0.
    """
    means, errors, freedom = _moments(groups)
    if len(means) < 2:
        raise Refused("a share needs two versions", found=f"{len(means)}")
    first, last = np.zeros(len(means)), np.zeros(len(means))
    cut = since or 1
    first[: cut if since else 1] = 1 / cut
    last[cut if since else len(means) - 1 :] = 1 / (len(means) - cut if since else 1)
    return _ratio(means, errors, last, first, freedom, level)


def cusum(groups: Sequence[ArrayLike]) -> Cusum:
    """Cumulated falls below the first group.

    Raises:
        Refused: as for `share_of_first`.
    """
    means, errors, _ = _moments(groups)
    spread = np.maximum(np.sqrt(errors**2 + errors[0] ** 2), 1e-12)
    sums, began, crossed = [0.0], None, None
    for place in range(1, len(means)):
        reached = max(0.0, sums[-1] + float((means[0] - means[place]) / spread[place]) - ALLOWANCE)
        if crossed is None:
            began = None if reached == 0 else place if began is None else began
            crossed = place if reached >= LIMIT else None
        sums.append(reached)
    return Cusum(sums=tuple(sums), crossed=crossed, began=began if crossed is not None else None)


def _moments(groups: Sequence[ArrayLike]) -> tuple[Floats, Floats, int]:
    """Mean and standard error of each group, and degrees of freedom of all."""
    scores = [np.asarray(group, dtype=np.float64) for group in groups]
    if any(len(each) < 2 or not np.isfinite(each).all() for each in scores):
        raise Refused("each version needs two scores that are numbers", found=str([len(each) for each in scores]))
    means = np.array([each.mean() for each in scores])
    errors = np.array([each.std(ddof=1) / math.sqrt(len(each)) for each in scores])
    return means, errors, sum(len(each) - 1 for each in scores)


def _ratio(means: Floats, errors: Floats, above: Floats, below: Floats, freedom: int, level: float) -> Kept:
    """Two weighted means as a ratio; the interval is that of the logarithm (delta method)."""
    top, bottom = float(above @ means), float(below @ means)
    if bottom <= 0:
        raise Refused("there is nothing to lose", found=f"a level of {bottom:g}")
    if top <= 0:
        return Kept(value=0.0, low=0.0, high=0.0, p=0.0)
    se = math.sqrt(float(((above / top - below / bottom) ** 2) @ errors**2))
    change, reach = math.log(top / bottom), t_two_sided(level, freedom) * se
    p = t_above(-change / se, freedom) if se > 0 else float(change >= 0)
    return Kept(value=math.exp(change), low=math.exp(change - reach), high=math.exp(change + reach), p=p)
