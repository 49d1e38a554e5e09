"""The classifier two-sample test: level, power, strata, clusters."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.two_sample import two_sample


def test_equal_sets_are_rejected_as_often_as_the_level_says() -> None:
    """Over 200 draws from one distribution, p falls under 0.1 in about a tenth, and the intervals hold 0.5."""
    rng = np.random.default_rng(7)
    found = [
        two_sample(rng.normal(size=(120, 5)), np.repeat([0, 1], 60), permutations=99, seed=draw) for draw in range(200)
    ]
    assert 0.05 <= np.mean([one.p <= 0.1 for one in found]) <= 0.16
    assert 0.88 <= np.mean([one.low <= 0.5 <= one.high for one in found])


def test_a_shift_is_seen_and_named() -> None:
    """One feature moved by one standard deviation: AUC near its theory, 0.76, and the feature stands out."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 6))
    y = np.repeat([0, 1], 400)
    x[y == 1, 3] += 1.0
    found = two_sample(x, y, permutations=199)
    assert 3 == int(np.argmax(np.abs(found.alone - 0.5)))
    assert 3 == int(np.argmax(found.weights))
    assert 0.005 == found.p
    assert found.low <= 0.760 <= found.high


def test_a_difference_between_strata_does_not_count() -> None:
    """Two topics with their own look, mixed 80 to 20 and 20 to 80: told apart without strata, not with them."""
    rng = np.random.default_rng(2)
    topic = np.concatenate([rng.random(400) < 0.8, rng.random(400) < 0.2]).astype(int)
    x = rng.normal(size=(800, 3)) + topic[:, None] * 2.0
    y = np.repeat([0, 1], 400)
    assert two_sample(x, y, permutations=99).auc > 0.7
    within = two_sample(x, y, strata=topic, permutations=99)
    assert within.low <= 0.5 <= within.high
    assert within.p > 0.01


def test_copies_of_one_unit_are_kept_on_one_side_of_a_fold() -> None:
    """Random labels by cluster of ten equal units: a classifier that saw the copies would know; this one does not."""
    rng = np.random.default_rng(3)
    x = np.repeat(rng.normal(size=(40, 20)), 10, axis=0)
    y = np.repeat(rng.permutation(np.repeat([0, 1], 20)), 10)
    leaking = two_sample(x, y, permutations=19)
    kept = two_sample(x, y, clusters=np.repeat(np.arange(40), 10), permutations=19)
    assert leaking.auc > 0.8
    assert kept.auc < 0.7


def test_strata_with_one_side_only_are_left_out() -> None:
    """Units that have nobody to be compared with are not counted."""
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], 50)
    strata = np.where(np.arange(100) % 50 < 40, 0, y + 1)
    assert (40, 40) == two_sample(rng.normal(size=(100, 2)), y, strata=strata, permutations=9).n


def test_too_few_units_are_refused() -> None:
    """Nine of one kind cannot be cross-validated."""
    with pytest.raises(Refused, match="too few units"):
        two_sample(np.zeros((30, 2)), np.repeat([0, 1], [21, 9]))
