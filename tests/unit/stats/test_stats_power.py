"""Sample sizes and smallest visible effects, against the figures they are quoted with."""

import pytest

from headgate.kit.errors import Refused
from headgate.stats import power
from headgate.stats.intervals import share_interval


@pytest.mark.parametrize(
    ("drop", "discordance", "expected"),
    [
        (0.02, 0.10, 1960),
        (0.02, 0.15, 2941),
        (0.02, 0.20, 3922),
        (0.03, 0.10, 870),
        (0.03, 0.15, 1306),
        (0.03, 0.20, 1742),
        (0.05, 0.10, 312),
        (0.05, 0.15, 469),
        (0.05, 0.20, 626),
        (0.10, 0.10, 76),
        (0.10, 0.15, 115),
        (0.10, 0.20, 155),
    ],
)
def test_paired_items_needed(drop, discordance, expected):
    """Connor's formula gives the published table; a part of an item is rounded up."""
    assert power.items_needed_paired(drop, discordance) - expected in (0, 1)


@pytest.mark.parametrize(("margin", "expected"), [(0.05, 371), (0.03, 1031), (0.01, 9274)])
def test_items_needed_to_show_no_regression(margin, expected):
    """About 370, 1,030 and 9,300 items for margins of 5, 3 and 1 points at discordance 0.15."""
    assert expected == power.items_needed_non_inferior(margin, 0.15)


@pytest.mark.parametrize(("n", "bound"), [(100, 0.03), (300, 0.01), (600, 0.005)])
def test_zero_failures_bound_is_three_over_n(n, bound):
    """The rule of three."""
    assert pytest.approx(bound, rel=0.02) == power.zero_failures_bound(n)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.02, 0.2])
def test_items_for_zero_failures_is_the_smallest_that_works(rate):
    """One item fewer leaves the bound above the rate."""
    n = power.items_for_zero_failures(rate)
    assert power.zero_failures_bound(n) <= rate < power.zero_failures_bound(n - 1)


def test_smallest_visible_difference_inverts_the_items_needed():
    """The two shortcuts agree with each other."""
    effect = power.mde_paired(500, 0.15)
    assert pytest.approx(500, abs=1) == power.items_needed(effect, 0.15 - effect**2)


@pytest.mark.parametrize(("n", "low", "high"), [(1319, 0.038, 0.042), (200, 0.097, 0.107), (100, 0.135, 0.151)])
def test_published_smallest_visible_differences(n, low, high):
    """GSM8K: 3.8 to 4.2 points at 1,319 items, 9.7 to 10.7 at 200, 13.7 to 15.1 at 100."""
    assert low < power.mde_paired(n, 0.2737) < high


def test_smallest_visible_share_grows_with_the_threshold_and_falls_with_n():
    """Beside a threshold of zero one hit shows; beside another it must stand out."""
    assert pytest.approx(0.0096, abs=5e-5) == power.smallest_visible_share(312)
    assert 0.01 < power.smallest_visible_share(3000, 0.01) < power.smallest_visible_share(300, 0.01)
    assert (1.0, 1.0) == (power.smallest_visible_share(0), power.smallest_visible_share(50, 1.0))


@pytest.mark.parametrize(("hits", "of", "threshold"), [(2, 300, 0.01), (0, 50, 0.02), (5, 200, 0.01), (45, 50, 0.95)])
def test_rows_to_settle_is_the_smallest_that_settles(hits, of, threshold):
    """At that size the same share is told from the threshold, and one row earlier it is not."""
    n, share = power.rows_to_settle(hits, of, threshold), hits / of

    def told(rows):
        found = share_interval(share * rows, rows)
        return found.high <= threshold or found.low > threshold

    assert (True, False) == (told(n), told(n - 1))


def test_effects_that_cannot_be_are_refused():
    """No effect, an effect beyond the discordance, or a rate beyond one has no sample size."""
    for wrong in (
        lambda: power.items_needed(0.0, 0.1),
        lambda: power.items_needed_paired(0.2, 0.1),
        lambda: power.items_for_zero_failures(1.0),
    ):
        with pytest.raises(Refused):
            wrong()
