"""Levels of groups that share no items: lines, shares and cumulated sums."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.series import cusum, fitted_share, share_of_first


def drawn(levels: list[float], seed: int, size: int = 16) -> list[np.ndarray]:
    """Normal scores around some levels, with a spread of a twentieth."""
    rng = np.random.default_rng(seed)
    return [rng.normal(level, 0.05, size) for level in levels]


def test_a_line_through_exact_levels() -> None:
    """Without noise the shares are those of the levels."""
    groups = [[level, level] for level in (1.0, 0.9, 0.8)]
    kept = fitted_share(groups)
    assert (0.8, 0.8, 0.8, 0.0) == tuple(round(each, 12) for each in (kept.value, kept.low, kept.high, kept.p))
    assert pytest.approx(0.8) == share_of_first(groups).value
    assert pytest.approx(0.85) == share_of_first(groups, since=1).value
    assert pytest.approx(0.8 / 0.95) == share_of_first(groups, since=2).value


def test_intervals_cover_nothing_lost_as_often_as_they_say() -> None:
    """Over 400 series without drift, between 92 and 98 % of the intervals hold 1."""
    covered = np.mean(
        [[kept.low <= 1 <= kept.high for kept in (fitted_share(g), share_of_first(g))]
         for g in (drawn([1.0] * 4, seed) for seed in range(400))], axis=0
    )  # fmt: skip
    assert ((covered >= 0.92) & (covered <= 0.98)).all()


def test_a_drift_that_no_step_shows_is_seen_by_the_line() -> None:
    """Four versions that lose 2 per cent each: the line sees it far more often than any single step."""
    series = [drawn([1.0, 0.98, 0.96, 0.94], seed) for seed in range(100)]
    line = sum(fitted_share(groups).p < 0.05 for groups in series)
    steps = sum(min(share_of_first(groups[n : n + 2]).p for n in range(3)) < 0.05 / 3 for groups in series)
    assert line >= 90
    assert steps <= 50


def test_sums_cross_at_a_shift_and_name_its_beginning() -> None:
    """A fall after the third version; without one, at most one series in twenty of six versions crosses."""
    found = cusum(drawn([1.0, 1.0, 1.0, 0.9, 0.9], 3))
    assert (3, True) == (found.began, found.crossed is not None)
    crossed = sum(cusum(drawn([1.0] * 4, seed)).crossed is not None for seed in range(400))
    assert crossed <= 0.08 * 400


@pytest.mark.parametrize("groups", [[[1.0, 1.0]], [[1.0], [1.0, 2.0]], [[0.0, 0.0], [1.0, 1.0]]])
def test_what_cannot_be_compared_is_refused(groups: list[list[float]]) -> None:
    """One version, one score, and nothing that could be lost."""
    with pytest.raises(Refused):
        share_of_first(groups)
    with pytest.raises(Refused):
        fitted_share(groups)
