"""Several answers to each item: what more answers buy, and what only more items buy.

With K answers to each of n items the variance of the mean is (omega^2 + sigma^2 / K) / n, where omega^2 is the
variance between the items' own rates and sigma^2 that of the answers to one item. However many answers are drawn, it
never falls below omega^2 / n. Estimates are those of the one-way random-effects model (analysis of variance, with
Satterthwaite's mean group size where items have different numbers of answers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import MeanEstimate, finite_vector, mean_interval
from headgate.stats.power import ALPHA, POWER, z_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Mean of repeated scores, and where its uncertainty comes from."""

    mean: MeanEstimate  # over the items' means, clustered where items are
    between: float  # omega^2, of the items' true rates
    within: float  # sigma^2, of answers to one item
    items: int
    answers: float  # to an item; the harmonic mean where they differ

    @property
    def floor(self) -> float:
        """The standard error that no number of further answers to these items can go below."""
        return math.sqrt(self.between / self.items)

    def se_with(self, answers: float) -> float:
        """The standard error with so many answers to each of these items."""
        return math.sqrt((self.between + self.within / answers) / self.items)


def repeated(scores: Sequence[ArrayLike], *, clusters: ArrayLike | None = None, level: float = 0.95) -> Repeats:
    """Averages the answers to each item first; `scores` holds one list of answers for each item.

    Raises:
        Refused: fewer than two items, an item without answers, or one answer to every item.
    """
    groups = [finite_vector(each, "answers") for each in scores]
    sizes = np.array([len(each) for each in groups], dtype=np.float64)
    if len(groups) < 2 or sizes.sum() <= len(groups):
        raise Refused(
            "the parts of a variance need two items, and one of them with two answers",
            found=f"{len(groups)} items, {int(sizes.sum())} answers",
        )
    means = np.array([each.mean() for each in groups])
    n, total = len(groups), sizes.sum()
    within = sum(float(((each - each.mean()) ** 2).sum()) for each in groups) / (total - n)
    grand = float((sizes * means).sum() / total)
    spread = float((sizes * (means - grand) ** 2).sum()) / (n - 1)
    size = (total - (sizes**2).sum() / total) / (n - 1)
    return Repeats(
        mean=mean_interval(means, clusters=clusters, level=level),
        between=max(0.0, (spread - within) / float(size)),
        within=within,
        items=n,
        answers=float(n / (1 / sizes).sum()),
    )


def items_needed_repeated(
    effect: float,
    between: float,
    *,
    within: tuple[float, float] = (0.0, 0.0),
    answers: tuple[float, float] = (1, 1),
    alpha: float = ALPHA,
    power: float = POWER,
    sides: int = 2,
) -> int:
    """Items needed to see a paired difference with several answers to each item.

    z^2 (omega_d^2 + sigma_a^2 / K_a + sigma_b^2 / K_b) / effect^2; `between` is the variance of the items' true
    differences, `within` and `answers` are those of reference and candidate.

    Raises:
        Refused: an effect that is not above zero, or fewer than one answer.
    """
    if effect <= 0 or min(answers) < 1:
        raise Refused("an effect above zero and an answer to each item are needed", found=f"{effect}, {answers}")
    variance = between + sum(part / count for part, count in zip(within, answers, strict=True))
    return math.ceil(z_sum(alpha=alpha, power=power, sides=sides) ** 2 * variance / effect**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRepeats:
    """The parts of a paired difference of two systems with several answers to each item."""

    d: float
    se: float
    between: float  # omega_d^2, of the items' true differences
    within: tuple[float, float]  # sigma^2 of reference and candidate
    answers: tuple[float, float]
    items: int

    def items_needed(self, effect: float, *, answers: tuple[float, float] | None = None, sides: int = 2) -> int:
        """Items for an effect, with as many answers as there were or with others."""
        return items_needed_repeated(
            effect, self.between, within=self.within, answers=answers or self.answers, sides=sides
        )


def compare_repeated(reference: Sequence[ArrayLike], candidate: Sequence[ArrayLike]) -> PairedRepeats:
    """Candidate minus reference over shared items, with what a further item and a further answer would bring.

    Raises:
        Refused: other items on one side, or one answer to every item.
    """
    if len(reference) != len(candidate):
        raise Refused("both systems must answer the same items", found=f"{len(reference)} and {len(candidate)}")
    first, second = repeated(reference), repeated(candidate)
    sides = [[float(finite_vector(each, "answers").mean()) for each in side] for side in (reference, candidate)]
    pairs = [after - before for before, after in zip(*sides, strict=True)]
    noise = first.within / first.answers + second.within / second.answers
    variance = float(np.var(pairs, ddof=1))
    return PairedRepeats(
        d=float(np.mean(pairs)),
        se=math.sqrt(variance / len(pairs)),
        between=max(0.0, variance - noise),
        within=(first.within, second.within),
        answers=(first.answers, second.answers),
        items=len(pairs),
    )
