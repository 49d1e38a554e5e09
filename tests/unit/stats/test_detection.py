"""Rates and differences of a fallible detector, corrected by labels."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.claims import judge_difference
from headgate.stats.detection import (
    Changed,
    agreement_of,
    corrected_difference,
    labels_needed,
    powered_share,
    rogan_gladen,
)
from headgate.stats.verdict import Outcome


def test_rogan_gladen_undoes_the_errors() -> None:
    """A rate of 0.3 seen by a detector of 0.8 and 0.9 shows as 0.31."""
    assert pytest.approx(0.3) == rogan_gladen(0.3 * 0.8 + 0.7 * 0.1, 0.8, 0.9)
    assert 0.0 == rogan_gladen(0.02, 0.8, 0.9)
    with pytest.raises(Refused, match="no better than chance"):
        rogan_gladen(0.5, 0.4, 0.6)


def test_agreement_has_intervals() -> None:
    """Ten of ten is not certainty."""
    found = agreement_of([True] * 10 + [False] * 10, [True] * 10 + [False] * 9 + [True])
    assert (1.0, 0.9) == (found.sensitivity.value, found.specificity.value)
    assert 0.6 < found.sensitivity.low < 1.0


def test_a_biased_detector_is_put_right() -> None:
    """It misses a third of the refusals; the corrected interval holds the truth, the raw share does not."""
    drawn = np.random.default_rng(1)
    truth = drawn.random(1000) < 0.6
    found = truth & (drawn.random(1000) < 0.67)
    told = powered_share(truth[:120].astype(float), found[:120].astype(float), found[120:].astype(float))
    assert told.low < 0.6 < told.high
    assert found.mean() < told.low
    assert told.high - told.low < 0.18


def test_no_error_in_a_small_sample_is_no_certainty() -> None:
    """Forty labels without an error leave room for seven points of errors."""
    truth = np.r_[np.ones(20), np.zeros(20)]
    told = powered_share(truth, truth, np.r_[np.ones(200), np.zeros(200)])
    assert told.high - 0.5 > 0.06


def test_the_same_answers_need_no_labels() -> None:
    """Where nothing changed the detector has nothing to err about."""
    scores = np.r_[np.ones(200), np.zeros(100)]
    compared = corrected_difference(scores, scores, Changed(count=0, errors=()))
    assert Outcome.PASS is judge_difference(compared, kind="non-inferiority", margin=0.03).outcome


def test_changed_answers_without_labels_decide_nothing() -> None:
    """The detector sees no loss, and nobody has looked at what it saw."""
    scores = np.r_[np.ones(200), np.zeros(100)]
    blind = corrected_difference(scores, scores, Changed(count=300, errors=()))
    seen = corrected_difference(scores, scores, Changed(count=300, errors=(0.0,) * 40))
    assert Outcome.UNSURE is judge_difference(blind, kind="non-inferiority", margin=0.5).outcome
    assert Outcome.UNSURE is judge_difference(seen, kind="non-inferiority", margin=0.03).outcome
    assert Outcome.PASS is judge_difference(seen, kind="non-inferiority", margin=0.1).outcome
    assert 150 < labels_needed(seen, Changed(count=300, errors=()), 0.03) < 300


def test_the_mean_error_moves_the_difference() -> None:
    """Half of the sampled refusals were answers in truth: no change by the detector is a loss by labels."""
    scores = np.ones(300)
    drawn = Changed(count=150, errors=(-1.0, 0.0) * 30)
    compared = corrected_difference(scores, scores, drawn)
    assert pytest.approx(-0.25) == compared.d
    assert Outcome.FAIL is judge_difference(compared, kind="non-inferiority", margin=0.03).outcome


def test_the_interval_covers() -> None:
    """A detector that errs in a tenth: of 300 tunes that lose nothing few are called losers, of 300 losers few pass."""
    failed = passed = 0
    for seed in range(300):
        drawn = np.random.default_rng(seed)
        for loss in (0.0, 0.1):
            before = drawn.random(300) < 0.8
            after = before & (drawn.random(300) > loss / 0.8)
            seen = [one ^ (drawn.random(300) < 0.1) for one in (before, after)]
            errors = (after.astype(float) - before) - (seen[1].astype(float) - seen[0])
            compared = corrected_difference(
                seen[0].astype(float), seen[1].astype(float), Changed(count=300, errors=tuple(errors[:80]))
            )
            outcome = judge_difference(compared, kind="non-inferiority", margin=0.1).outcome
            failed += loss == 0 and outcome is Outcome.FAIL
            passed += loss > 0 and outcome is Outcome.PASS
    assert failed <= 15
    assert passed <= 24
