"""The numbers of the governor: cross-fitted looks, divergence and its curve, drift, degenerate answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.degenerate import Answers, judge_degenerate
from headgate.stats.governing import (
    choose,
    correlation_lost,
    divergence_of_best,
    divergence_of_samples,
    drifts,
    fit_curve,
    looks_at,
    one_sided,
)
from headgate.stats.verdict import Outcome

N = 200
HALVES = np.arange(N) % 2 == 0


def flat(steps: int, seed: int, rate: float = 0.5) -> np.ndarray:
    """Outcomes of steps that are all equally good, one hard-or-easy for each prompt."""
    rng = np.random.default_rng(seed)
    return (rng.random((steps, N)) < rate).astype(float)


def rising(steps: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.arange(steps)[:, None] * 0.2 + rng.normal(0, 0.1, (steps, N))


def test_a_fall_under_a_rising_proxy_parts() -> None:
    outcome = flat(2, 1)
    outcome[1, outcome[0] == 1] = (np.arange(int(outcome[0].sum())) % 3 > 0).astype(float)
    outcome[1, outcome[0] == 0] = 0
    (look,) = looks_at(rising(2), outcome, HALVES)
    assert look.parted
    assert look.high < 0
    assert (0, 0) == look.against


def test_a_fall_without_a_rising_proxy_does_not_part() -> None:
    outcome = flat(2, 1)
    outcome[1] = 0
    (look,) = looks_at(np.zeros((2, N)), outcome, HALVES)
    assert not look.parted
    assert look.p_outcome < 0.001


def test_prompts_do_not_choose_what_they_are_compared_with() -> None:
    """Of many equal steps the best on a half is best by luck: on the other half the newest does not seem to fall."""
    crossed, naive = [], []
    for seed in range(60):
        outcome = flat(12, seed)
        crossed.append(looks_at(rising(12), outcome, HALVES)[-1].outcome)
        best = outcome[:-1].mean(axis=1).argmax()
        naive.append(float((outcome[-1] - outcome[best]).mean()))
    assert abs(np.mean(crossed)) < 0.012
    assert np.mean(naive) < -0.04


def test_equal_steps_rarely_stop() -> None:
    """The level is shared by all looks: a whole series of equal steps stops in 5 % of cases or fewer."""
    stopped = sum(
        any(look.parted for look in looks_at(rising(5), flat(5, seed), HALVES, planned=4)) for seed in range(200)
    )
    assert stopped <= 15


def test_planned_looks_share_the_level() -> None:
    assert 0.05 / 12 == pytest.approx(looks_at(rising(2), flat(2, 0), HALVES, planned=12)[0].allowed)


@pytest.mark.parametrize(
    ("proxy", "outcome"), [((2, 10), (2, 10)), ((1, N), (1, N)), ((2, N), (3, N))], ids=["few", "one step", "shapes"]
)
def test_too_little_is_refused(proxy: tuple[int, int], outcome: tuple[int, int]) -> None:
    with pytest.raises(Refused):
        looks_at(np.zeros(proxy), np.zeros(outcome), np.arange(proxy[1]) % 2 == 0)


def test_the_sign_test_is_exact() -> None:
    assert 0.5**5 == pytest.approx(one_sided([1, 1, 1, 1, 1, 0, 0]))
    assert 1.0 == one_sided([0.0, 0.0, 0.0])


def test_clusters_widen_the_test() -> None:
    """Twenty copies of an answer are one answer."""
    change = np.repeat([1.0, 1.0, 0.0, -1.0, 1.0], 20)
    assert one_sided(change) < 0.001 < one_sided(change, np.repeat(np.arange(5), 20))


def test_a_choice_is_told_by_prompts_that_did_not_make_it() -> None:
    found = [choose(flat(8, seed), HALVES) for seed in range(60)]
    assert abs(np.mean([one.outcome for one in found]) - 0.5) < 0.012
    assert np.mean([one.flattered for one in found]) > 0.54


def test_divergence_of_best_of_n() -> None:
    assert 0.0 == divergence_of_best(1)
    assert math.log(16) - 15 / 16 == pytest.approx(divergence_of_best(16))
    with pytest.raises(Refused):
        divergence_of_best(0)


def test_divergence_of_samples_meets_the_true_one() -> None:
    """k3 has the divergence of two known distributions as its mean."""
    policy, reference = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    drawn = np.random.default_rng(0).choice(3, size=40_000, p=policy)
    found = divergence_of_samples(np.log(policy)[drawn], np.log(reference)[drawn])
    assert float(policy @ np.log(policy / reference)) == pytest.approx(found, rel=0.03)


@pytest.mark.parametrize(
    ("form", "peak"), [("best-of-n", 0.4 / (2 * 0.2)), ("rl", math.exp(0.4 / 0.2 - 1))], ids=["best-of-n", "rl"]
)
def test_a_planted_curve_is_found_again(form: str, peak: float) -> None:
    d = np.array([0.0, 0.4, 0.8, 1.2, 1.6, 2.4])
    bent = d * (0.4 - 0.2 * d) if form == "best-of-n" else d * (0.4 - 0.2 * np.log(np.maximum(d, 1e-9)))
    outcome = bent[:, None] + np.random.default_rng(0).normal(0, 0.05, (6, 300))
    curve = fit_curve(d**2, outcome, outcome, form=form)  # type: ignore[arg-type]
    assert curve is not None
    assert curve.low <= peak <= curve.high
    assert peak == pytest.approx(curve.peak, rel=0.15)


def test_no_curve_from_two_steps() -> None:
    assert fit_curve([0.0, 0.5, 1.0], np.zeros((3, 30)), np.zeros((3, 30)), form="rl") is None


def test_drift_is_the_paired_change_in_its_deviations() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(0, 3, (500, 2))
    after = before + np.stack([rng.normal(0.5, 1, 500), rng.normal(0, 1, 500)], axis=1)
    gained = 2 * (after - before)[:, 0] + rng.normal(0, 0.1, 500)
    length, other = drifts(before, after, ["length", "other"], gained=gained)
    assert ("length", 0.5) == (length.feature, pytest.approx(length.d_z, abs=0.1))
    assert length.low > 0.3
    assert length.explained > 0.95
    assert other.low < 0 < other.high


def test_correlation_that_is_lost_is_seen() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, N))
    proxy = np.stack([truth[0] + rng.normal(0, 0.5, N), rng.normal(size=N)])
    first, last, p = correlation_lost(proxy, truth)
    assert first > 0.8 > 0.2 > last
    assert p < 1e-6
    assert 0.5 < correlation_lost(np.stack([truth[0], truth[0]]), np.stack([truth[0], truth[0]]))[2] + 0.5


def answers(texts: list[int], **more: float) -> Answers:
    n = len(texts)
    told = {"empty": 0.0, "echo": 0.0, "overlap": math.nan} | more
    return Answers(same=texts, **{name: [value] * n for name, value in told.items()})


@pytest.mark.parametrize(
    ("newest", "word"),
    [
        (answers([0] * 100), "one text is 100%"),
        (answers(list(range(100)), empty=1.0), "hold no word"),
        (answers(list(range(100)), echo=0.9), "say the prompt back"),
        (answers(list(range(100)), overlap=0.04), "share 0.04 of their words"),
    ],
    ids=["constant", "empty", "echo", "gamed"],
)
def test_answers_that_are_none_fail(newest: Answers, word: str) -> None:
    verdict = judge_degenerate("s", newest, answers(list(range(100)), overlap=0.4))
    assert Outcome.FAIL is verdict.outcome
    assert word in verdict.summary


def test_what_the_first_step_did_is_not_held_against_the_newest() -> None:
    """A task with two right answers has a commonest one from the start."""
    verdict = judge_degenerate("s", answers([0] * 60 + [1] * 40), answers([0] * 55 + [1] * 45))
    assert Outcome.PASS is verdict.outcome


def test_few_answers_are_no_pass() -> None:
    assert Outcome.UNSURE is judge_degenerate("s", answers(list(range(5)))).outcome
