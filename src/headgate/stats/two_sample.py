"""The classifier two-sample test: can a simple classifier tell two sets of units apart, and by what?

A ridge classifier is trained on some units and scores the others (cross-validation); the area under the
ROC curve of those scores is 0.5 where the sets are alike and 1 where every unit gives itself away
(Lopez-Paz and Oquab 2017). Units are compared within strata only, so that a difference in how many
units a stratum holds on each side does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused
from headgate.stats.quantiles import z_two_sided

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Integers = NDArray[np.int64]

FOLDS = 5
RIDGE = 1.0  # added to the diagonal of the Gram matrix of standardised features
PERMUTATIONS = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSample:
    """The answer of the test; F features."""

    auc: float  # mean over strata, weighted by pairs
    low: float
    high: float
    p: float  # share of permutations within strata with an AUC at least as high
    n: tuple[int, int]  # units of each set
    weights: Vector  # (F,): of the standardised features, all units; above 0 speaks for the second set
    alone: Vector  # (F,): AUC of each feature on its own, 0..1; 0.5 tells nothing
    used: Integers  # units compared, as positions in the input: those whose stratum holds both labels
    scores: Vector  # held-out score of each of them; higher speaks for the second set


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one given score tells two sets of units apart."""

    auc: float  # chance that a unit of the first set scores higher, within strata, weighted by pairs
    low: float
    high: float
    n: tuple[int, int]  # units of each set in strata that hold both


def separation(
    first: ArrayLike, second: ArrayLike, *, strata: tuple[ArrayLike, ArrayLike], level: float = 0.95
) -> Separation:
    """The area under the ROC curve of a score, (N,) and (M,), with its interval; `strata` are any integers.

    Raises:
        Refused: no stratum holds units of both sets.
    """
    own, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    scores = np.concatenate([own, other])
    y = np.repeat([1.0, 0.0], [len(own), len(other)])
    groups = np.unique(np.concatenate([np.asarray(one) for one in strata]), return_inverse=True)[1].reshape(-1)
    used = _with_both(y, groups)
    if not used.any():
        raise Refused("the two sets share no stratum", found=f"{len(own)} and {len(other)} units")
    scores, y, groups = scores[used], y[used], np.unique(groups[used], return_inverse=True)[1].reshape(-1)
    auc = _auc(scores, y, groups)
    return Separation(auc, *_interval(auc, scores, y, groups, level), (int(y.sum()), int((1 - y).sum())))


def two_sample(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> TwoSample:
    """Tests whether units with label 1 can be told from units with label 0 by their features.

    `features` is (N, F), `labels` (N,) of 0 and 1, `strata` (N,) any integers, `clusters` (N,) integers: units
    of one cluster are never on both sides of a fold. Permuted labels pass through the same folds, so the
    p-value is exact for the whole procedure: (1 + at least as high) / (1 + permutations).

    Raises:
        Refused: fewer than ten units with one of the labels, or no stratum holds both.
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    groups = np.zeros(len(y), dtype=np.int64) if strata is None else np.asarray(strata, dtype=np.int64)
    kept = _with_both(y, groups)
    if min((y[kept] == 1).sum(), (y[kept] == 0).sum()) < 2 * FOLDS:
        raise Refused("too few units to tell two sets apart", found=str(int(kept.sum())), wanted=f"{2 * FOLDS} of each")
    units = np.arange(len(y)) if clusters is None else np.asarray(clusters, dtype=np.int64)
    x, y, groups, units = x[kept], y[kept], np.unique(groups[kept], return_inverse=True)[1], units[kept]
    x = _standardised(x)
    rng = np.random.default_rng(seed)
    fold = _folds(units, rng)
    drawn = np.stack([y, *(_shuffled(y, groups, rng) for _ in range(permutations))], axis=1)
    scores = _held_out(x, drawn, groups, fold)
    aucs = np.array([_auc(scores[:, column], drawn[:, column], groups) for column in range(drawn.shape[1])])
    low, high = _interval(float(aucs[0]), scores[:, 0], y, groups, level)
    return TwoSample(
        auc=float(aucs[0]),
        low=low,
        high=high,
        p=float((aucs >= aucs[0] - 1e-12).sum() / len(aucs)),
        n=(int((y == 0).sum()), int((y == 1).sum())),
        weights=_solved(x, (y - _means(y[:, None], groups)[:, 0])[:, None])[:, 0],
        alone=np.array([_auc(x[:, column], y, groups) for column in range(x.shape[1])]),
        used=np.flatnonzero(kept).astype(np.int64),
        scores=scores[:, 0],
    )


def _with_both(y: Vector, groups: Integers) -> NDArray[np.bool_]:
    codes = np.unique(groups, return_inverse=True)[1]
    ones = np.bincount(codes, weights=y)
    sizes = np.bincount(codes)
    kept: NDArray[np.bool_] = ((ones > 0) & (ones < sizes))[codes]
    return kept


def _standardised(x: Matrix) -> Matrix:
    spread = x.std(axis=0)
    out: Matrix = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return out


def _folds(units: Integers, rng: np.random.Generator) -> Integers:
    codes = np.unique(units, return_inverse=True)[1]
    count = int(codes.max()) + 1
    assigned: Integers = (rng.permutation(count) % FOLDS)[codes]
    return assigned


def _shuffled(y: Vector, groups: Integers, rng: np.random.Generator) -> Vector:
    # Shuffles within each stratum: the k-th unit of a stratum gets the label of its k-th in a random order.
    out = np.empty_like(y)
    out[np.argsort(groups, kind="stable")] = y[np.lexsort((rng.random(len(y)), groups))]
    return out


def _held_out(x: Matrix, labels: Matrix, groups: Integers, fold: Integers) -> Matrix:
    """Scores of each unit by a classifier that did not see its fold, for many labellings at once; like `labels`."""
    centred = labels - _means(labels, groups)
    out = np.zeros_like(labels)
    for number in range(FOLDS):
        away, here = fold != number, fold == number
        if away.any() and here.any():
            out[here] = x[here] @ _solved(x[away], centred[away])
    return out


def _solved(x: Matrix, targets: Matrix) -> Matrix:
    gram = x.T @ x + RIDGE * np.eye(x.shape[1])
    solved: Matrix = np.asarray(np.linalg.solve(gram, x.T @ targets), dtype=np.float64)
    return solved


def _means(values: Matrix, groups: Integers) -> Matrix:
    sizes = np.bincount(groups)
    sums = np.stack([np.bincount(groups, weights=column) for column in values.T], axis=1)
    means: Matrix = np.asarray(sums / sizes[:, None], dtype=np.float64)[groups]
    return means


def _auc(scores: Vector, y: Vector, groups: Integers) -> float:
    """Mean over strata of the chance that a unit with label 1 scores above one with label 0, weighted by pairs."""
    order = np.lexsort((scores, groups))
    score, group, ones = scores[order], groups[order], y[order]
    heads = np.flatnonzero(np.append(True, (np.diff(group) != 0) | (np.diff(score) != 0)))
    tie = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(score))))
    zeros_before = np.cumsum(1 - ones) - (1 - ones)
    first = np.flatnonzero(np.append(True, np.diff(group) != 0))
    base = np.repeat(zeros_before[first], np.diff(np.append(first, len(group))))
    tied_zeros = np.bincount(tie, weights=1 - ones)[tie]
    below = zeros_before[heads][tie] - base
    wins = float((ones * (below + 0.5 * tied_zeros)).sum())
    positive = np.bincount(group, weights=ones)
    pairs = float((positive * (np.bincount(group) - positive)).sum())
    return wins / pairs


def _interval(auc: float, scores: Vector, y: Vector, groups: Integers, level: float) -> tuple[float, float]:
    """Interval by the placements of DeLong, DeLong and Clarke-Pearson 1988, summed over strata."""
    variance = total = 0.0
    for group in np.unique(groups):
        mine = groups == group
        ones, zeros = scores[mine & (y == 1)], scores[mine & (y == 0)]
        above = (ones[:, None] > zeros[None, :]) + 0.5 * (ones[:, None] == zeros[None, :])
        pairs = float(above.size)
        total += pairs
        for placed in (above.mean(axis=1), above.mean(axis=0)):
            spread = placed.var(ddof=1) if len(placed) > 1 else 0.25
            variance += pairs**2 * spread / len(placed)
    half = z_two_sided(level) * float(np.sqrt(variance)) / total
    return max(auc - half, 0.0), min(auc + half, 1.0)
