"""Whether a changed text still says what it said: how near it is to its label, before and after.

TF-IDF of words, and the cosine with the mean of the texts of each label (Rocchio's classifier). A text is never
measured against a mean that it is part of: means are those of the other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import Grams, word_ngrams
from headgate.text.tape import tape_of

FOLDS = 5
LARGEST = 1 << 24  # cosines that are held at a time
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def doubtful_labels(
    before: Sequence[str],
    after: Sequence[str],
    labels: Integers,
    *,
    near: float = 0.0,
    guessed: bool = False,
    seed: int = 0,
) -> Mask:
    """Which texts are nearer to another label than to their own, and less near to their own than they were.

    `near`: the cosine by which a text must be nearer to its own label, else it is doubtful too. `guessed`: labels are
    guesses, so that only a text that was nearest to its own becomes doubtful. Means are of texts as they were, since a
    change that is wrong for all texts of a label would else teach them itself.
    """
    from scipy import sparse

    old, new = (word_ngrams(tape_of(list(texts)), 1) for texts in (before, after))
    known = np.unique(old.hashes)

    def counts(grams: Grams) -> sparse.csr_matrix:
        inside = np.isin(grams.hashes, known)
        columns = np.searchsorted(known, grams.hashes[inside])
        ones = np.ones(int(inside.sum()))
        return sparse.csr_matrix((ones, (grams.owners[inside], columns)), shape=(len(labels), len(known)))

    was, is_ = counts(old), counts(new)
    weights = np.log((1 + len(labels)) / (1 + np.diff(was.tocsc().indptr)))
    was, is_ = (_unit(sparse.csr_matrix(one.multiply(weights))) for one in (was, is_))
    codes = np.unique(labels, return_inverse=True)[1]
    folds = np.random.default_rng(seed).integers(0, FOLDS, len(codes))
    margins = np.zeros((2, len(codes)))
    for fold in range(FOLDS):
        taught, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(taught) and len(asked):
            members = sparse.csr_matrix(
                (np.ones(len(taught)), (codes[taught], np.arange(len(taught)))),
                shape=(int(codes.max()) + 1, len(taught)),
            )
            centres = _unit(sparse.csr_matrix(members @ was[taught]))
            for side, texts in enumerate((was, is_)):
                margins[side, asked] = _margins(texts[asked], centres, codes[asked])
    doubtful: Mask = (margins[1] < near) & (margins[1] < margins[0])
    return doubtful & (margins[0] >= 0) if guessed else doubtful


def _margins(texts: Any, centres: Any, own: Integers) -> Floats:
    """The cosine with the own label's mean, less that with the nearest other; shape (N,)."""
    out = np.zeros(len(own))
    step = max(LARGEST // max(centres.shape[0], 1), 1)
    for begin in range(0, len(own), step):
        part = slice(begin, begin + step)
        cosines = (texts[part] @ centres.T).toarray()
        rows = np.arange(len(cosines))
        mine = cosines[rows, own[part]].copy()
        cosines[rows, own[part]] = -np.inf
        out[part] = mine - cosines.max(axis=1)
    return np.nan_to_num(out, posinf=0.0)


def _unit(matrix: Any) -> Any:
    from scipy import sparse

    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.where(lengths > 0, lengths, 1.0)) @ matrix)
