"""One of several that were tried: how much of its lead is luck.

The best of k measured on some rows looks better on these rows than it is. Two honest figures: the
loss of the winner on the half of the rows that did not choose it, averaged over many halvings; and
whether it beats each other one beyond chance when there are k - 1 questions (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats as scipy_stats

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats
from headgate.stats.multiplicity import holm

HALVINGS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The winner of a selection on losses, lower is better."""

    name: str
    tried: int  # all that were tried, those that failed included
    rows: int
    apparent: float  # mean loss of the winner on the rows that chose it
    honest: float  # mean loss of what half of the rows choose, on the other half
    against: Mapping[str, float]  # p-value of each other one, adjusted for their number

    @property
    def optimism(self) -> float:
        """By how much the apparent loss is too low."""
        return self.honest - self.apparent

    @property
    def apart(self) -> bool:
        """Whether the winner differs from every other one beyond chance."""
        return all(p < 0.05 for p in self.against.values())

    def as_json(self) -> dict[str, Any]:
        """For the record of a run."""
        return {
            "chosen": self.name,
            "tried": self.tried,
            "rows": self.rows,
            "apparent": round(self.apparent, 6),
            "honest": round(self.honest, 6),
            "optimism": round(self.optimism, 6),
            "p_against": {name: round(p, 6) for name, p in self.against.items()},
            "apart": self.apart,
        }


def chosen_of(
    losses: Mapping[str, Sequence[float]], weights: Sequence[float], *, failed: int = 0, seed: int = 0
) -> Chosen:
    """The candidate with the lowest weighted mean loss over the same rows.

    `losses`: for each candidate the summed loss of each row; `weights`: of each row, such as its learned tokens.

    Raises:
        Refused: nothing to choose from, rows that differ in number, or fewer than four rows.
    """
    names = list(losses)
    if not names:
        raise Refused("there is nothing to choose from", found=f"{failed} tried, all failed")
    table = np.asarray([losses[name] for name in names], dtype=np.float64)
    share = np.asarray(weights, dtype=np.float64)
    if table.shape[1] != len(share) or len(share) < 4:
        raise Refused(
            "candidates must be compared on the same rows, four or more",
            found=f"{table.shape[1]} and {len(share)} rows",
        )
    means = table.sum(1) / share.sum()
    best = int(means.argmin())
    others = [i for i in range(len(names)) if i != best]
    adjusted = holm([_p_of(table[best] - table[i]) for i in others])
    return Chosen(
        name=names[best],
        tried=len(names) + failed,
        rows=len(share),
        apparent=float(means[best]),
        honest=_honest(table, share, seed),
        against={names[i]: p for i, p in zip(others, adjusted, strict=True)},
    )


def _p_of(differences: Floats) -> float:
    """Two-sided t test of no difference; equal everywhere: no difference at all."""
    if not np.ptp(differences):
        return 1.0 if differences[0] == 0 else 0.0
    return float(scipy_stats.ttest_1samp(differences, 0.0).pvalue)


def _honest(table: Floats, share: Floats, seed: int) -> float:
    drawn = np.random.default_rng(seed)
    found = []
    for _ in range(HALVINGS):
        order = drawn.permutation(len(share))
        for choosing, telling in ((order[::2], order[1::2]), (order[1::2], order[::2])):
            best = int((table[:, choosing].sum(1) / share[choosing].sum()).argmin())
            found.append(table[best, telling].sum() / share[telling].sum())
    return float(np.mean(found))
