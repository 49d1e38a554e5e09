"""Answers about a sealed pool that give little away: the Ladder, what an answer tells, what a look costs.

Blum and Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions" (2015). A
submission changes the answer only when it beats the best so far by a step; otherwise the old best is
repeated, so that many tries against the same items learn little about them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, finite_vector


@dataclass(frozen=True, slots=True)
class Rung:
    """What the Ladder says about one submission."""

    better: bool  # beats the best so far by a step
    best: float  # score of the best so far, rounded to the step
    step: float  # by how much the best had to be beaten


@dataclass(slots=True)
class Ladder:
    """A ladder over fixed items; with `step` None it is the parameter-free form."""

    step: float | None = None
    best: float = -math.inf
    scores: Floats | None = field(default=None, repr=False)  # of the best by item, for the parameter-free step

    def submit(self, scores: Floats) -> Rung:
        """One submission's score per item, in 0..1, higher is better.

        Raises:
            Refused: another number of items than before, or scores that are no numbers.
        """
        values = finite_vector(scores, "scores")
        if self.scores is not None and len(values) != len(self.scores):
            raise Refused("a ladder stands on fixed items", found=f"{len(values)}", wanted=f"{len(self.scores)} scores")
        mean, step = float(values.mean()), self._step_for(values)
        better = mean > self.best + step
        if better:
            self.best = _rounded(mean, self.step if self.step is not None else 1 / len(values))
            self.scores = values
        return Rung(better, self.best, step)

    def _step_for(self, values: Floats) -> float:
        if self.step is not None:
            return self.step
        if self.scores is None:
            return 0.0
        spread = float(np.std(values - self.scores, ddof=1)) if len(values) > 1 else 1.0
        return spread / math.sqrt(len(values))


def default_step(n: int) -> float:
    """The fixed step for n items: 1/sqrt(n)."""
    return 1 / math.sqrt(max(n, 1))


def bits_of(answers: float) -> float:
    """Bits that one of so many distinguishable answers gives away, at most: 1 for pass or fail."""
    return math.log2(max(answers, 1.0))


def error_bound(bits: float, n: int, delta: float = 0.05) -> float:
    """Ceiling on |measured - true| after so many bits, with probability 1 - delta.

    sqrt((bits ln 2 + ln(2/delta)) / 2n): a union bound over all transcripts and Hoeffding's inequality.
    """
    return math.sqrt((bits * math.log(2) + math.log(2 / delta)) / (2 * max(n, 1)))


def look_cost(looks: int, se: float) -> float:
    """Most that picking the best of so many equally good candidates inflates the score: SE * sqrt(2 ln k).

    `se` is the standard error of what differs between the candidates, not of the score.
    """
    return se * math.sqrt(2 * math.log(max(looks, 1)))


def looks_within(inflation: float, se: float) -> int:
    """Looks that keep the inflation within what is tolerated: exp((inflation / SE)^2 / 2)."""
    if se <= 0:
        return 1 << 30
    return max(1, math.floor(math.exp(min(20.0, 0.5 * (inflation / se) ** 2))))


def _rounded(value: float, step: float) -> float:
    return round(value / step) * step
