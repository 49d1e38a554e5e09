"""What label the rest of the data would give each text: probabilities that never saw the text's own label.

Words and pairs of words, TF-IDF. Texts are dealt into folds by group; each fold is scored by a classifier that was
trained on the others: multinomial naive Bayes, which is fast for many labels, and where labels are few a
ridge classifier beside it, whose probabilities are averaged with those of the former. A second round learns from the
labels alone that the first one did not doubt: wrong labels teach the classifiers less of what is wrong with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.stats.label_errors import suspects
from headgate.text.ngrams import word_ngrams
from headgate.text.tape import Positions, Tape

Floats = NDArray[np.float64]
FOLDS = 5
LEAST = 2  # texts that a term must stand in
SMOOTHING = 0.1  # of counts of terms in a label
RIDGE = 1.0
STEPS = 30  # of conjugate gradients
WARMTH = 0.15  # differences of ridge scores that make a likelihood ratio of e
FEW = 20  # labels up to which the ridge classifier is worth its time


def probabilities(tape: Tape, labels: Positions, count: int, groups: Positions, *, seed: int = 0) -> Floats:
    """The probability of each of `count` labels for each text, (N, K); `groups` (N,) are kept on one side of a fold."""
    return _dealt(_terms(tape), labels, count, groups, seed, np.ones(len(tape), dtype=np.bool_))


def relearned(tape: Tape, labels: Positions, count: int, groups: Positions, *, seed: int = 0) -> Floats:
    """The same, learned in a second round without the labels that the first one suspects."""
    matrix, trusted = _terms(tape), np.ones(len(tape), dtype=np.bool_)
    trusted[suspects(_dealt(matrix, labels, count, groups, seed, trusted), labels).rows] = False
    return _dealt(matrix, labels, count, groups, seed + 1, trusted)


def _dealt(
    matrix: Any, labels: Positions, count: int, groups: Positions, seed: int, trusted: NDArray[np.bool_]
) -> Floats:
    """Each fold scored by what the trusted texts of the others teach."""
    numbers = np.unique(groups, return_inverse=True)[1]
    folds = np.random.default_rng(seed).integers(0, FOLDS, int(numbers.max(initial=0)) + 1)[numbers]
    out = np.zeros((len(labels), count))
    for fold in range(FOLDS):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero((folds != fold) & trusted)
        if len(held) and len(rest):
            out[held] = _scored(matrix[rest], labels[rest], matrix[held], count)
    return out


def _scored(known: Any, labels: Positions, asked: Any, count: int) -> Floats:
    bayes = _bayes(known, labels, asked, count)
    return (bayes + _ridge(known, labels, asked, count)) / 2 if count <= FEW else bayes


def _terms(tape: Tape) -> Any:
    """TF-IDF of words and pairs of words, rows of length 1."""
    from scipy import sparse

    grams = [word_ngrams(tape, n) for n in (1, 2)]
    names = np.concatenate([each.hashes for each in grams])
    owners = np.concatenate([each.owners for each in grams])
    known, columns = np.unique(names, return_inverse=True)
    counts = sparse.csr_matrix((np.ones(len(columns)), (owners, columns)), shape=(len(tape), len(known)))
    counts.sum_duplicates()
    frequency = np.bincount(counts.indices, minlength=len(known))
    kept = np.flatnonzero(frequency >= LEAST)
    counts = counts[:, kept]
    counts.data = 1 + np.log(counts.data)
    weighted = counts.multiply(np.log((1 + len(tape)) / (1 + frequency[kept])) + 1).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ weighted


def _one_hot(labels: Positions, count: int) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((np.ones(len(labels)), (np.arange(len(labels)), labels)), shape=(len(labels), count))


def _bayes(known: Any, labels: Positions, asked: Any, count: int) -> Floats:
    chosen = _one_hot(labels, count)
    weights = np.asarray((chosen.T @ known).todense()) + SMOOTHING
    prior = np.log(np.asarray(chosen.sum(axis=0)).ravel() + 1)
    scores = asked @ np.log(weights / weights.sum(axis=1, keepdims=True)).T + prior
    return _softmax(np.asarray(scores))


def _ridge(known: Any, labels: Positions, asked: Any, count: int) -> Floats:
    """Ridge regression on one-hot labels, all labels at once, by conjugate gradients on the normal equations."""
    targets = np.asarray(_one_hot(labels, count).todense())
    middle = targets.mean(axis=0)
    residual = known.T @ (targets - middle)
    weights = np.zeros_like(residual)
    direction = residual.copy()
    size = (residual**2).sum(axis=0)
    for _ in range(STEPS):
        image = known.T @ (known @ direction) + RIDGE * direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-300)
        weights += step * direction
        residual -= step * image
        following = (residual**2).sum(axis=0)
        direction = residual + following / np.maximum(size, 1e-300) * direction
        size = following
    return _softmax((asked @ weights + middle) / WARMTH)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    out: Floats = raised / raised.sum(axis=1, keepdims=True)
    return out
