"""Curves over numbers of examples: flat ones raise no alarm, and a collapse that the items show is told."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.fewshot_curve import Curve, curve_of, judge_curve
from headgate.stats.verdict import Outcome

COUNTS = (0, 1, 2, 4, 8)


def drawn(n: int, seed: int, lost: float = 0.0) -> Curve:
    """A flat curve around 0.6, the last point lower by `lost`."""
    rng = np.random.default_rng(seed)
    rates = np.clip(rng.normal(0.6, 0.2, n), 0, 1)
    return curve_of({k: (rng.random(n) < rates - lost * (k == COUNTS[-1])).astype(float) for k in COUNTS})


@pytest.mark.parametrize("n", [10, 30, 100])
def test_flat_curves_raise_no_alarm(n: int) -> None:
    """At most one in twenty; the published rules fire on 65, 38 and 14 in a hundred."""
    assert sum(judge_curve(drawn(n, seed)).outcome is Outcome.FAIL for seed in range(60)) <= 3


def test_a_collapse_is_told_with_its_numbers() -> None:
    """Thirty points lost with the most examples, on 150 items."""
    verdict = judge_curve(drawn(150, 1, lost=0.3))
    assert Outcome.FAIL is verdict.outcome
    assert "more examples do harm" in verdict.summary
    assert [*COUNTS] == verdict.details["curve"]["counts"]
    assert sorted(verdict.details["curve"]["fitted"]) == verdict.details["curve"]["fitted"]


def test_few_items_are_unsure_and_say_how_many_are_needed() -> None:
    """Fifteen items that fall by two of them say nothing."""
    verdict = judge_curve(drawn(15, 2))
    assert Outcome.UNSURE is verdict.outcome and "needs about" in verdict.reason


def test_a_plateau_is_where_more_surely_brings_nothing() -> None:
    """Two examples do all that eight do; of a rising curve there is no plateau."""
    rng = np.random.default_rng(3)
    base, right = rng.random(400) < 0.4, rng.random(400) < 0.8
    step = {0: base, 1: base, 2: right, 4: right, 8: right}
    assert 2 == curve_of({k: v.astype(float) for k, v in step.items()}).plateau()
    rising = {k: (np.arange(400) < 100 + 40 * i).astype(float) for i, k in enumerate(COUNTS)}
    assert curve_of(rising).plateau() is None


def test_clusters_count_and_not_items() -> None:
    """The same five inputs asked forty times are five."""
    one = np.repeat(np.array([1.0, 0, 1, 1, 0]), 40)
    worse = np.repeat(np.array([1.0, 0, 0, 1, 0]), 40)
    curve = {0: one, 8: worse}
    assert Outcome.FAIL is judge_curve(curve_of(curve)).outcome
    assert Outcome.UNSURE is judge_curve(curve_of(curve, clusters=np.repeat(np.arange(5), 40))).outcome


def test_a_curve_needs_the_same_items_everywhere() -> None:
    """One point, or other items at one of them, is no curve."""
    with pytest.raises(Refused, match="the same items"):
        curve_of({0: [1, 0, 1]})
    with pytest.raises(Refused, match="the same items"):
        curve_of({0: [1, 0, 1], 2: [1, 0]})
