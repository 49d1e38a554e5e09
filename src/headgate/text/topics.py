"""What texts are about, coarsely: clusters of their content words.

TF-IDF of the words (none of which stands in more than a tenth of the texts), the leading singular
vectors of the matrix, and k-means on the directions (latent semantic analysis, Deerwester and others 1990).
Deterministic for a seed.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import word_ngrams
from headgate.text.tape import Positions, Tape

DIMENSIONS = 32
COMMON = 0.1  # share of the texts above which a word tells nothing about a topic
LEAST = 2  # texts that a word must stand in
PER_TOPIC = 40  # texts a topic on average
MOST = 32  # topics


def topics(tape: Tape, *, count: int | None = None, seed: int = 0) -> Positions:
    """The topic of each text, 0..k - 1; shape (N,). Texts without a telling word are topic 0.

    `count` topics; None: one for each `PER_TOPIC` texts, `MOST` at most.
    """
    from scipy import sparse
    from scipy.cluster.vq import kmeans2
    from scipy.sparse.linalg import svds

    wanted = count or min(max(len(tape) // PER_TOPIC, 1), MOST)
    grams = word_ngrams(tape, 1)
    known, column = np.unique(grams.hashes, return_inverse=True)
    counts = sparse.csr_matrix((np.ones(len(column)), (grams.owners, column)), shape=(len(tape), len(known)))
    df = np.diff(counts.tocsc().indptr)
    kept = np.flatnonzero((df >= LEAST) & (df <= max(COMMON * len(tape), LEAST)))
    size = min(DIMENSIONS, len(kept) - 1, len(tape) - 1)
    if wanted < 2 or size < 2:
        return np.zeros(len(tape), dtype=np.int64)
    matrix = counts[:, kept].multiply(np.log(len(tape) / df[kept])).tocsr()
    rng = np.random.default_rng(seed)
    left, values, _ = svds(matrix, k=size, v0=rng.random(min(matrix.shape)))
    points: NDArray[np.float64] = left * values
    lengths = np.linalg.norm(points, axis=1)
    told = np.flatnonzero(lengths > 1e-9)
    out = np.zeros(len(tape), dtype=np.int64)
    if len(told) > wanted:
        directions = points[told] / lengths[told, None]
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            warnings.simplefilter("ignore", UserWarning)  # of an empty cluster, which is a topic less
            _, labels = kmeans2(directions, wanted, minit="++", seed=rng)
        out[told] = labels + 1
    return np.unique(out, return_inverse=True)[1].astype(np.int64)
