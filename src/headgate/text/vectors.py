"""The nearest of many texts by vectors that were made elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headgate.text.similarity import Calibration, Nearest
from headgate.text.tape import Positions

Vectors = NDArray[np.float32]  # (N, D), each of length 1 or 0
BLOCK = 512  # items multiplied at a time


def nearest_vectors(items: Vectors, rows: Vectors, *, skip: Positions | None = None) -> Nearest:
    """The row with the highest cosine for each item; `skip[i]` is a row that item i may not be matched with."""
    row, score = np.full(len(items), -1, dtype=np.int64), np.zeros(len(items))
    for first in range(0, len(items), BLOCK) if len(rows) else ():
        cosine = items[first : first + BLOCK] @ rows.T
        if skip is not None:
            cosine[np.arange(len(cosine)), skip[first : first + BLOCK]] = -1.0
        best = np.argmax(cosine, axis=1)
        value = cosine[np.arange(len(cosine)), best].astype(np.float64)
        row[first : first + BLOCK] = np.where(value > 0, best, -1)
        score[first : first + BLOCK] = np.maximum(value, 0.0)
    return Nearest(row, score, score)


def calibrate_vectors(rows: Vectors, asked: Positions, quantile: float) -> Calibration:
    """The score that a share of `quantile` of the asked rows have against all other rows."""
    if not len(asked):
        return Calibration(1.0, 0)
    scores = nearest_vectors(rows[asked], rows, skip=asked).score
    return Calibration(float(np.quantile(scores, quantile, method="higher")), len(asked))
