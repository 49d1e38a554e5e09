"""Whether a changed text still says what it said: the label that it is nearest to, before and after.

TF-IDF of words, and the cosine with the mean of the texts of each label (Rocchio's classifier).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import Grams, word_ngrams
from headgate.text.tape import tape_of

Integers = NDArray[np.int64]


def nearest_labels(before: Sequence[str], after: Sequence[str], labels: Integers) -> tuple[Integers, Integers]:
    """The label nearest to each text as it was, and as it is now; shape (N,) each, both by texts as they were."""
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
    was, is_ = (sparse.csr_matrix(one.multiply(weights)) for one in (was, is_))
    codes = np.unique(labels, return_inverse=True)[1]
    members = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    centres = sparse.csr_matrix(members @ _unit(was))
    centres = _unit(centres)
    first, second = (np.asarray((_unit(one) @ centres.T).argmax(axis=1)).ravel() for one in (was, is_))
    return first.astype(np.int64), second.astype(np.int64)


def _unit(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import sparse

    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())  # type: ignore[attr-defined]
    return sparse.diags(1 / np.where(lengths > 0, lengths, 1.0)) @ matrix  # type: ignore[no-any-return]
