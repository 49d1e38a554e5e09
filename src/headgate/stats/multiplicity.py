"""Many questions at once: Holm for what blocks, Benjamini-Hochberg for what explores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headgate.kit.errors import Refused
from headgate.stats.intervals import Floats


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false claim at the level (Holm 1979).

    Raises:
        Refused: a p-value outside 0..1.
    """
    p = _checked(p_values)
    if len(p) == 0:
        return []
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _back(np.minimum(adjusted, 1.0), order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the expected share of false claims at the level (1995).

    Raises:
        Refused: a p-value outside 0..1.
    """
    p = _checked(p_values)
    if len(p) == 0:
        return []
    order = np.argsort(p, kind="stable")[::-1]
    adjusted = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    return _back(np.minimum(adjusted, 1.0), order)


def level_per_look(looks: int, alpha: float = 0.05) -> float:
    """The level of each of a declared number of looks at the same data (Bonferroni).

    Raises:
        Refused: fewer than one look.
    """
    if looks < 1:
        raise Refused("the number of looks must be declared", found=str(looks), wanted="1 or more")
    return alpha / looks


def _checked(p_values: Sequence[float]) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise Refused("p-values must lie between 0 and 1", found=str(list(p_values)))
    return p


def _back(adjusted: Floats, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> list[float]:
    out = np.empty_like(adjusted)
    out[order] = adjusted
    return [float(value) for value in out]
