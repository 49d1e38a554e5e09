"""The judges: what passes, what fails, and what cannot be told."""

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.judging import cannot_tell, judge_count, judge_difference, judge_interval, judge_share
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Measure, Outcome


def share(hits, of, **options):
    return judge_share(hits, of, name="hits", summary="s", **options)


def paired(gains, losses, n):
    """A comparison with this many gains and losses among n items."""
    before = np.r_[np.zeros(gains), np.ones(n - gains)]
    after = np.r_[np.ones(n - losses), np.zeros(losses)]
    return compare_paired(before, after)


@pytest.mark.parametrize(
    ("hits", "of", "at_most", "expected"),
    [
        (0, 300, 0.01, "pass"),
        (0, 298, 0.01, "unsure"),
        (1, 300, 0.01, "unsure"),
        (7, 312, 0.01, "fail"),
        (7, 312, 0.05, "pass"),
        (0, 0, 0.5, "unsure"),
    ],
)
def test_a_share_is_judged_by_its_interval(hits, of, at_most, expected):
    """At most 1 % needs about 300 rows without a hit, and a hit is not yet a failure."""
    assert expected == share(hits, of, at_most=at_most).outcome


@pytest.mark.parametrize(("hits", "of", "expected"), [(100, 100, "pass"), (80, 100, "unsure"), (50, 100, "fail")])
def test_a_share_may_be_wanted_high(hits, of, expected):
    """`at_least` mirrors `at_most`."""
    found = share(hits, of, at_least=0.85)
    assert (expected, {"at_least": 0.85}) == (found.outcome, found.threshold)


def test_a_doubt_names_the_rows_that_settle_it():
    """The number in the reason is the number at which the same share passes, and half of it does not do."""
    assert "needs about 3,123 more rows" in share(2, 300, at_most=0.01).reason
    assert (Outcome.PASS, Outcome.UNSURE) == (
        share(23, 3450, at_most=0.01).outcome,
        share(11, 1650, at_most=0.01).outcome,
    )


def test_a_share_on_the_threshold_never_settles():
    """Exactly at the threshold no number of rows helps, and the reason says so."""
    assert share(10, 100, at_most=0.1).reason.endswith("no number of rows will tell")


@pytest.mark.parametrize(("hits", "expected"), [(0, "pass"), (1, "fail")])
def test_zero_tolerance_is_a_census(hits, expected):
    """Where every row was looked at, none is a pass and one is a failure."""
    found = share(hits, 12, zero_tolerance=True)
    assert (expected, {"at_most": 0.0}) == (found.outcome, found.threshold)


def test_a_census_is_judged_by_its_value():
    """Without sampling the share itself decides."""
    assert (Outcome.PASS, Outcome.FAIL) == (
        share(1, 20, at_most=0.05, census=True).outcome,
        share(2, 20, at_most=0.05, census=True).outcome,
    )


def test_nothing_to_look_at_is_no_pass_even_for_a_census():
    """No rows cannot be free of failures."""
    assert (Outcome.UNSURE, "there is nothing to look at") == (
        share(0, 0, zero_tolerance=True).outcome,
        share(0, 0, zero_tolerance=True).reason,
    )


def test_a_promise_of_strength_needs_its_rows():
    """A rule that promises to see 1 % does not pass on 100 rows, and passes on 299."""
    short = share(0, 100, zero_tolerance=True, claim_strength=0.01)
    assert (Outcome.UNSURE, "100 rows cannot show a share of 1.00%; needs 199 more rows") == (
        short.outcome,
        short.reason,
    )
    assert Outcome.PASS == share(0, 299, zero_tolerance=True, claim_strength=0.01).outcome


def test_a_judge_without_a_threshold_is_refused():
    """Something to judge by must be given."""
    with pytest.raises(Refused):
        share(1, 10)


@pytest.mark.parametrize(
    ("count", "looked_at", "minimum", "expected"),
    [(0, 10, 1, "pass"), (3, 10, 1, "fail"), (0, 10, 50, "unsure"), (0, 0, 0, "unsure"), (3, 10, 50, "fail")],
)
def test_a_count_is_judged_by_itself(count, looked_at, minimum, expected):
    """A full count needs no interval, but a minimum of what was counted over."""
    found = judge_count(count, name="c", summary="s", looked_at=looked_at, at_most=2, minimum=minimum)
    assert expected == found.outcome


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.1, 0.2, "fail"), (0.45, 0.6, "unsure"), (0.55, 0.7, "pass"), (0.4, 0.45, "fail")]
)
def test_any_interval_is_judged_alike(low, high, expected):
    """Wrong side fails, right side passes, both sides cannot tell."""
    measure = Measure(
        name="diversity", value=(low + high) / 2, low=low, high=high, unit="ratio", n=200, smallest_visible=0.1
    )
    assert expected == judge_interval(measure, summary="s", at_least=0.5).outcome


def test_an_interval_from_too_few_units_does_not_pass():
    """The stated minimum holds whatever the interval says."""
    measure = Measure(name="agreement", value=0.9, low=0.8, high=0.95, unit="kappa", n=5, smallest_visible=0.1)
    found = judge_interval(measure, summary="s", at_least=0.6, minimum=30)
    assert (Outcome.UNSURE, "5 looked at, at least 30 are needed; needs 25 more") == (found.outcome, found.reason)


def test_an_interval_of_no_numbers_is_refused():
    """Missing ends are never taken for a pass."""
    measure = Measure(name="m", value=0.5, low=float("nan"), high=0.6, unit="share", n=9, smallest_visible=0.1)
    with pytest.raises(Refused):
        judge_interval(measure, summary="s", at_most=0.9)


def test_an_undecided_interval_says_how_many_more():
    """Half the width needs four times the data."""
    measure = Measure(name="m", value=0.4, low=0.2, high=0.6, unit="share", n=100, smallest_visible=0.1)
    assert "needs about 300 more" in judge_interval(measure, summary="s", at_most=0.5).reason


def test_a_value_on_the_limit_gets_no_number_of_rows():
    """Where a value lies almost on a limit, a number still needed would be a guess; the nearest limit decides."""
    measure = Measure(name="area", value=0.4501, low=0.39, high=0.56, unit="area", n=60, smallest_visible=0.1)
    found = judge_interval(measure, summary="s", at_least=0.45, at_most=0.55, counted="rows on each side")
    assert found.outcome is Outcome.UNSURE
    assert "so near to 0.45 that 100 times as many rows on each side would not tell" in found.reason
    middle = Measure(name="area", value=0.5, low=0.4, high=0.6, unit="area", n=60, smallest_visible=0.1)
    reason = judge_interval(middle, summary="s", at_least=0.45, at_most=0.55, counted="rows on each side").reason
    assert reason.endswith("needs about 180 more rows on each side")


def test_missing_evidence_cannot_tell():
    """Absent evidence is a doubt that blocks."""
    found = cannot_tell(summary="no suite was run", reason="nothing recorded")
    assert (Outcome.UNSURE, Level.BLOCK, True) == (found.outcome, found.level, found.blocks)


@pytest.mark.parametrize(
    ("kind", "gains", "losses", "n", "expected"),
    [
        ("superiority", 30, 5, 200, "pass"),
        ("superiority", 5, 30, 200, "fail"),
        ("superiority", 12, 10, 200, "unsure"),
        ("superiority", 5, 0, 26, "unsure"),  # the interval is above zero, the exact p-value is 0.0625
        ("non-inferiority", 40, 40, 1000, "pass"),
        ("non-inferiority", 10, 120, 1000, "fail"),
        ("non-inferiority", 4, 4, 50, "unsure"),
        ("equivalence", 40, 40, 1000, "pass"),
        ("equivalence", 150, 10, 1000, "fail"),
        ("equivalence", 10, 150, 1000, "fail"),
        ("equivalence", 30, 10, 400, "unsure"),
    ],
)
def test_claims_about_a_difference(kind, gains, losses, n, expected):
    """Each claim passes, fails or stays open by its own interval."""
    assert expected == judge_difference(paired(gains, losses, n), kind=kind, margin=0.05 * (kind[0] != "s")).outcome


def test_two_dozen_items_do_not_show_the_absence_of_a_regression():
    """At 26 items with usual discordance the answer is undecided and names about 370 items."""
    found = judge_difference(paired(2, 2, 26), kind="non-inferiority", margin=0.05)
    assert Outcome.UNSURE == found.outcome
    assert "no regression" not in found.summary
    needed = int(found.reason.split("needs about ")[1].split(" items")[0].replace(",", ""))
    assert 340 < needed < 400


def test_a_fall_from_22_to_16_of_164_programs_is_no_finding():
    """A fall of 13.4 to 9.8 % that is told as 27 % is neither a regression nor the absence of one."""
    before, after = (np.r_[np.ones(right), np.zeros(164 - right)] for right in (22, 16))
    for again in (after, np.r_[np.zeros(12), after[:16], after[28:]]):  # most of the same programs, and few of them
        found = judge_difference(compare_paired(before, again), kind="non-inferiority", margin=0.02)
        assert (Outcome.UNSURE, -6 / 164) == (found.outcome, pytest.approx(found.measure.value))


def test_no_regression_is_said_only_when_it_was_shown():
    """The words and the outcome belong together."""
    found = judge_difference(paired(40, 40, 1000), kind="non-inferiority", margin=0.05)
    assert found.summary.startswith("no regression beyond 5 points")
    assert 0.9 == found.measure.level == found.measure.as_json()["level"]


def test_few_clusters_do_not_pass():
    """A large gain on three conversations stays open."""
    clusters = np.repeat(np.arange(3), 100)
    comparison = compare_paired(np.zeros(300), np.full(300, 0.9) + 0.01 * (clusters - 1), clusters=clusters)
    found = judge_difference(comparison, kind="non-inferiority", margin=0.05)
    assert (Outcome.UNSURE, "3 looked at, at least 10 are needed; needs 7 more") == (found.outcome, found.reason)


def test_a_smallest_gain_may_be_asked_for():
    """Superiority by a margin is more than superiority."""
    comparison = paired(40, 10, 300)
    assert (Outcome.PASS, Outcome.UNSURE) == (
        judge_difference(comparison, kind="superiority").outcome,
        judge_difference(comparison, kind="superiority", margin=0.09).outcome,
    )
    assert Outcome.PASS == judge_difference(comparison, kind="superiority", margin=0.02).outcome


def test_a_hopeless_difference_is_told_so():
    """Where the present difference points the other way, more items are not promised to help."""
    found = judge_difference(paired(10, 12, 60), kind="superiority")
    assert found.reason.endswith("no number of items will show that it is better")


def test_numbers_of_a_comparison_travel_with_its_verdict():
    """A later decision finds the p-value of the claim in the details."""
    comparison = paired(30, 5, 200)
    stored = judge_difference(comparison, kind="superiority", details={"suite": "support"}).details
    assert ("support", comparison.p, 200, "superiority") == (
        stored["suite"],
        stored["comparison"]["p_claim"],
        stored["comparison"]["n"],
        stored["comparison"]["kind"],
    )


@pytest.mark.parametrize(("kind", "margin"), [("better", 0.0), ("equivalence", 0.0), ("non-inferiority", -0.1)])
def test_impossible_claims_are_refused(kind, margin):
    """Unknown kinds and margins that mean nothing are named."""
    with pytest.raises(Refused):
        judge_difference(paired(1, 1, 20), kind=kind, margin=margin)
