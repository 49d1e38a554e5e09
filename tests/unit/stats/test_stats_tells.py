"""What moves a judge, Cohen's kappa, and the gap of a rubric: known numbers and known truths."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.kappa import cohen_kappa
from headgate.stats.rubric_gap import exploitation, gains, overfit_gap
from headgate.stats.tells import lengths, logit


def choices(gold: float, length: float, place: float, n: int = 40_000, seed: int = 1):
    rng = np.random.default_rng(seed)
    columns = {
        "gold": rng.choice([-1.0, 1.0], n),
        "length": rng.uniform(-1, 1, n),
        "place": np.tile([1.0, -1.0], n // 2),
    }
    odds = gold * columns["gold"] + length * columns["length"] + place * columns["place"]
    return (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float), columns


@pytest.mark.parametrize(("gold", "length", "place"), [(1.5, 0.0, 0.3), (0.6, 1.1, 0.9), (1.0, -0.4, 0.0)])
def test_coefficients_are_found_again(gold: float, length: float, place: float) -> None:
    """The model that made the choices lies within every interval."""
    outcome, columns = choices(gold, length, place)
    model = logit(outcome, columns)
    for name, true in (("gold", gold), ("length", length), ("place", place)):
        interval = model.interval(name, level=0.999)
        assert interval.low < true < interval.high
    index = model.index("length", "gold")
    assert abs(index.value - abs(length) / gold) < 0.1
    assert 0 <= index.low <= index.value <= index.high


def test_a_judge_that_is_never_wrong_has_finite_coefficients() -> None:
    """Perfect separation ends, and shows no tell."""
    _, columns = choices(1, 0, 0, n=200)
    model = logit((columns["gold"] > 0).astype(float), columns)
    assert np.isfinite(model.values).all()
    assert model.index("length", "gold").value < 0.2


def test_a_judge_against_the_truth_has_no_index() -> None:
    """Where the truth counts nothing, every tell is infinite."""
    outcome, columns = choices(-1.0, 1.0, 0.0)
    assert np.isinf(logit(outcome, columns).index("length", "gold").value)


def test_clusters_widen_intervals() -> None:
    """Choices of one pair are not independent: each counted eight times is no more than once."""
    outcome, columns = choices(1.0, 0.5, 0.2, n=400)
    repeated = {name: np.repeat(values, 8) for name, values in columns.items()}
    once = logit(outcome, columns).interval("length")
    many = logit(np.repeat(outcome, 8), repeated, clusters=np.repeat(np.arange(400), 8)).interval("length")
    assert abs((many.high - many.low) / (once.high - once.low) - 1) < 0.1
    with pytest.raises(Refused):
        logit([1.0, 0.0], {"gold": [1.0, -1.0]})


def test_lengths_are_symmetric() -> None:
    """Exchanged texts have the opposite sign; equal lengths are zero."""
    first, second = ["a" * 10, "b" * 50, "c"], ["a" * 20, "b" * 10, "c"]
    assert np.allclose(lengths(first, second), -lengths(second, first))
    assert 0.0 == lengths(["aa", "a"], ["bb", "bbb"])[0]


def test_kappa_of_a_known_table() -> None:
    """Cohen's textbook table: 20, 5, 10, 15 of 50 gives 0.4."""
    first = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    second = np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    found = cohen_kappa(first, second, labels=2)
    assert (0.4, 0.7) == (round(found.kappa.value, 6), found.raw.value)
    assert found.kappa.low < 0.4 < found.kappa.high
    same = np.zeros(10, dtype=np.int64)
    assert 0.0 == cohen_kappa(same, same, labels=2).kappa.value


def test_the_gap_by_hand() -> None:
    """Gains of two and of one baseline deviations are a gap of one."""
    rng = np.random.default_rng(1)
    train, held = rng.normal(0, 1, 500), rng.normal(0, 2, 500)
    train, held = (train - train.mean()) / train.std(ddof=1), (held - held.mean()) / held.std(ddof=1) * 2
    found = overfit_gap(train, train + 2, held, held + 2)
    assert (2.0, 1.0, 1.0) == (round(found.trained, 6), round(found.held_out, 6), round(found.gap.value, 6))
    with pytest.raises(Refused, match="without any spread"):
        overfit_gap([1, 1], [2, 2], [1, 2], [1, 2])


def test_exploitation_by_hand() -> None:
    """Of what is credited after, half is rejected, none before; all of that is new."""
    prompts = [f"q{i}" for i in range(100)]
    before, after = np.arange(100) < 50, np.ones(100, dtype=bool)
    found = exploitation(prompts, before, after, np.zeros(100), np.arange(100) >= 50, np.ones(100))
    assert found is not None
    assert (1.0, 0.5, 0.0, 0.5, 50) == (found.newly.value, found.after, found.before, found.rise.value, found.credited)
    assert exploitation(prompts, after, after, np.zeros(100), np.zeros(100), np.ones(100)) is None


def test_gains_by_criterion() -> None:
    """One rises, one falls, one stays; the order is that of the gains."""
    zeros, ones = np.zeros(60), np.ones(60)
    found = gains({"a": zeros, "b": ones, "c": zeros}, {"a": ones, "b": zeros, "c": zeros})
    assert [("a", 1), ("c", 0), ("b", -1)] == [(one.criterion, one.direction) for one in found]
