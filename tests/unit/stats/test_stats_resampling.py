"""Resampling: oracles, exactness for few clusters, and what degenerate data give."""

import itertools

import numpy as np
import pytest
from scipy import stats

from headgate.kit.errors import Refused
from headgate.stats.resampling import bca, null_test, resampled_null, sign_flip


def test_few_clusters_are_flipped_exhaustively():
    """With few clusters the p-value is the share of all sign patterns that are as extreme."""
    sums = np.array([0.4, 0.1, 0.3, -0.2, 0.5])
    totals = [
        abs(sum(s * v for s, v in zip(signs, sums, strict=True))) for signs in itertools.product((-1, 1), repeat=5)
    ]
    assert np.mean([total >= abs(sums.sum()) - 1e-12 for total in totals]) == sign_flip(sums)


def test_many_clusters_agree_with_scipy():
    """Random flips approach SciPy's permutation test of paired differences."""
    values = np.random.default_rng(1).normal(0.2, 1, 80)
    expected = stats.permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(2)
    ).pvalue
    assert pytest.approx(expected, abs=0.012) == sign_flip(values)


def test_flips_of_nothing():
    """Differences that are all zero are no evidence."""
    assert (1.0, 1.0) == (sign_flip([0.0, 0.0]), sign_flip([0.0]))


def test_bca_agrees_with_scipy():
    """For a metric that is no mean the interval is SciPy's within the noise of resampling."""
    rng = np.random.default_rng(3)
    values = rng.lognormal(0, 0.7, 60)
    expected = stats.bootstrap(
        (values,), np.median, n_resamples=4000, method="BCa", rng=np.random.default_rng(4)
    ).confidence_interval
    found = bca(lambda rows: float(np.median(values[rows])), 60, draws=4000)
    width = expected.high - expected.low
    assert (pytest.approx(expected.low, abs=0.12 * width), pytest.approx(expected.high, abs=0.12 * width)) == (
        found.low,
        found.high,
    )


def test_bca_resamples_whole_clusters():
    """Repeated items, told to be repeats, give the interval of the items once."""
    values = np.random.default_rng(5).random(30)
    once = bca(lambda rows: float(values[rows].mean()), 30, draws=1000)
    repeated = np.repeat(values, 3)
    told = bca(lambda rows: float(repeated[rows].mean()), 90, clusters=np.repeat(np.arange(30), 3), draws=1000)
    assert (pytest.approx(once.low), pytest.approx(once.high)) == (told.low, told.high)


def test_bca_of_a_constant():
    """A metric that never moves has an interval without width, and two items have none at all."""
    found = bca(lambda rows: 1.0, 10, draws=50)
    assert (1.0, 1.0) == (found.low, found.high)
    with pytest.raises(Refused):
        bca(lambda rows: 1.0, 2)


def test_a_null_ranks_what_is_observed():
    """An observation below all honest resamples is as rare as the number of resamples allows."""
    rows = np.arange(1000.0)
    null = resampled_null(lambda chosen: float(rows[chosen].mean()), 1000, 100, draws=99)
    assert (0.01, 1.0) == (null.p_low(0.0), null.p_high(0.0))
    assert (1.0, 0.01) == (null.p_low(999.0), null.p_high(999.0))
    assert null.quantile(0.025) < null.median < null.quantile(0.975)
    with pytest.raises(Refused):
        resampled_null(lambda chosen: 0.0, 10, 11)


def test_the_null_test_calibrates_a_threshold():
    """The calibrated threshold raises the tolerated share of false alarms, a bare one far more."""
    scores = (np.random.default_rng(6).random(200) < 0.5).astype(float)

    def gap(a, b):
        return abs(float(scores[a].mean() - scores[b].mean()))

    bare = null_test(gap, 200, 0.02)
    calibrated = null_test(gap, 200, bare.calibrated)
    assert bare.alarms.low > 0.3
    assert calibrated.alarms.value <= 0.05
    assert {"threshold", "calibrated", "false_alarms", "splits"} == set(bare.as_json())
    with pytest.raises(Refused):
        null_test(gap, 1, 0.1)
