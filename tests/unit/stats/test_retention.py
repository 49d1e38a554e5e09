"""What is left of a gain: the ratio, its interval, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.retention import judge_retention, retention
from headgate.stats.verdict import Outcome


def scores(n: int, base: float, single: float, kept: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Items of three models; the candidate is right where the single is, but for a share of what was gained."""
    rng = np.random.default_rng(seed)
    b = rng.random(n) < base
    s = b | (rng.random(n) < (single - base) / (1 - base))
    c = b | (s & (rng.random(n) < kept))
    return b.astype(float), s.astype(float), c.astype(float)


def judged(b, s, c) -> Outcome:
    return judge_retention(retention(b, s, c), at_least=0.9, name="kept", summary="x").outcome


@pytest.mark.parametrize(("kept", "outcome"), [(1.0, Outcome.PASS), (0.5, Outcome.FAIL), (0.0, Outcome.FAIL)])
def test_a_gain_that_is_kept_passes_and_one_that_is_lost_fails(kept: float, outcome: Outcome) -> None:
    """With room on both sides of the threshold."""
    b, s, c = scores(400, 0.1, 0.9, kept)
    assert outcome is judged(b, s, c)
    assert (kept == 0) == retention(b, s, c).like_base


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Nineteen times in twenty, over many draws, also where the base is not at nothing."""
    for base, single, kept in ((0.0, 0.8, 0.7), (0.3, 0.9, 0.4), (0.1, 0.5, 0.9)):
        found = [retention(*scores(120, base, single, kept, seed)) for seed in range(400)]
        inside = np.mean([one.low <= kept <= one.high for one in found])
        assert 0.93 <= inside <= 0.99
        if kept == 0.9:  # the very threshold: passed and failed by chance alone, each in one of forty
            verdicts = [judged(*scores(120, base, single, kept, seed)) for seed in range(100)]
            assert max(verdicts.count(Outcome.PASS), verdicts.count(Outcome.FAIL)) <= 8


def test_few_items_that_all_agree_are_no_proof() -> None:
    """What is equal on every item passes only where the items could have shown a loss."""
    for n, outcome in ((12, Outcome.UNSURE), (60, Outcome.PASS)):
        b, s = np.zeros(n), np.ones(n)
        assert outcome is judged(b, s, s)


def test_without_a_gain_there_is_nothing_to_keep() -> None:
    """A single adapter that is no better than the base gives no verdict, whatever the candidate does."""
    b, s, c = scores(100, 0.5, 0.5, 1.0)
    found = retention(b, s, c)
    assert (False, math.inf, Outcome.UNSURE) == (found.gained, found.high, judged(b, s, c))
    b, s, c = scores(40, 0.5, 0.52, 1.0, seed=3)
    assert Outcome.UNSURE is judged(b, s, c)


def test_items_that_hang_together_count_as_one() -> None:
    """The same scores in clusters of four give a wider interval."""
    b, s, c = scores(200, 0.1, 0.9, 0.8)
    loose = retention(b, s, c)
    tied = retention(*(np.repeat(one, 4) for one in (b, s, c)), clusters=np.repeat(np.arange(200), 4))
    assert (loose.value, loose.low, loose.n) == pytest.approx((tied.value, tied.low, tied.n))
    assert retention(*(np.repeat(one, 4) for one in (b, s, c))).low > tied.low


def test_scores_must_be_of_the_same_items() -> None:
    """And of two at least."""
    for lists in (([0.0], [1.0], [1.0]), ([0.0, 0.0], [1.0], [1.0])):
        with pytest.raises(Refused):
            retention(*lists)
