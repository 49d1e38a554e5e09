"""What chance alone would leave of each class of rows: the null against which a selection is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.kit.errors import Refused

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """K classes after a selection, beside selections of the same size by lot."""

    before: NDArray[np.int64]  # (K,): rows
    after: NDArray[np.int64]  # (K,): rows that were selected
    expected: Floats  # (K,): rows that a lot would select, on average
    lowest: Floats  # (K,): share of `expected` that chance hardly falls under, for all classes together

    @property
    def kept(self) -> Floats:
        """Rows selected as a share of what a lot would select; 1 where a lot would select none."""
        return np.divide(self.after, self.expected, out=np.ones(len(self.after)), where=self.expected > 0)


def drawn_lots(
    held: NDArray[np.bool_],
    selected: NDArray[np.bool_],
    strata: Sequence[int] | NDArray[np.int64] | None = None,
    *,
    tolerated: float = 0.01,
    draws: int = 500,
    seed: int = 0,
) -> Lots:
    """Compares what was selected of each class with selections by lot, of the same size in each stratum.

    `held`, shape (N, K), says which classes a row is in; `selected`, shape (N,). A lot falls under any of the
    `lowest` with the probability `tolerated`, so that many classes raise no more alarms than one
    (Westfall and Young's step of the minimum).

    Raises:
        Refused: the arrays are not of one length.
    """
    if not len(held) == len(selected):
        raise Refused("classes and selection must be about the same rows", found=f"{len(held)} and {len(selected)}")
    layer = np.zeros(len(held), dtype=np.int64) if strata is None else np.asarray(strata, dtype=np.int64)
    counts = np.zeros((draws, held.shape[1]))
    expected = np.zeros(held.shape[1])
    rng = np.random.default_rng(seed)
    for stratum in np.unique(layer):
        mine = layer == stratum
        # Rows in the same classes are alike to a lot, so that their numbers are drawn and not the rows.
        kinds, sizes = np.unique(held[mine], axis=0, return_counts=True)
        taken = int(selected[mine].sum())
        drawn = rng.multivariate_hypergeometric(sizes, taken, size=draws, method="marginals")
        counts += drawn @ kinds.astype(np.float64)
        expected += held[mine].sum(axis=0) * (taken / int(mine.sum()))
    spread = np.maximum(counts.std(axis=0), 1e-9)
    lowest = float(np.quantile(((counts - expected) / spread).min(axis=1, initial=0.0), tolerated))
    bound = np.divide(expected + lowest * spread, expected, out=np.zeros(len(expected)), where=expected > 0)
    after = held[selected].sum(axis=0).astype(np.int64)
    return Lots(held.sum(axis=0).astype(np.int64), after, expected, np.maximum(bound, 0.0))
