"""Agreement, consensus, independence, the alternative-annotator test and label errors, on cases known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.agreement import agreement
from headgate.stats.alternative import alternative_annotator, benjamini_yekutieli
from headgate.stats.consensus import accuracy_left_out, anchored_vote, dawid_skene, majority
from headgate.stats.independence import effective_votes, pairs, panel
from headgate.stats.label_errors import suspects
from headgate.stats.votes import Votes

# The reliability data of Krippendorff 2011, "Computing Krippendorff's alpha reliability": 12 units, 4 observers.
KRIPPENDORFF = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


def table(rows: object) -> Votes:
    """Votes from rows of labels, one row for each annotator; None where there is no label."""
    cells = [
        (item, who, int(label) - 1)
        for who, row in enumerate(rows)  # type: ignore[arg-type]
        for item, label in enumerate(row)
        if label is not None
    ]
    items, annotators, labels = zip(*cells, strict=True)
    return Votes.of(items, annotators, labels, (max(items) + 1, max(annotators) + 1, max(labels) + 1))


def drawn(errors: np.ndarray, right: np.ndarray) -> Votes:
    """Two labels; annotator a is wrong where errors[a]."""
    annotators, items = np.indices(errors.shape)
    labels = np.where(errors, 1 - right, right)
    return Votes.of(items.ravel(), annotators.ravel(), labels.ravel(), (errors.shape[1], errors.shape[0], 2))


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_table(scale: str, alpha: float) -> None:
    """The published values of all three scales come out to three digits, and lie in their intervals."""
    found = agreement(table(KRIPPENDORFF), scale=scale, values=[1, 2, 3, 4, 5])  # type: ignore[arg-type]
    assert alpha == pytest.approx(found.alpha, abs=0.0005)
    assert found.low <= found.alpha <= found.high
    assert (11, 40) == (found.items, found.labels)


def test_alpha_of_random_labels_is_zero() -> None:
    """Nobody agrees beyond chance, and the interval says so."""
    rng = np.random.default_rng(1)
    found = agreement(table(rng.integers(1, 4, (3, 500))))
    assert found.low < 0 < found.high


def test_agreement_needs_two_items() -> None:
    """One label an item is no agreement."""
    with pytest.raises(Refused):
        agreement(table(((1, 2, 1),)))


def test_dawid_skene_beats_majority_where_one_expert_sits_among_guessers() -> None:
    """Independent errors are what it is made for."""
    rng = np.random.default_rng(2)
    right = rng.integers(0, 2, 400)
    votes = drawn(rng.random((5, 400)) < np.array([0.05, 0.4, 0.4, 0.4, 0.4])[:, None], right)
    scores = [float((method(votes).labels == right).mean()) for method in (majority, dawid_skene)]
    assert scores[0] < 0.85
    assert scores[1] > 0.93


def test_dawid_skene_believes_a_clique_and_anchors_do_not() -> None:
    """Three annotators who share their errors outvote two who are right; twenty gold items put it right."""
    rng = np.random.default_rng(3)
    right = rng.integers(0, 2, 400)
    shared = rng.random(400) < 0.45
    errors = np.array([shared ^ (rng.random(400) < 0.02) for _ in range(3)] + [rng.random(400) < 0.1 for _ in range(2)])
    votes = drawn(errors, right)
    gold = np.full(400, -1)
    gold[:20] = right[:20]
    blind, anchored = dawid_skene(votes), anchored_vote(votes, gold)
    assert (blind.labels == right).mean() < 0.65
    assert (anchored.labels == right)[20:].mean() > 0.85
    assert accuracy_left_out(votes, gold)[1] == 20


def test_siblings_are_worth_less_than_one_and_a_half_votes() -> None:
    """5 % shared errors beside 3 % of their own; the stranger is independent of both."""
    rng = np.random.default_rng(4)
    right = rng.integers(0, 2, 2000)
    shared = rng.random(2000) < 0.05
    errors = np.array([shared | (rng.random(2000) < 0.03), shared | (rng.random(2000) < 0.03), rng.random(2000) < 0.08])
    found = {(one.first, one.second): one for one in pairs(drawn(errors, right), right, least=30)}
    assert effective_votes(2, found[0, 1].phi) < 1.5
    assert found[0, 1].low > 0.3
    assert found[0, 2].high < 0.3


def test_independent_annotators_keep_their_votes() -> None:
    """The pooled correlation covers zero in nearly all of a hundred panels."""
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        right = rng.integers(0, 2, 200)
        found = panel(drawn(rng.random((4, 200)) < 0.15, right), right)
        assert found is not None
        covered += found.rho.low <= 0 <= found.rho.high
    assert covered >= 90


def test_nine_judges_that_are_worth_two() -> None:
    """The formula reproduces the published pair of figures."""
    assert 2.0 == pytest.approx(effective_votes(9, 0.44), abs=0.01)
    assert 1.8 == pytest.approx(effective_votes(5, 0.44), abs=0.02)


def test_alternative_annotator_passes_a_peer_and_fails_a_guesser() -> None:
    """A fourth person beats three people less epsilon; a model that guesses beats nobody."""
    rng = np.random.default_rng(5)
    right = rng.integers(0, 2, 150)
    errors = rng.random((5, 150)) < np.array([0.05, 0.05, 0.05, 0.05, 0.5])[:, None]
    votes = drawn(errors, right)
    peer = alternative_annotator(votes, 3, [0, 1, 2], epsilon=0.15, least=30)
    guesser = alternative_annotator(votes, 4, [0, 1, 2], epsilon=0.15, least=30)
    assert peer is not None
    assert guesser is not None
    assert (1.0, 0.0) == (peer.low, guesser.high)
    assert alternative_annotator(votes, 3, [0, 1, 2], epsilon=0.15, least=200) is None


def test_benjamini_yekutieli_by_hand() -> None:
    """Each p-value times the harmonic sum of Benjamini and Hochberg's, never above one."""
    assert [0.055, 0.055, 0.1833333, 1.0][:2] == pytest.approx(benjamini_yekutieli([0.01, 0.02, 0.9])[:2], abs=0.001)


def test_suspects_are_rows_that_another_label_outdoes() -> None:
    """Thresholds are by label, so that a label the classifier is unsure of is not suspected wholesale."""
    told = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.45, 0.55], [0.5, 0.5], [0.95, 0.05]])
    found = suspects(told, np.array([0, 0, 1, 1, 1, 1]))
    assert ([5], [0]) == (found.rows.tolist(), found.meant.tolist())
