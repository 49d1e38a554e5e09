"""Whether a model's probabilities say how often it is right: Brier score, and expected calibration error.

A probability p of a statement that turns out true or not has the score (p - outcome)^2 (Brier 1950): 0 for certainty
that is right, 1 for certainty that is wrong, 0.25 for not knowing. The expected calibration error (Naeini, Cooper and
Hauskrecht 2015) is the mean distance between confidence and share of right answers over bins of confidence; it depends
on the bins and is shown, not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats, finite_vector

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How sure a model is, and how often it is right."""

    brier: float
    error: float  # expected calibration error
    confidence: float  # mean probability of the answer that it finds likelier
    accuracy: float  # share of items on which that answer is the right one
    n: int

    @property
    def overconfidence(self) -> float:
        """Confidence less accuracy; above zero it is surer than it may be."""
        return self.confidence - self.accuracy

    def as_json(self) -> dict[str, float]:
        """For details of a verdict."""
        parts = ("brier", "error", "confidence", "accuracy", "overconfidence", "n")
        return {name: round(float(getattr(self, name)), 4) for name in parts}


def calibration_of(chances: ArrayLike, *, bins: int = BINS) -> Calibration:
    """From the probability that a model gives the right one of two answers, item by item.

    Raises:
        Refused: none, or numbers that are no probabilities.
    """
    p = _chances(chances)
    sure, right = np.maximum(p, 1 - p), p > 0.5
    edges = np.linspace(0.5, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, bins - 1)
    error = sum(
        abs(float(sure[place == one].sum() - right[place == one].sum())) for one in range(bins) if (place == one).any()
    )
    return Calibration(
        brier=float(((1 - p) ** 2).mean()),
        error=error / len(p),
        confidence=float(sure.mean()),
        accuracy=float(right.mean()),
        n=len(p),
    )


def brier_scores(chances: ArrayLike) -> Floats:
    """One less the Brier score of each item: 1 for certainty that is right; two models are compared on it.

    Raises:
        Refused: none, or numbers that are no probabilities.
    """
    scores: Floats = 1 - (1 - _chances(chances)) ** 2
    return scores


def _chances(values: ArrayLike) -> Floats:
    p = finite_vector(values, "probabilities")
    if p.min() < 0 or p.max() > 1:
        raise Refused("probabilities lie between 0 and 1", found=f"{p.min():g} to {p.max():g}")
    return p
