"""Several tests at once, versions in a row, looks without end, and sealed pools."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from headgate.kit.errors import Refused
from headgate.stats import ladder
from headgate.stats.multiplicity import benjamini_hochberg, holm, level_per_look
from headgate.stats.sequences import confidence_sequence
from headgate.stats.trends import level_shift, rank_trend, trend_over_versions

P_VALUES = [0.01, 0.04, 0.03, 0.005, 0.9, 0.03]


@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_agree_with_statsmodels(ours, theirs):
    """Both corrections are the published ones."""
    assert list(multipletests(P_VALUES, method=theirs)[1]) == pytest.approx(ours(P_VALUES))


def test_no_claims_need_no_correction():
    """Nothing in, nothing out; a declared number of looks shares the level."""
    assert ([], [], 0.01) == (holm([]), benjamini_hochberg([]), level_per_look(5))
    with pytest.raises(Refused):
        holm([1.2])
    with pytest.raises(Refused):
        level_per_look(0)


def test_slope_of_one_item_per_cluster_is_the_mean_of_item_slopes():
    """The slope and its error come from the items, not from the few version means."""
    scores = np.random.default_rng(1).random((6, 50))
    slopes = [stats.linregress(np.arange(6), column).slope for column in scores.T]
    found = trend_over_versions(scores)
    expected = stats.ttest_1samp(slopes, 0.0)
    assert (pytest.approx(np.mean(slopes)), pytest.approx(expected.pvalue)) == (found.slope, found.p)
    assert pytest.approx(found.slope * 5) == found.total


def test_a_drift_too_small_for_each_step_is_seen_in_the_series():
    """Seven points over eight versions: no neighbours differ, the slope does."""
    rng = np.random.default_rng(5)
    ease = rng.random(600)
    scores = np.array([(ease + rng.normal(0, 0.1, 600) > 0.2 + 0.01 * step).astype(float) for step in range(8)])
    found = trend_over_versions(scores)
    steps = [stats.ttest_rel(a, b).pvalue for a, b in itertools.pairwise(scores)]
    assert min(holm(steps)) > 0.05
    assert found.p_falling < 0.01 and found.high < 0


def test_a_step_is_found_where_it_is():
    """A level that falls once is placed between the right versions."""
    rng = np.random.default_rng(3)
    scores = rng.random((7, 200)) * 0.5 + 0.3
    scores[4:] -= 0.2
    found = level_shift(scores)
    assert (4, pytest.approx(-0.2, abs=0.03)) == (found.after, found.change)
    assert found.p < 0.001


def test_series_without_any_spread():
    """Constant scores have no trend, and a common change has a certain one."""
    assert (1.0, 1.0) == (trend_over_versions(np.ones((4, 5))).p, trend_over_versions(np.ones((4, 5))).p_falling)
    falling = np.tile(np.array([[1.0], [0.5], [0.0]]), (1, 4))
    assert (-0.5, 0.0) == (trend_over_versions(falling).slope, trend_over_versions(falling).p_falling)


@pytest.mark.parametrize("scores", [np.ones((2, 5)), np.ones((5, 1)), np.ones(5), [[1.0, math.nan]] * 3])
def test_tables_without_a_trend_are_refused(scores):
    """Fewer than three versions, one item, or missing scores."""
    with pytest.raises(Refused):
        trend_over_versions(scores)


@pytest.mark.parametrize(
    "means", [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [3, 1, 2, 5, 4, 6, 7], [1, 5, 2, 4, 3, 6, 8, 7]]
)
def test_rank_trend_agrees_with_scipy(means):
    """Kendall's exact p-value."""
    expected = stats.kendalltau(np.arange(len(means)), means, method="exact").pvalue
    assert pytest.approx(expected) == rank_trend(means)


def test_rank_trend_is_silent_below_six_versions():
    """Four or five means cannot carry a rank trend."""
    assert (None, None) == (rank_trend([1, 2, 3, 4]), rank_trend([1, 2, 3, 4, 5]))
    assert 1.0 == rank_trend([2, 2, 2, 2, 2, 2])


@pytest.mark.parametrize("method", ["empirical-bernstein", "asymptotic"])
def test_a_sequence_narrows_and_decides(method):
    """A steady gain is seen after some values and stays seen."""
    d = np.random.default_rng(7).choice([-1.0, 0.0, 1.0], 1500, p=[0.05, 0.65, 0.30])
    found = confidence_sequence(d, method=method)
    width = found.high - found.low
    assert (np.diff(width) <= 1e-12).all() and width[-1] < 0.3
    seen = found.first_above(0.0)
    assert seen is not None and (found.low[seen - 1 :] > 0).all()
    assert found.first_below(0.0) is None and found.low[-1] < 0.25 < found.high[-1]


def test_a_sequence_refuses_what_it_cannot_bound():
    """Values beyond the declared range and unknown methods are named."""
    with pytest.raises(Refused):
        confidence_sequence([0.1, 1.4])
    with pytest.raises(Refused):
        confidence_sequence([0.1], method="wald")


def test_a_constant_stream_is_no_certainty():
    """Fifty ties do not prove that the two systems are equal."""
    for method in ("empirical-bernstein", "asymptotic"):
        found = confidence_sequence(np.zeros(50), method=method)
        assert found.low[-1] < -0.05 and found.high[-1] > 0.05


def test_the_ladder_repeats_its_best_until_it_is_beaten_by_a_step():
    """A gain below the step tells nothing."""
    rungs = ladder.Ladder(step=0.05)
    answers = [rungs.submit(np.r_[np.ones(hits), np.zeros(100 - hits)]) for hits in (60, 63, 66, 50)]
    assert [True, False, True, False] == [answer.better for answer in answers]
    assert [0.6, 0.6, 0.65, 0.65] == pytest.approx([answer.best for answer in answers])


def test_the_parameter_free_ladder_takes_its_step_from_the_scores():
    """The step is the standard error of the difference to the best so far."""
    rungs = ladder.Ladder()
    first, second = np.r_[np.ones(50), np.zeros(50)], np.r_[np.ones(70), np.zeros(30)]
    rungs.submit(first)
    answer = rungs.submit(second)
    assert (True, pytest.approx(np.std(second - first, ddof=1) / 10)) == (answer.better, answer.step)
    with pytest.raises(Refused):
        rungs.submit(np.ones(5))


def test_what_answers_cost():
    """One bit for pass or fail, 1.58 for three answers; ten bits on 1,000 items bound the error by 0.073."""
    assert (1.0, "1.58", "0.073") == (
        ladder.bits_of(2),
        f"{ladder.bits_of(3):.2f}",
        f"{ladder.error_bound(10, 1000):.3f}",
    )


def test_looks_within_a_tolerated_inflation():
    """An error of 0.0126 and two tolerated points allow three looks; without an error, as many as one likes."""
    assert 3 == ladder.looks_within(0.02, 0.0126)
    assert ladder.look_cost(3, 0.0126) <= 0.02 < ladder.look_cost(4, 0.0126)
    assert ladder.looks_within(0.02, 0.0) > 10**6
    assert pytest.approx(0.1) == ladder.default_step(100)
