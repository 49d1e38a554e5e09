"""One label from many: majority, Dawid-Skene, and votes weighted by what gold items say of each annotator.

Dawid and Skene (1979) estimate each annotator's table of confusions together with the labels by expectation
maximisation: T_ic ~ p_c prod over votes of theta_a[c, l]. It holds annotators for independent given the
truth; where they share errors it believes the clique. So gold items are clamped where there are any, several
starts are tried then (the inverted majority among them), and the gold items decide between the starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.stats.votes import Floats, Integers, Votes

SMOOTHING = 0.01  # votes added to each cell of a table of confusions (Laplace)
ROUNDS = 200
STARTS = 5  # the majority, the inverted majority, and jittered majorities
SETTLED = 1e-4  # largest change of a posterior at which the maximisation ends
PRIOR = 2.0  # gold votes of average quality that an annotator starts from, so that three lucky ones are no expert
UNKNOWN = -1  # label of an item without gold


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """The label of each of N items, and how sure the method is of it."""

    labels: Integers  # (N,): -1 where nobody labelled
    confidence: Floats  # (N,): probability of that label, by the method's own account


def majority(votes: Votes) -> Consensus:
    """The most frequent label; the lower number where two are equally frequent."""
    counts = votes.per_item()
    return _chosen(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), votes)


def dawid_skene(votes: Votes, gold: Integers | None = None, *, anchored: bool = True) -> Consensus:
    """Dawid-Skene by expectation maximisation; `gold` is (N,) labels, -1 where unknown.

    With `anchored`, gold items keep their label while confusions are estimated.
    """
    cells = votes.counts()
    known = gold if gold is not None and anchored else np.full(votes.n_items, UNKNOWN, dtype=np.int64)
    best: tuple[float, Floats] | None = None
    for start in _starts(votes)[: None if (known >= 0).any() else 1]:
        posterior, likelihood = _maximised(votes, cells, start, known)
        fit = _fit_of(posterior, known) if (known >= 0).any() else likelihood
        if best is None or fit > best[0]:
            best = (fit, posterior)
    assert best is not None
    return _chosen(best[1], votes)


def anchored_vote(votes: Votes, gold: Integers) -> Consensus:
    """Votes weighted by the log-odds of each annotator's accuracy on gold items.

    The weight of a vote is log(p (K - 1) / (1 - p)), p = (right + PRIOR q) / (seen + PRIOR), where q is the accuracy
    of all votes on gold items: an annotator without gold counts as an average one, one who is right by chance
    counts nothing, one who is mostly wrong counts against what they say.
    """
    return _chosen(_softmax(_weighted(votes, _weights(votes, gold))), votes)


def accuracy_left_out(votes: Votes, gold: Integers) -> tuple[int, int]:
    """Gold items that the anchored vote labels right when each is taken from the anchors in turn; right and tried."""
    anchors = np.flatnonzero(gold >= 0)
    held = votes.only(gold[votes.items] >= 0)
    right_of = (held.labels == gold[held.items]).astype(np.float64)
    seen = np.bincount(held.annotators, minlength=votes.n_annotators).astype(np.float64)
    right = np.bincount(held.annotators, weights=right_of, minlength=votes.n_annotators).astype(np.float64)
    # Leaving one item out takes each of its voters' own vote on it from their score.
    average = float(right_of.mean()) if len(held) else 0.5
    weights = _log_odds(right[held.annotators] - right_of, seen[held.annotators] - 1, average, votes.n_labels)
    scores = np.zeros((votes.n_items, votes.n_labels))
    np.add.at(scores, (held.items, held.labels), weights)
    labels = _chosen(_softmax(scores), held).labels
    tried = anchors[labels[anchors] >= 0]
    return int((labels[tried] == gold[tried]).sum()), len(tried)


def _weights(votes: Votes, gold: Integers) -> Floats:
    held = votes.only(gold[votes.items] >= 0)
    seen = np.bincount(held.annotators, minlength=votes.n_annotators).astype(np.float64)
    hits = held.labels == gold[held.items]
    right = np.bincount(held.annotators, weights=hits, minlength=votes.n_annotators).astype(np.float64)
    return _log_odds(right, seen, float(hits.mean()) if len(hits) else 0.5, votes.n_labels)


def _log_odds(right: Floats, seen: Floats, average: float, labels: int) -> Floats:
    prior = min(max(average, 0.01), 0.99)
    share = (right + PRIOR * prior) / (np.maximum(seen, 0.0) + PRIOR)
    out: Floats = np.log(share * max(labels - 1, 1) / (1 - share))
    return out


def _weighted(votes: Votes, weights: Floats) -> Floats:
    scores = np.zeros((votes.n_items, votes.n_labels))
    np.add.at(scores, (votes.items, votes.labels), weights[votes.annotators])
    return scores


def _starts(votes: Votes) -> list[Floats]:
    counts = votes.per_item() + SMOOTHING
    plain = counts / counts.sum(axis=1, keepdims=True)
    turned = 1 / counts
    rng = np.random.default_rng(0)
    jittered = [plain * rng.uniform(0.5, 1.5, plain.shape) for _ in range(STARTS - 2)]
    return [plain, *(each / each.sum(axis=1, keepdims=True) for each in (turned, *jittered))]


def _maximised(votes: Votes, cells: Any, posterior: Floats, known: Integers) -> tuple[Floats, float]:
    """Posterior of each item and the log-likelihood, from one start."""
    matrix, count = cells, votes.n_labels
    fixed = np.flatnonzero(known >= 0)
    likelihood = -np.inf
    for _ in range(ROUNDS):
        posterior = posterior.copy()
        posterior[fixed] = 0.0
        posterior[fixed, known[fixed]] = 1.0
        tables = (matrix.T @ posterior).reshape(votes.n_annotators, count, count) + SMOOTHING
        tables /= tables.sum(axis=1, keepdims=True)  # (annotator, said, true): what is said where c is true
        prior = (posterior.sum(axis=0) + SMOOTHING) / (posterior.sum() + SMOOTHING * count)
        scores = matrix @ np.log(tables).reshape(-1, count) + np.log(prior)
        top = scores.max(axis=1, keepdims=True)
        following = np.exp(scores - top)
        sums = following.sum(axis=1, keepdims=True)
        likelihood = float((top + np.log(sums)).sum())
        following /= sums
        moved = float(np.abs(following - posterior).max(initial=0.0, where=(known < 0)[:, None]))
        posterior = following
        if moved < SETTLED:
            break
    return posterior, likelihood


def _fit_of(posterior: Floats, known: Integers) -> float:
    """Log-probability of the gold labels, which the last estimation step did not see as clamped."""
    fixed = np.flatnonzero(known >= 0)
    return float(np.log(posterior[fixed, known[fixed]] + 1e-12).sum())


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    out: Floats = raised / raised.sum(axis=1, keepdims=True)
    return out


def _chosen(posterior: Floats, votes: Votes) -> Consensus:
    """The likeliest label of each item that anybody labelled."""
    labels = posterior.argmax(axis=1).astype(np.int64)
    confidence = posterior.max(axis=1)
    silent = np.bincount(votes.items, minlength=votes.n_items) == 0
    labels[silent], confidence[silent] = UNKNOWN, 0.0
    return Consensus(labels, confidence)
