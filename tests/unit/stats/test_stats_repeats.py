"""Several answers to each item, what the items of a comparison can show, and starts of a consensus."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from headgate.kit.errors import Refused
from headgate.stats.claims import judge_difference, power_of, power_words
from headgate.stats.intervals import beta_interval
from headgate.stats.kappa import cohen_kappa
from headgate.stats.paired import compare_paired
from headgate.stats.repeats import compare_repeated, items_needed_repeated, repeated


def drawn(items: int, answers: int, seed: int, spread: float = 0.3, shift: float = 0.0) -> list[np.ndarray]:
    """Answers of right or wrong to items whose own rates differ."""
    rng = np.random.default_rng(seed)
    rates = np.clip(rng.normal(0.5 + shift, spread, items), 0, 1)
    return [(rng.random(answers) < rate).astype(float) for rate in rates]


def test_parts_of_the_variance_are_those_that_were_put_in() -> None:
    """Normal items of spread 2 and answers of spread 3: omega^2 is 4, sigma^2 is 9."""
    rng = np.random.default_rng(0)
    told = repeated([rng.normal(mean, 3, 5) for mean in rng.normal(0, 2, 4000)])
    assert pytest.approx(4, rel=0.08) == told.between
    assert pytest.approx(9, rel=0.05) == told.within
    assert pytest.approx(told.mean.se, rel=1e-9) == told.se_with(5)


def test_more_answers_never_beat_the_floor() -> None:
    """The standard error falls with the number of answers towards omega / sqrt(n), and not below."""
    told = repeated(drawn(300, 4, seed=1))
    assert told.se_with(4) > told.se_with(64) > told.floor
    assert pytest.approx(told.floor, rel=1e-3) == told.se_with(10**6)


def test_different_numbers_of_answers_count_by_the_harmonic_mean() -> None:
    """One answer here and four there weigh as 1.6 answers everywhere."""
    told = repeated([[0, 1, 1, 1], [1], [0, 0, 1, 0], [0]])
    assert pytest.approx(1.6) == told.answers


def test_one_answer_to_each_item_has_no_parts() -> None:
    """Noise and difficulty cannot be told apart from one answer."""
    with pytest.raises(Refused, match="two answers"):
        repeated([[1], [0], [1]])
    with pytest.raises(Refused, match="the same items"):
        compare_repeated([[1, 0], [1, 1]], [[1, 0]])
    with pytest.raises(Refused, match="above zero"):
        items_needed_repeated(0.0, 1.0)


def test_items_needed_with_more_answers_are_fewer() -> None:
    """By hand: (1.96 + 0.84)^2 (0.1 + 0.2 / 4 + 0.2 / 4) / 0.05^2 = 628; with one answer each 1,570."""
    assert 628 == items_needed_repeated(0.05, 0.1, within=(0.2, 0.2), answers=(4, 4))
    assert 1570 == items_needed_repeated(0.05, 0.1, within=(0.2, 0.2), answers=(1, 1))


def test_a_paired_difference_with_repeats() -> None:
    """The same items with a shift: the standard error is that of the items' mean differences."""
    before, after = drawn(400, 6, seed=2), drawn(400, 6, seed=2, shift=0.1)
    told = compare_repeated(before, after)
    means = [b.mean() - a.mean() for a, b in zip(before, after, strict=True)]
    assert pytest.approx(np.std(means, ddof=1) / math.sqrt(400)) == told.se
    assert told.items_needed(0.05, answers=(1, 1)) > told.items_needed(0.05) > told.items_needed(0.05, answers=(64, 64))


def test_beta_interval_is_that_of_scipy() -> None:
    """3 of 9 under an even prior: Beta(4, 7)."""
    found, theirs = beta_interval(3, 9), scipy.stats.beta(4, 7)
    assert pytest.approx((theirs.mean(), *theirs.interval(0.95))) == (found.value, found.low, found.high)
    with pytest.raises(Refused, match="prior"):
        beta_interval(1, 2, prior=(0.0, 1.0))


@pytest.mark.parametrize("kind", ["superiority", "non-inferiority", "equivalence"])
def test_every_verdict_of_a_comparison_tells_its_power(kind: str) -> None:
    """Passed, failed or unsure: what the items can show, and how many more 80 % of power take."""
    rng = np.random.default_rng(3)
    before = (rng.random(120) < 0.7).astype(float)
    for after in (before, np.ones(120), np.zeros(120), (rng.random(120) < 0.7).astype(float)):
        power = judge_difference(compare_paired(before, after), kind=kind, margin=0.05).details["power"]
        assert power["items"] == 120 and 0 <= power["power"] <= 1
        assert power["items_more"] == max(0, power["items_needed"] - 120)
        assert "120 items show" in power_words(power)


def test_power_is_what_simulation_finds() -> None:
    """Non-inferiority within 5 points of two equal systems that differ on 15 of 100 items, 370 items."""
    rng = np.random.default_rng(4)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        differ, up = rng.random(370) < 0.15, rng.random(370) < 0.5
        before = np.where(differ, ~up, rng.random(370) < 0.8).astype(float)
        return before, np.where(differ, up, before).astype(float)

    compared = [compare_paired(*draw()) for _ in range(400)]
    passed = np.mean([one.interval(0.9)[0] > -0.05 for one in compared])
    told = np.mean([power_of(one, "non-inferiority", 0.05)["power"] for one in compared])
    assert abs(passed - told) < 0.06 and 0.7 < told < 0.9


def test_no_margin_shows_nothing_of_equals() -> None:
    """Without a margin equals cannot be shown to be no worse; only the visible effect is told."""
    power = power_of(compare_paired([0, 1, 1, 0], [1, 1, 0, 0]), "non-inferiority", 0.0)
    assert {"items", "visible"} == set(power)


def test_kappa_stands_beside_prevalence_and_what_no_judge_may_be_praised_for() -> None:
    """Nine of ten labels are equal: always saying that label agrees on 90 % and has no kappa."""
    people = np.array([0] * 90 + [1] * 10)
    constant = cohen_kappa(people, np.zeros(100, dtype=int), labels=2)
    assert (0.9, 0.9, 0.0) == (constant.prevalence, constant.null, constant.kappa.value)
    again = np.array([0] * 88 + [1] * 12)
    assert 0 == constant.of_ceiling(cohen_kappa(people, again, labels=2))
    assert 1 == cohen_kappa(people, again, labels=2).of_ceiling(cohen_kappa(people, again, labels=2))
