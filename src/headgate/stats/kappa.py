"""Cohen's kappa of two annotators, with a bootstrap interval over items (Cohen 1960)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.kit.errors import Refused
from headgate.stats.intervals import Interval, wilson
from headgate.stats.votes import Floats, Integers

DRAWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement of two annotators on items that both labelled."""

    raw: Interval  # share of equal labels
    kappa: Interval
    n: int
    prevalence: float  # share of the first annotator's most frequent label; near 1, kappa falls however well they agree
    null: float  # agreement with the first annotator of one who always says that label: what nobody may be praised for

    def of_ceiling(self, ceiling: Kappa) -> float:
        """Kappa as a share of what two people reach with each other, 0 where those do not agree at all."""
        return self.kappa.value / ceiling.kappa.value if ceiling.kappa.value > 0 else 0.0


def cohen_kappa(first: Integers, second: Integers, *, labels: int, seed: int = 0, level: float = 0.95) -> Kappa:
    """Raw agreement (Wilson) and kappa; labels are numbers from 0 on.

    Raises:
        Refused: lists of different length, or fewer than two items.
    """
    if len(first) != len(second) or len(first) < 2:
        raise Refused("kappa needs two labels for each of two items or more", found=f"{len(first)} and {len(second)}")
    table = np.bincount(first * labels + second, minlength=labels * labels).astype(np.float64)
    n = len(first)
    drawn = np.random.default_rng(seed).multinomial(n, table / n, size=DRAWS).astype(np.float64)
    tail = (1 - level) / 2
    low, high = np.quantile(_kappa(drawn, labels), (tail, 1 - tail))
    value = float(_kappa(table[None, :], labels)[0])
    same = int(np.trace(table.reshape(labels, labels)))
    frequent = float(table.reshape(labels, labels).sum(axis=1).max() / n)
    return Kappa(
        raw=wilson(same, n, level),
        kappa=Interval(value, min(float(low), value), max(float(high), value)),
        n=n,
        prevalence=frequent,
        null=frequent,
    )


def _kappa(tables: Floats, labels: int) -> Floats:
    """Kappa of each flattened table; 0 where one label is all there is."""
    cube = tables.reshape(-1, labels, labels)
    n = cube.sum(axis=(1, 2))
    observed = np.trace(cube, axis1=1, axis2=2) / n
    expected = (cube.sum(axis=2) * cube.sum(axis=1)).sum(axis=1) / n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.where(expected < 1, (observed - expected) / (1 - expected), 0.0)
    return out
