"""How sure a model is, against how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from headgate.kit.errors import Refused
from headgate.stats.calibration import brier_scores, calibration_of


def test_brier_is_that_of_the_library() -> None:
    """The same score from probabilities and outcomes."""
    p = np.random.default_rng(0).random(200)
    assert pytest.approx(brier_score_loss(np.ones(200), p, labels=[0, 1])) == calibration_of(p).brier
    assert pytest.approx(1 - calibration_of(p).brier) == brier_scores(p).mean()


def test_who_is_right_as_often_as_said_has_no_error() -> None:
    """0.8 of the right answer in eight of ten, 0.2 in the other two."""
    told = calibration_of([0.8] * 80 + [0.2] * 20)
    assert pytest.approx((0.8, 0.8)) == (told.confidence, told.accuracy)
    assert pytest.approx(0, abs=1e-9) == told.error and pytest.approx(0, abs=1e-9) == told.overconfidence


def test_certainty_that_is_wrong_costs_most() -> None:
    """Sure of everything and right in half: Brier 0.5, overconfident by fifty points."""
    told = calibration_of([1.0] * 50 + [0.0] * 50)
    assert (0.5, 0.5, 0.5) == (told.brier, told.error, told.overconfidence)
    assert 0.25 == calibration_of([0.5] * 10).brier


@pytest.mark.parametrize("wrong", [[], [1.2], [-0.1]])
def test_what_is_no_probability_is_refused(wrong: list[float]) -> None:
    """Nothing, or numbers outside 0 to 1."""
    with pytest.raises(Refused):
        calibration_of(wrong)
