"""The alternative-annotator test: may this annotator stand in for one of the humans? (Calderon and others 2025.)

Each human is left out in turn. On the items that this human labelled, the candidate and the human are each
scored by the share of the other humans who gave the same label; d is 1 where the candidate scores lower, -1 where
it scores higher, 0 where they are equal (both then count as winning). The candidate beats the human when the mean
of d is below epsilon, by a one-sided t test; the tests of all humans are corrected by Benjamini and Yekutieli (2001),
which allows them to depend on each other. The winning rate is the share of humans who are beaten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.stats.quantiles import t_above
from headgate.stats.votes import Floats, Integers, Mask, Votes

OTHERS = 1  # other humans that an item needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The candidate against one human."""

    human: int
    items: int
    candidate_wins: float  # share of items on which the candidate does at least as well, 0..1
    human_wins: float  # share of items on which the human does
    p: float  # that the candidate is worse by epsilon or more, corrected
    p_worse: float  # that it is not, corrected


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What the test says of one candidate."""

    against: tuple[Against, ...]
    advantage: float  # mean of `candidate_wins`: chance to do at least as well as a human taken at random
    rate: float  # share of humans beaten by the means alone
    low: float  # share beaten by test: the winning rate of the paper
    high: float  # share that did not beat the candidate by test


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the expected share of false claims at the level under any dependence (2001)."""
    from headgate.stats.multiplicity import benjamini_hochberg

    harmonic = sum(1 / k for k in range(1, len(p_values) + 1))
    return [min(1.0, p * harmonic) for p in benjamini_hochberg(p_values)]


def alternative_annotator(
    votes: Votes,
    candidate: int,
    humans: Sequence[int],
    *,
    epsilon: float,
    least: int,
    level: float = 0.95,
) -> Alternative | None:
    """Tests a candidate against humans with `least` items each; None where fewer than two humans have so many."""
    said = _said(votes.first())
    panel = [human for human in humans if human != candidate]
    crowd = np.array([said[human] for human in panel])
    results: list[tuple[int, Floats, Floats]] = []
    for position, human in enumerate(panel):
        own, others = said[human], np.delete(crowd, position, axis=0)
        usable = (own >= 0) & (said[candidate] >= 0) & ((others >= 0).sum(axis=0) >= OTHERS)
        if int(usable.sum()) >= least:
            results.append((human, _aligned(said[candidate], others, usable), _aligned(own, others, usable)))
    if len(results) < 2:
        return None
    tests = [_tested(candidate_scores, human_scores, epsilon) for _, candidate_scores, human_scores in results]
    beaten, worse = (benjamini_yekutieli([test[side] for test in tests]) for side in (0, 1))
    against = tuple(
        Against(
            human=human,
            items=len(ours),
            candidate_wins=float((ours >= theirs).mean()),
            human_wins=float((theirs >= ours).mean()),
            p=p,
            p_worse=q,
        )
        for (human, ours, theirs), p, q in zip(results, beaten, worse, strict=True)
    )
    alpha = 1 - level
    return Alternative(
        against=against,
        advantage=float(np.mean([one.candidate_wins for one in against])),
        rate=float(np.mean([one.human_wins - one.candidate_wins < epsilon for one in against])),
        low=float(np.mean([one.p < alpha for one in against])),
        high=1 - float(np.mean([one.p_worse < alpha for one in against])),
    )


def _said(votes: Votes) -> Integers:
    """The label of each annotator for each item, -1 where there is none; (annotators, items)."""
    out = np.full((votes.n_annotators, votes.n_items), -1, dtype=np.int64)
    out[votes.annotators, votes.items] = votes.labels
    return out


def _aligned(labels: Integers, others: Integers, usable: Mask) -> Floats:
    """Share of the others who gave the same label, on usable items."""
    there = others[:, usable] >= 0
    same = (others[:, usable] == labels[usable]) & there
    out: Floats = same.sum(axis=0) / there.sum(axis=0)
    return out


def _tested(ours: Floats, theirs: Floats, epsilon: float) -> tuple[float, float]:
    """p-values that the candidate is not beaten by epsilon, and that it is."""
    differences = (theirs > ours).astype(np.float64) - (ours > theirs)
    n = len(differences)
    spread = float(differences.std(ddof=1))
    away = float(differences.mean()) - epsilon
    if spread == 0:
        return (0.0, 1.0) if away < 0 else (1.0, 0.0)
    t = away / (spread / n**0.5)
    return t_above(-t, n - 1), t_above(t, n - 1)
