"""Plans: ways to make several adapters serve together, and what each does to their updates.

Every plan but routing gives one adapter, and every one but routing and joint training is a merge. PEFT merges in two
spaces: `cat` and the plans ending in `_svd` work on full updates, the others on the factors separately, which is no
merge of the updates at all and is measured here only so that nobody has to believe it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.fleet.composition.conflict import inner_product, squared_norm
from headgate.kit.errors import Refused
from headgate.models.lora import Factors

ROUTE, JOINT = "route", "joint"
PRUNED = (
    "ties", "ties_svd", "dare_linear", "dare_ties", "dare_linear_svd", "dare_ties_svd", "magnitude_prune",
    "magnitude_prune_svd",
)  # fmt: skip
TYPES = ("cat", "svd", "linear", *PRUNED)
KEPT = (0.2, 0.6)  # shares of weights that are kept; the rate is tried, not assumed


class Closed(Refused):
    """One plan is not open to these adapters; others may be, so that only it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way."""

    name: str
    type: str  # of PEFT's combinations, "route", or "joint": trained once on all rows
    weight: float = 1.0  # of each adapter
    density: float = 0.0  # share of weights kept; 0: all

    @property
    def averages(self) -> bool:
        """Whether the updates of one adapter change those of another."""
        return self.type not in (ROUTE, JOINT)

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {"name": self.name, "type": self.type, "weight": self.weight, "density": self.density}


def plans_of(names: Sequence[str], count: int) -> list[Plan]:
    """Plans by name: `route`, `joint` (trained once on all rows), `stack` (all updates in full), `cat` and others
    (their mean), `ties@0.2` (share kept).

    No names: every plan that needs no training, the pruning ones at each share of `KEPT`.

    Raises:
        Refused: no such plan.
    """
    if not names:
        names = [ROUTE, "stack", "cat", "svd", "linear", *(f"{one}@{kept}" for one in PRUNED for kept in KEPT)]
    return [_plan(name, count) for name in dict.fromkeys(names)]


def _plan(name: str, count: int) -> Plan:
    kind, mark, kept = name.partition("@")
    wanted = f"{ROUTE}, {JOINT}, stack, " + ", ".join(TYPES)
    if kind in (ROUTE, JOINT) and not mark:
        return Plan(name=name, type=kind)
    if kind == "stack" and not mark:
        return Plan(name=name, type="cat", weight=1.0)
    if kind not in TYPES or bool(mark) != (kind in PRUNED):
        raise Refused("no such plan", found=repr(name), wanted=wanted + "; those that prune as NAME@SHARE-KEPT")
    try:
        density = float(kept) if mark else 0.0
    except ValueError:
        density = -1.0
    if mark and not 0 < density <= 1:
        raise Refused("no share of weights to keep", found=repr(name), wanted="a number above 0 and at most 1")
    # Plans that elect signs or drop weights make room for what is left of each, so none is halved.
    return Plan(name=name, type=kind, weight=1.0 if mark else 1 / count, density=density)


def distance(merged: Mapping[str, Factors], wanted: Mapping[str, Sequence[tuple[float, Factors]]]) -> float:
    """How far a merged update is from a weighted sum of updates, as a share of that sum's norm; all modules."""
    off = norm = 0.0
    for module, parts in wanted.items():
        target = math.fsum(v * w * inner_product(a, b) for v, a in parts for w, b in parts)
        norm += target
        if module in merged:
            own = merged[module]
            off += squared_norm(own) + target - 2 * math.fsum(w * inner_product(own, b) for w, b in parts)
        else:
            off += target
    off += math.fsum(squared_norm(merged[module]) for module in set(merged) - set(wanted))
    return math.sqrt(max(0.0, off) / norm) if norm else 0.0


def weighted_sum(adapters: Sequence[Mapping[str, Factors]], weight: float) -> dict[str, list[tuple[float, Factors]]]:
    """The parts of a weighted sum, module by module."""
    parts: dict[str, list[tuple[float, Factors]]] = {}
    for adapter in adapters:
        for module, factors in adapter.items():
            parts.setdefault(module, []).append((weight, factors))
    return parts


def forecast(merged: Mapping[str, Factors], adapters: Mapping[str, Mapping[str, Factors]]) -> float:
    """The largest distance of a merged update from any of those it is to stand for: what is ranked before asking."""
    return max(distance(merged, weighted_sum([one], 1.0)) for one in adapters.values())
