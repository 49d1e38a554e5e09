"""Paired comparisons: the published figures, oracles, and small or degenerate data."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from headgate.kit.errors import Refused
from headgate.stats.paired import compare_paired, mcnemar, tango_above, tango_interval, tango_score
from headgate.stats.resampling import bca

FIXTURE = Path(__file__).parents[2] / "fixtures/gsm8k_verdicts/verdicts.json"


@pytest.fixture(scope="module")
def verdicts():
    """Right or wrong on 1,319 test items for four models."""
    return {name: np.array([float(bit) for bit in bits]) for name, bits in json.loads(FIXTURE.read_text()).items()}


def test_published_comparison_is_reproduced(verdicts):
    """6B with verification against 175B fine-tuned: d -0.0432, SE 0.0144, exact p 0.00315, 152/209."""
    found = compare_paired(verdicts["6b_verification"], verdicts["175b_finetuning"])
    assert ("-0.0432", "0.0144", "0.0188", "0.00315") == (
        f"{found.d:.3g}",
        f"{found.se:.3g}",
        f"{found.unpaired_se:.3g}",
        f"{found.p:.3g}",
    )
    assert (152, 209) == found.discordant
    assert (pytest.approx(-0.0714, abs=2e-4), pytest.approx(-0.0150, abs=2e-4)) == (found.low, found.high)


def test_published_smallest_visible_differences(verdicts):
    """At n = 1,319 these models differ visibly from 3.8 to 4.2 points."""
    names = sorted(verdicts)
    found = [
        compare_paired(verdicts[a], verdicts[b]).smallest_visible for i, a in enumerate(names) for b in names[i + 1 :]
    ]
    assert min(found) > 0.0375 and max(found) < 0.0425


def test_published_bootstrap_interval_is_reproduced(verdicts):
    """A bootstrap of the same difference gives -0.0705 to -0.0144 within the noise of resampling."""
    difference = verdicts["175b_finetuning"] - verdicts["6b_verification"]
    found = bca(lambda rows: float(difference[rows].mean()), len(difference), draws=4000)
    assert (pytest.approx(-0.0705, abs=0.002), pytest.approx(-0.0144, abs=0.002)) == (found.low, found.high)


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (1, 0), (5, 0), (8, 3), (152, 209)])
def test_exact_mcnemar_agrees_with_statsmodels(gains, losses):
    """The exact p-value is the published one."""
    expected = statsmodels_mcnemar([[10, gains], [losses, 10]], exact=True).pvalue
    assert pytest.approx(expected) == mcnemar(gains, losses)


def test_score_interval_inverts_the_score_test():
    """At each end of the interval the score statistic is plus or minus the normal quantile."""
    low, high = tango_interval(12, 5, 80)
    assert (pytest.approx(1.959964, abs=1e-5), pytest.approx(-1.959964, abs=1e-5)) == (
        tango_score(12, 5, 80, low),
        tango_score(12, 5, 80, high),
    )


def test_score_interval_of_a_published_example():
    """Tango (1998): 44 pairs, 1 against 0 discordant, difference 0.023, interval -0.060 to 0.118."""
    low, high = tango_interval(1, 0, 44)
    assert (pytest.approx(-0.060, abs=1e-3), pytest.approx(0.118, abs=1e-3)) == (low, high)


def test_one_sided_values_agree_with_the_interval():
    """The bound of a 90 % interval is where the one-sided p-value is 5 %."""
    low, _ = tango_interval(12, 5, 80, level=0.90)
    assert pytest.approx(0.05, abs=1e-6) == tango_above(12, 5, 80, low)
    found = compare_paired(np.r_[np.zeros(12), np.ones(68)], np.r_[np.ones(75), np.zeros(5)])
    assert pytest.approx(0.05, abs=1e-6) == found.p_above(found.interval(0.90)[0])
    assert pytest.approx(0.05, abs=1e-6) == found.p_below(found.interval(0.90)[1])


def test_equal_answers_are_no_certainty():
    """Where no item differs the interval still allows what n items cannot show."""
    found = compare_paired(np.ones(26), np.ones(26))
    assert (0.0, 1.0, (0, 0)) == (found.d, found.p, found.discordant)
    assert found.low < -0.05 and found.high > 0.05


def test_equal_scores_in_clusters_are_no_certainty():
    """The same holds for clusters whose scores are no plain right and wrong."""
    scores = np.full(40, 0.7)
    found = compare_paired(scores, scores, clusters=np.repeat(np.arange(10), 4))
    assert (10, 1.0) == (found.clusters, found.p)
    assert found.low < -0.2 and found.high > 0.2
    assert found.p_above(-0.05) > 0.05


def test_scores_that_are_no_shares_use_the_t_interval():
    """Partial credit gets the paired t interval."""
    rng = np.random.default_rng(3)
    before, after = rng.random(25), rng.random(25)
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    found = compare_paired(before, after)
    assert (pytest.approx(expected.low), pytest.approx(expected.high)) == (found.low, found.high)
    one_sided = stats.ttest_rel(after, before, alternative="greater").pvalue
    assert pytest.approx(one_sided) == found.p_above(0.0)


def test_clusters_widen_what_repeats_narrowed():
    """Each item four times, told to be four times the same item, is as wide as the item once."""
    rng = np.random.default_rng(4)
    before, after = rng.random(30), rng.random(30)
    once = compare_paired(before, after)
    told = compare_paired(np.repeat(before, 4), np.repeat(after, 4), clusters=np.repeat(np.arange(30), 4))
    untold = compare_paired(np.repeat(before, 4), np.repeat(after, 4))
    assert (pytest.approx(once.low), pytest.approx(once.high), once.clusters) == (told.low, told.high, told.clusters)
    assert untold.high - untold.low < 0.6 * (told.high - told.low)


def test_many_clusters_use_the_t_distribution():
    """Beyond two thousand clusters the flips are replaced by the distribution that they approach."""
    rng = np.random.default_rng(5)
    before, after = rng.random(2500), np.clip(rng.random(2500) + 0.02, 0, 1)
    found = compare_paired(before, after)
    assert pytest.approx(stats.ttest_rel(after, before).pvalue) == found.p
    assert found.method.startswith("t test")


def test_a_single_cluster_says_nothing():
    """One conversation, however long, has no interval but the whole range."""
    found = compare_paired([0, 0, 0], [1, 1, 1], clusters=["a", "a", "a"])
    assert (-1.0, 1.0, 1.0) == (found.low, found.high, found.p)


@pytest.mark.parametrize(
    ("before", "after"), [([0.1], [0.1, 0.2]), ([], []), ([2.0, 0.1], [0.1, 0.2]), ([float("nan")], [0.1])]
)
def test_unusable_scores_are_refused(before, after):
    """Different lengths, no items, scores beyond 0..1 and missing scores have no comparison."""
    with pytest.raises(Refused):
        compare_paired(before, after)


def test_the_same_seed_gives_the_same_answer():
    """Random flips depend on the seed alone."""
    rng = np.random.default_rng(6)
    before, after = rng.random(60), rng.random(60)
    assert compare_paired(before, after, seed=3) == compare_paired(before, after, seed=3)
