"""Intervals of one system, against oracles and against their own promises."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from headgate.kit.errors import Refused
from headgate.stats.intervals import bounded_mean, clopper_pearson, mean_interval, share_interval, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (7, 312), (50, 100), (99, 100), (100, 100), (3, 5000)])
def test_wilson_agrees_with_statsmodels(k, n):
    """Wilson's interval is the published one."""
    low, high = proportion_confint(k, n, method="wilson")
    found = wilson(k, n)
    assert (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12)) == (found.low, found.high)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (7, 312)])
def test_clopper_pearson_agrees_with_scipy(k, n):
    """The exact interval is the published one."""
    expected = stats.binomtest(k, n).proportion_ci(method="exact")
    found = clopper_pearson(k, n)
    assert (pytest.approx(expected.low, abs=1e-9), pytest.approx(expected.high, abs=1e-9)) == (found.low, found.high)


def test_example_of_the_contract():
    """7 of 312 prints as 0.0224, 0.011 to 0.0456."""
    found = wilson(7, 312)
    assert (0.0224, 0.0109, 0.0456) == (round(found.value, 4), round(found.low, 4), round(found.high, 4))


@pytest.mark.parametrize("n", [1, 30, 300, 5000])
def test_zero_hits_leave_room_for_three_in_n(n):
    """With no hit the upper end is the exact one-sided bound, and with all hits its mirror image."""
    none, every = share_interval(0, n), share_interval(n, n)
    assert pytest.approx(0.05) == (1 - none.high) ** n
    assert (none.low, none.high) == (pytest.approx(1 - every.high), pytest.approx(1 - every.low))


def test_nothing_looked_at_says_nothing():
    """No rows give the whole range."""
    found = wilson(0, 0)
    assert (0.0, 1.0) == (found.low, found.high)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k, n):
    """More hits than rows, or fewer than none, is a mistake of the caller."""
    with pytest.raises(Refused):
        wilson(k, n)


def test_mean_of_independent_items_is_the_t_interval():
    """Without clusters the interval is the textbook one."""
    values = np.random.default_rng(1).random(40)
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    found = mean_interval(values)
    assert (pytest.approx(low), pytest.approx(high), pytest.approx(1.0)) == (found.low, found.high, found.design_effect)


def test_clustered_error_agrees_with_statsmodels():
    """Cluster-robust errors are those of a regression on a constant, up to its small-sample factor."""
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(12), 7)
    values = rng.random(84) + rng.normal(0, 1, 12)[labels]
    fitted = sm.OLS(values, np.ones(84)).fit(
        cov_type="cluster", cov_kwds={"groups": labels, "use_correction": False}, use_t=True
    )
    assert pytest.approx(float(fitted.bse[0]) * math.sqrt(12 / 11)) == mean_interval(values, clusters=labels).se


def test_repeats_of_the_same_items_are_not_new_items():
    """Five inputs scored 36 times each carry the information of five inputs."""
    per_input = np.array([0.1, 0.4, 0.5, 0.6, 0.9])
    found = mean_interval(np.repeat(per_input, 36), clusters=np.repeat(np.arange(5), 36))
    assert (5, pytest.approx(mean_interval(per_input).se)) == (found.clusters, found.se)
    assert found.design_effect > 30


def test_one_cluster_has_no_interval():
    """A mean over a single conversation is refused, and so is a missing score."""
    with pytest.raises(Refused):
        mean_interval([0.1, 0.2], clusters=["a", "a"])
    with pytest.raises(Refused):
        mean_interval([0.1, math.nan])
    with pytest.raises(Refused):
        mean_interval([0.1, 0.2], clusters=["a"])


def test_scores_that_are_all_alike_still_have_an_interval():
    """Ten ones in ten clusters allow what no failure in ten allows; and no end leaves the scale."""
    found = bounded_mean([1.0] * 30, clusters=[i % 10 for i in range(30)])
    assert (share_interval(10, 10).low, 1.0) == (pytest.approx(found.low), found.high)
    middle = bounded_mean([0.5] * 20)
    assert 0.0696 == pytest.approx(0.5 - middle.low, abs=1e-4) == pytest.approx(middle.high - 0.5, abs=1e-4)
    near = bounded_mean([1.0] * 9 + [0.0])
    assert (1.0, mean_interval([1.0] * 9 + [0.0]).low) == (near.high, near.low)
