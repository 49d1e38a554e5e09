"""The Ladder: answers about a sealed pool that give little away.

Blum & Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions" (ICML 2015).
A submission changes the answer only when it beats the best so far by a step; otherwise the old
best is repeated. So many tries against the same items learn little about them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rung:
    """What the Ladder says about one submission."""

    better: bool  # beats the best so far by a step
    best: float  # mean score of the best so far, rounded down to the step
    step: float


class Ladder:
    """A ladder over fixed items. `step` None: the parameter-free form, which needs the scores of the best."""

    def __init__(self, step: float | None = None, best: float = -math.inf) -> None:
        self.step, self.best = step, best
        self._scores: Scores | None = None

    def submit(self, scores: Scores) -> Rung:
        """One submission's scores per item, in 0..1, higher is better."""
        mean = float(scores.mean())
        step = self.step if self.step is not None else self._spread(scores)
        better = mean > self.best + step
        if better:
            self.best = rounded_down(mean, self.step if self.step is not None else 1.0 / len(scores))
            self._scores = scores
        return Rung(better, self.best, step)

    def _spread(self, scores: Scores) -> float:
        if self._scores is None:
            return 0.0
        difference = scores - self._scores
        return float(difference.std(ddof=1) / math.sqrt(len(scores))) if len(scores) > 1 else 1.0


def rounded_down(value: float, step: float) -> float:
    """The largest multiple of a step that is not above a value, which may be the value itself."""
    return math.floor(value / step + 1e-9) * step


def default_step(n: int) -> float:
    """The step for n items: 1/sqrt(n), as a share."""
    return 1.0 / math.sqrt(max(n, 1))


def bits_of(answers: float) -> float:
    """Bits that one of so many distinguishable answers gives away, at most."""
    return math.log2(max(answers, 1.0))


def error_bound(bits: float, n: int, delta: float = 0.05) -> float:
    """Ceiling on |measured - true| after so many bits, with probability 1 - delta.

    sqrt((bits ln 2 + ln(2/delta)) / 2n): a union bound over all transcripts and Hoeffding's inequality.
    """
    return math.sqrt((bits * math.log(2) + math.log(2 / delta)) / (2 * max(n, 1)))
