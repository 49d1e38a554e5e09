"""Rates that were counted by a fallible detector, corrected by a sample that people labelled.

Prediction-powered estimate of a rate (Angelopoulos and others 2023) with the power-tuned weight, Rogan and Gladen's
estimate (1978) where sensitivity and specificity are known of these very answers, and the difference of two systems
on the same items: what the detector says of all items, plus its mean error in the sample (a difference estimator),
with both uncertainties. Sensitivity and specificity of one system are never carried to another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Interval, finite_vector, share_interval
from headgate.stats.paired import PairedComparison, compare_paired
from headgate.stats.power import mde
from headgate.stats.quantiles import z_two_sided

ONE_SIDED = 0.9  # level of the interval whose ends are one-sided bounds at 5 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a detector did on labelled answers."""

    n: int
    sensitivity: Interval
    specificity: Interval


def agreement_of(truth: Sequence[bool], found: Sequence[bool], level: float = 0.95) -> Agreement:
    """Sensitivity and specificity with intervals.

    Raises:
        Refused: not one finding for each label.
    """
    if len(truth) != len(found):
        raise Refused("one finding for each label is needed", found=f"{len(truth)} and {len(found)}")
    caught = sum(t and f for t, f in zip(truth, found, strict=True))
    spared = sum(not t and not f for t, f in zip(truth, found, strict=True))
    positives = sum(truth)
    return Agreement(
        n=len(truth),
        sensitivity=share_interval(caught, positives, level),
        specificity=share_interval(spared, len(truth) - positives, level),
    )


def rogan_gladen(share: float, sensitivity: float, specificity: float) -> float:
    """The rate behind a detector's share: (share + specificity - 1) / (sensitivity + specificity - 1), within 0..1.

    Raises:
        Refused: the detector tells nothing.
    """
    power = sensitivity + specificity - 1
    if power <= 0:
        raise Refused("a detector that is no better than chance corrects nothing", found=f"{power:+.2f}")
    return min(1.0, max(0.0, (share + specificity - 1) / power))


def powered_share(labels: ArrayLike, found: ArrayLike, others: ArrayLike, level: float = 0.95) -> Interval:
    """A rate from labels of a random sample and a detector's findings everywhere.

    `labels` and `found` are of the sample, `others` are findings on the answers outside it. With errors of the
    detector nowhere in the sample, as many may be outside as none in so many allows.

    Raises:
        Refused: an empty sample, or labels and findings that do not pair.
    """
    y, f = finite_vector(labels, "labels"), finite_vector(found, "findings")
    if len(y) != len(f):
        raise Refused("one finding for each label is needed", found=f"{len(y)} and {len(f)}")
    rest: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.asarray(others, dtype=np.float64)
    n, more = len(y), len(rest)
    if not more:
        return share_interval(float(y.sum()), n, level)
    spread = float(np.concatenate([f, rest]).var())
    together = float(np.mean((y - y.mean()) * (f - f.mean())))
    weight = together / (spread * (1 + n / more)) if spread > 0 else 0.0
    value = float(y.mean() + weight * (rest.mean() - f.mean()))
    left = float((y - weight * f).var(ddof=1)) if n > 1 else 0.25
    se = math.sqrt(left / n + weight**2 * spread / more)
    half = max(z_two_sided(level) * se, _unseen(y, f, n, level))
    return Interval(min(1.0, max(0.0, value)), max(0.0, value - half), min(1.0, value + half))


def _unseen(y: np.ndarray, f: np.ndarray, n: int, level: float) -> float:
    # A sample without an error of the detector says as much as any sample without a hit.
    return share_interval(0, n, level).high if bool((y == f).all()) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The items on which two systems answered in different words, and the sample of them that was labelled.

    Where both gave the same answer no detector can make a difference of them, and no label is needed.
    """

    count: int
    errors: tuple[float, ...]  # of each sampled item: difference by labels minus difference by the detector
    complete: bool = False  # whether all of them were labelled; then the detector has no say


def corrected_difference(
    reference: ArrayLike, candidate: ArrayLike, changed: Changed, *, clusters: ArrayLike | None = None
) -> PairedComparison:
    """Candidate minus reference by a detector, with its error measured on a sample of the changed items.

    Raises:
        Refused: scores that do not pair, or a sample larger than what it was drawn from.
    """
    raw = compare_paired(reference, candidate, clusters=clusters)
    if len(changed.errors) > changed.count:
        raise Refused("a sample larger than its items", found=f"{len(changed.errors)} of {changed.count}")
    if changed.complete or not changed.count:
        return raw
    share, m = changed.count / raw.n, len(changed.errors)
    error = float(np.mean(changed.errors)) if m else 0.0
    z = z_two_sided(ONE_SIDED)
    low, high = raw.interval(ONE_SIDED)
    own = max(raw.d - low, high - raw.d) / z
    less, more = _error_range(changed.errors)
    theirs = max(error - less, more - error) / z
    d, se = raw.d + share * error, math.hypot(own, share * theirs)
    wide = z_two_sided(raw.level) * se
    return replace(
        raw,
        d=d,
        se=se,
        low=max(-1.0, d - wide),
        high=min(1.0, d + wide),
        p=2 * min(0.5, _tail(abs(d) / se)) if se > 0 else 1.0,
        smallest_visible=mde(se),
        method=f"{raw.method}; detector corrected on {m:,} of {changed.count:,} changed items",
        binary=False,
        candidate=min(1.0, max(0.0, raw.reference + d)),
        unpaired_se=max(raw.unpaired_se, se),
    )


def _error_range(errors: Sequence[float]) -> tuple[float, float]:
    """Bounds of the mean error: Wilson's for errors up and down, each at half of what both may miss."""
    m = len(errors)
    if not m:
        return -1.0, 1.0
    up, down = (min(m, sum(abs(one) for one in errors if one * sign > 0)) for sign in (1, -1))
    rise, fall = share_interval(up, m, ONE_SIDED), share_interval(down, m, ONE_SIDED)
    # None seen either way: what is unseen may lie on either side, and not on both at once.
    return rise.value - fall.value - _reach(rise, fall, low=True), rise.value - fall.value + _reach(rise, fall)


def _reach(rise: Interval, fall: Interval, *, low: bool = False) -> float:
    first, second = (rise, fall) if not low else (fall, rise)
    return math.hypot(first.high - first.value, second.value - second.low)


def _tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def labels_needed(comparison: PairedComparison, changed: Changed, margin: float) -> int:
    """Labels of changed items that bring the detector's part of the doubt down to half the margin, none in error."""
    share = changed.count / comparison.n if comparison.n else 0.0
    if share <= 0 or margin <= 0:
        return 0
    for wanted in range(1, changed.count):
        if share * share_interval(0, wanted, ONE_SIDED).high <= margin / 2:
            return wanted
    return changed.count
