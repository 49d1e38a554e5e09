"""How far annotators agree beyond chance: Krippendorff's alpha with an interval, and what to read beside it.

alpha = 1 - D_o / D_e (Krippendorff 2004): observed over expected disagreement, for any number of annotators
and missing labels. With n_uc the times that item u got label c, m_u their sum and n the sum over items
with two labels or more, D_o = sum_u n_u' D n_u / (m_u - 1) / n and D_e = n_c' D n_c / (n (n - 1)).
The interval resamples items: labels of one item are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headgate.kit.errors import Refused
from headgate.stats.votes import Floats, Votes

Scale = Literal["nominal", "ordinal", "interval"]
DRAWS = 2_000
CHUNK = 1 << 22  # cells held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of annotators on items that two or more of them labelled."""

    alpha: float
    low: float
    high: float
    items: int  # that two or more labelled
    labels: int  # given to them
    observed: float  # share of pairs of labels of one item that are equal
    prevalence: float  # share of the most frequent label; near 1, alpha falls however well people agree
    adjusted: float  # (observed - 1/K) / (1 - 1/K): agreement with chance taken as even over K labels


def agreement(
    votes: Votes,
    *,
    scale: Scale = "nominal",
    values: Sequence[float] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha with a percentile bootstrap over items.

    `values` are the numbers that labels stand for, where the scale is `interval`; an `ordinal` scale is the order
    of the labels' numbers.

    Raises:
        Refused: fewer than two items that two annotators labelled.
    """
    counts = votes.per_item()
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) < 2:
        raise Refused("agreement needs two items that two annotators labelled", found=str(len(counts)))
    patterns, places = np.unique(counts, axis=0, return_inverse=True)
    times = np.bincount(places.ravel(), minlength=len(patterns)).astype(np.float64)
    distances = _distances(counts.sum(axis=0), scale, values)
    sizes = patterns.sum(axis=1)
    parts = np.einsum("uc,ck,uk->u", patterns, distances, patterns) / (sizes - 1)
    alpha = float(_alpha(times[None, :], patterns, parts, distances)[0])
    resampled = _resampled(times, patterns, parts, distances, draws, seed)
    tail = (1 - level) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail)) if np.isfinite(resampled).all() else (-1.0, 1.0)
    equal = float((times * (patterns * (patterns - 1)).sum(axis=1) / (sizes - 1)).sum() / (times * sizes).sum())
    used = max(int((counts.sum(axis=0) > 0).sum()), 2)
    return Agreement(
        alpha=alpha,
        low=min(float(low), alpha),
        high=max(float(high), alpha),
        items=len(counts),
        labels=int(counts.sum()),
        observed=equal,
        prevalence=float(counts.sum(axis=0).max() / counts.sum()),
        adjusted=(equal - 1 / used) / (1 - 1 / used),
    )


def _distances(totals: Floats, scale: Scale, values: Sequence[float] | None) -> Floats:
    """Squared differences between labels, (K, K)."""
    count = len(totals)
    if scale == "nominal":
        return 1.0 - np.eye(count)
    if scale == "interval":
        if values is None or len(values) != count:
            raise Refused("an interval scale needs a number for each label", wanted=f"{count} numbers")
        numbers = np.asarray(values, dtype=np.float64)
        spread: Floats = (numbers[:, None] - numbers[None, :]) ** 2
        return spread
    below = np.cumsum(totals) - totals / 2  # the sum from c to k less half of both ends is a difference of these
    ranks: Floats = (below[:, None] - below[None, :]) ** 2
    return ranks


def _alpha(weights: Floats, patterns: Floats, parts: Floats, distances: Floats) -> Floats:
    """Alpha of each row of weights over patterns; 1 where only one label was ever given, as nobody disagreed."""
    totals = weights @ patterns
    n = totals.sum(axis=1)
    expected = np.einsum("bc,ck,bk->b", totals, distances, totals) / (n - 1)
    observed = weights @ parts
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.where(expected > 0, 1 - observed / expected, 1.0)
    return out


def _resampled(times: Floats, patterns: Floats, parts: Floats, distances: Floats, draws: int, seed: int) -> Floats:
    # Items with the same labels are interchangeable, so that a draw of items is a draw of patterns.
    rng = np.random.default_rng(seed)
    total = int(times.sum())
    block = max(1, CHUNK // len(times))
    out = []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        drawn = rng.multinomial(total, times / times.sum(), size=size).astype(np.float64)
        out.append(_alpha(drawn, patterns, parts, distances))
    return np.concatenate(out)
