"""Statements about verdicts that hold for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.stats.intervals import share_interval, wilson
from headgate.stats.judging import judge_difference, judge_share
from headgate.stats.multiplicity import benjamini_hochberg, holm
from headgate.stats.paired import compare_paired, tango_interval
from headgate.stats.verdict import Outcome

bounded = settings(derandomize=True, max_examples=80, deadline=None)
thresholds = st.sampled_from([0.0, 0.005, 0.01, 0.05, 0.2, 0.5, 0.9])
kinds = st.sampled_from(["superiority", "non-inferiority", "equivalence"])
ORDER = {Outcome.PASS: 0, Outcome.UNSURE: 1, Outcome.FAIL: 2}


@st.composite
def counts(draw):
    """Hits among rows."""
    of = draw(st.integers(1, 2000))
    return draw(st.integers(0, of)), of


@st.composite
def tables(draw):
    """Gains, losses and items."""
    gains, losses = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    return gains, losses, gains + losses + draw(st.integers(2, 300))


def judged(hits, of, at_most):
    return judge_share(hits, of, name="x", summary="s", at_most=at_most)


def answers(gains, losses, n):
    before, after = np.ones(n), np.ones(n)
    before[:gains] = 0
    after[gains : gains + losses] = 0
    return before, after


@bounded
@given(counts(), thresholds)
def test_more_hits_never_make_a_verdict_milder(count, at_most):
    """One hit more never turns a failure into a doubt, or a doubt into a pass."""
    hits, of = count
    if hits < of:
        assert ORDER[judged(hits, of, at_most).outcome] <= ORDER[judged(hits + 1, of, at_most).outcome]


@bounded
@given(counts(), thresholds)
def test_more_of_the_same_never_turns_a_verdict_round(count, at_most):
    """Ten times the data at the same share narrows the interval and never exchanges pass and fail."""
    hits, of = count
    once, more = judged(hits, of, at_most), judged(10 * hits, 10 * of, at_most)
    assert more.measure.high - more.measure.low < once.measure.high - once.measure.low
    assert {once.outcome, more.outcome} != {Outcome.PASS, Outcome.FAIL}
    assert once.outcome is Outcome.UNSURE or once.outcome is more.outcome


@bounded
@given(st.integers(1, 2000), st.sampled_from([0.005, 0.01, 0.05, 0.2]))
def test_no_pass_below_the_rows_that_zero_failures_need(of, at_most):
    """A perfect result passes exactly when the rule of three allows it."""
    allowed = (1 - at_most) ** of <= 0.05 * (1 + 1e-9)
    assert allowed == (judged(0, of, at_most).outcome is Outcome.PASS)


@bounded
@given(counts())
def test_intervals_hold_their_value_and_their_range(count):
    """Low, value and high are in order and within 0..1, and a mirrored count gives a mirrored interval."""
    hits, of = count
    for interval in (wilson, share_interval):
        found, mirrored = interval(hits, of), interval(of - hits, of)
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert (found.low, found.high) == (pytest.approx(1 - mirrored.high), pytest.approx(1 - mirrored.low))


@bounded
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_items_changes_nothing(table, random):
    """A comparison depends on pairs and not on their order."""
    before, after = answers(*table)
    order = list(range(len(before)))
    random.shuffle(order)
    mixed = compare_paired(before[order], after[order])
    once = compare_paired(before, after)
    assert (once.low, once.high, once.p, once.discordant) == (mixed.low, mixed.high, mixed.p, mixed.discordant)
    assert pytest.approx(once.se) == mixed.se


@bounded
@given(tables())
def test_repeating_the_items_narrows_and_keeps_the_effect(table):
    """Four times the same items, taken for new ones, keep the difference and narrow its interval."""
    before, after = answers(*table)
    once, more = compare_paired(before, after), compare_paired(np.tile(before, 4), np.tile(after, 4))
    assert pytest.approx(once.d) == more.d
    assert more.high - more.low < once.high - once.low


@bounded
@given(tables())
def test_exchanging_the_systems_mirrors_the_comparison(table):
    """Candidate and reference exchanged give the negative difference and the same p-value."""
    before, after = answers(*table)
    there, back = compare_paired(before, after), compare_paired(after, before)
    assert (pytest.approx(there.low, abs=1e-9), there.p) == (pytest.approx(-back.high, abs=1e-9), back.p)
    assert pytest.approx(there.p_above(0.02)) == back.p_below(-0.02)


@bounded
@given(tables())
def test_more_gains_never_lower_the_interval(table):
    """Turning a tie into a gain moves neither end of the interval down."""
    gains, losses, n = table
    less, more = tango_interval(gains, losses, n), tango_interval(gains + 1, losses, n)
    assert more[0] >= less[0] - 1e-9 and more[1] >= less[1] - 1e-9


@bounded
@given(st.integers(0, 9), st.integers(0, 9), kinds)
def test_no_claim_passes_on_fewer_than_ten_items(gains, losses, kind):
    """Below the minimum the answer is never a pass, however large the effect."""
    n = min(9, max(2, gains + losses))
    before, after = answers(min(gains, n), min(losses, n - min(gains, n)), n)
    assert judge_difference(compare_paired(before, after), kind=kind, margin=0.9).outcome is not Outcome.PASS


@bounded
@given(tables(), kinds)
def test_every_doubt_says_why(table, kind):
    """An unsure verdict carries a reason with items, and a decided one carries none."""
    found = judge_difference(compare_paired(*answers(*table)), kind=kind, margin=0.05)
    assert (found.outcome is Outcome.UNSURE) == bool(found.reason)
    assert "items" in (found.reason or "items") or "more" in found.reason


@bounded
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_never_lower_a_p_value(p_values):
    """Holm is at least as strict as Benjamini-Hochberg, which is at least as strict as nothing."""
    for raw, explored, blocked in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert raw <= explored + 1e-12 and explored <= blocked + 1e-12 and blocked <= 1
