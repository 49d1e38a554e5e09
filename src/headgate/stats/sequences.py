"""Confidence sequences: intervals that stay valid however often one looks and whenever one stops.

Two forms. `empirical-bernstein` holds at every n for bounded values (the predictable plug-in form of
Waudby-Smith and Ramdas 2024, after Howard et al. 2021). `asymptotic` is narrower and holds from some
tens of values on (Waudby-Smith et al. 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, finite_vector

LARGEST_BET = 0.5
ASYMPTOTIC_FROM = 30  # values; before that the sequence says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """One interval after each value; all of them hold at once with probability `level`."""

    centre: Floats
    low: Floats
    high: Floats
    level: float

    def first_above(self, bound: float) -> int | None:
        """Number of values after which the mean is known to be above the bound, or None."""
        return _first(self.low > bound)

    def first_below(self, bound: float) -> int | None:
        """Number of values after which the mean is known to be below the bound, or None."""
        return _first(self.high < bound)


def confidence_sequence(
    values: ArrayLike,
    *,
    lowest: float = -1.0,
    highest: float = 1.0,
    level: float = 0.95,
    method: Literal["empirical-bernstein", "asymptotic"] = "empirical-bernstein",
    planned: int = 500,
) -> ConfidenceSequence:
    """Intervals for the mean of independent values in lowest..highest, in the order in which they came.

    For clustered items give one value per cluster. `planned` is the number of values at which the
    asymptotic form is narrowest.

    Raises:
        Refused: values outside the range, or an unknown method.
    """
    raw = finite_vector(values, "values")
    if not lowest < highest or raw.min() < lowest or raw.max() > highest:
        raise Refused(
            "values must lie within the declared range",
            found=f"{raw.min():g} to {raw.max():g}",
            wanted=f"{lowest:g} to {highest:g}",
        )
    if method not in ("empirical-bernstein", "asymptotic"):
        raise Refused("an unknown confidence sequence", found=repr(method), wanted="empirical-bernstein or asymptotic")
    unit = (raw - lowest) / (highest - lowest)
    alpha = 1 - level
    centre, half = _bernstein(unit, alpha) if method == "empirical-bernstein" else _asymptotic(unit, alpha, planned)
    # Every earlier interval holds too, so the running intersection does.
    low = np.maximum.accumulate(np.clip(centre - half, 0, 1))
    high = np.minimum.accumulate(np.clip(centre + half, 0, 1))
    width = highest - lowest
    return ConfidenceSequence(
        centre=lowest + width * centre, low=lowest + width * low, high=lowest + width * high, level=level
    )


def _bernstein(x: Floats, alpha: float) -> tuple[Floats, Floats]:
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    # Bets and guesses may use only what came before.
    guess = np.concatenate([[0.5], mean[:-1]])
    before = np.concatenate([[0.25], variance[:-1]])
    reach = math.log(2 / alpha)
    bet = np.minimum(np.sqrt(2 * reach / (before * t * np.log1p(t))), LARGEST_BET)
    cost = 4 * (x - guess) ** 2 * (-np.log1p(-bet) - bet) / 4
    total = np.cumsum(bet)
    return np.cumsum(bet * x) / total, (reach + np.cumsum(cost)) / total


def _asymptotic(x: Floats, alpha: float, planned: int) -> tuple[Floats, Floats]:
    t = np.arange(1, len(x) + 1)
    mean = np.cumsum(x) / t
    variance = np.maximum(np.cumsum(x**2) / t - mean**2, 0.0)
    # A run without any spread is no proof of certainty: as much as one value in t may still differ.
    spread = np.sqrt(np.maximum(variance, 1.0 / (t + 1)))
    tuning = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    half = spread * np.sqrt(2 * (t * tuning + 1) / (t**2 * tuning) * np.log(np.sqrt(t * tuning + 1) / alpha))
    return mean, np.where(t < ASYMPTOTIC_FROM, 1.0, half)


def _first(hits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int | None:
    return int(np.argmax(hits)) + 1 if hits.any() else None
