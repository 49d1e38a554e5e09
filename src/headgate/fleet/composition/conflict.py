"""How two adapters push the same weights, before anything is merged.

Everything is reckoned on the full update `scale * B @ A` of each module. The factors themselves are never
compared: they are defined only up to an invertible matrix between them, so that their signs mean nothing.

That updates do not cancel says nothing about the answers: two adapters can agree in every weight and still
answer the same question differently. Retention decides that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.models.lora import Factors, Floats
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Verdict

TOP = 0.2  # share of a module's weights that count as those with the largest change
CANCELLED = 0.1  # share of the energy of both updates that may cancel in their sum
ENERGY = 0.99  # of a space: its directions that hold so much of the squared norm
DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Two updates of one module."""

    module: str
    cosine: float
    norm_ratio: float  # of the second to the first
    opposite: float  # share of opposite signs among weights that are in the top of both
    joint: float  # share of the top that both have; chance gives 0.2
    outputs: float  # overlap of the spaces that are written to: mean squared cosine of principal angles
    inputs: float  # overlap of the spaces that are read
    cancelled: float  # share of the energy that is gone in the sum; below 0: the updates help each other

    def as_json(self) -> dict[str, Any]:
        """The numbers, rounded so that another factoring of the same update gives the same."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "module"}
        return {"module": self.module, **{name: round(float(value), DIGITS) + 0.0 for name, value in values.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two adapters."""

    first: str
    second: str
    shared: tuple[Met, ...]
    modules: tuple[int, int]  # that each updates
    cosine: float  # over all modules
    cancelled: float  # over all modules, those that only one updates included
    opposite: float  # over all weights in the top of both

    def as_json(self) -> dict[str, Any]:
        """The report."""
        return {
            "first": self.first,
            "second": self.second,
            "modules": list(self.modules),
            "shared_modules": len(self.shared),
            "cosine": round(self.cosine, DIGITS) + 0.0,
            "cancelled": round(self.cancelled, DIGITS) + 0.0,
            "opposite_signs": round(self.opposite, DIGITS) + 0.0,
            "by_module": [one.as_json() for one in self.shared],
        }


def conflict(first: str, a: Mapping[str, Factors], second: str, b: Mapping[str, Factors]) -> Conflict:
    """What two adapters do to the weights that both change."""
    shared, product, opposite, joint = [], 0.0, 0, 0
    for module in sorted(set(a) & set(b)):
        met, inner, signs, both = _met(module, a[module], b[module])
        shared.append(met)
        product, opposite, joint = product + inner, opposite + signs, joint + both
    energy = [math.fsum(squared_norm(one) for one in every.values()) for every in (a, b)]
    return Conflict(
        first=first,
        second=second,
        shared=tuple(shared),
        modules=(len(a), len(b)),
        cosine=product / math.sqrt(energy[0] * energy[1]) if all(energy) else 0.0,
        cancelled=-2 * product / sum(energy) if sum(energy) else 0.0,
        opposite=opposite / joint if joint else 0.0,
    )


def judge_conflict(found: Conflict) -> Verdict:
    """Whether the two cancel each other: every weight was counted, so the number itself decides."""
    told = (
        f"{found.first} and {found.second}: {len(found.shared)} shared modules, "
        f"{max(0.0, found.cancelled):.0%} of both updates cancel"
    )
    return judge_count(
        round(found.cancelled, DIGITS),
        name="energy that cancels",
        summary=told,
        looked_at=max(1, sum(found.modules)),
        unit="share",
        at_most=CANCELLED,
        details=found.as_json(),
        next_step="route each request to one of them, or train once on both sets",
    )


def inner_product(a: Factors, b: Factors) -> float:
    """Of two full updates, without making them: tr((B1' B2)(A2 A1'))."""
    up = a.up.T.astype(np.float64) @ b.up
    down = b.down.astype(np.float64) @ a.down.T
    return float(np.sum(up * down.T)) * a.scale * b.scale


def squared_norm(a: Factors) -> float:
    """Sum of squares of a full update."""
    return inner_product(a, a)


def spaces(a: Factors) -> tuple[Floats, Floats]:
    """Orthonormal directions that an update writes to and reads, those of almost all its energy; from its SVD."""
    q_up, r_up = np.linalg.qr(a.up.astype(np.float64))
    q_down, r_down = np.linalg.qr(a.down.T.astype(np.float64))
    u, values, v = np.linalg.svd(r_up @ r_down.T)
    energy = np.cumsum(values**2)
    rank = int(np.searchsorted(energy, ENERGY * energy[-1])) + 1 if energy[-1] > 0 else 0
    return q_up @ u[:, :rank], q_down @ v[:rank].T


def _met(module: str, a: Factors, b: Factors) -> tuple[Met, float, int, int]:
    inner, norms = inner_product(a, b), [math.sqrt(max(0.0, squared_norm(one))) for one in (a, b)]
    both = norms[0] * norms[1]
    opposite, joint, size = _signs(a.update(), b.update())
    (write_a, read_a), (write_b, read_b) = spaces(a), spaces(b)
    met = Met(
        module=module,
        cosine=inner / both if both else 0.0,
        norm_ratio=norms[1] / norms[0] if norms[0] else 0.0,
        opposite=opposite / joint if joint else 0.0,
        joint=joint / size if size else 0.0,
        outputs=_overlap(write_a, write_b),
        inputs=_overlap(read_a, read_b),
        cancelled=-2 * inner / (norms[0] ** 2 + norms[1] ** 2) if both else 0.0,
    )
    return met, inner, opposite, joint


def _signs(a: Floats, b: Floats) -> tuple[int, int, int]:
    """Opposite signs among weights in the top of both, how many are in both, and how many are in a top."""
    size = max(1, int(TOP * a.size))
    tops = []
    for one in (a, b):
        flat = np.abs(one).ravel()
        limit = np.partition(flat, flat.size - size)[flat.size - size]
        tops.append((flat >= limit) & (flat > 0))
    both = tops[0] & tops[1]
    opposite = np.signbit(a.ravel()[both]) != np.signbit(b.ravel()[both])
    return int(opposite.sum()), int(both.sum()), size


def _overlap(a: Floats, b: Floats) -> float:
    least = min(a.shape[1], b.shape[1])
    return float(np.sum((a.T @ b) ** 2)) / least if least else 0.0
