"""The state of every pool: items, how many were seen, how often they decided, and whether they tell models apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from headgate.evaluate.exposure import exposures
from headgate.evaluate.sealed import SealedPools
from headgate.evaluate.settings import POOLS, Settings
from headgate.evaluate.suites import Suite
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext

DECISIONS = 20  # candidates scored on one gate pool, from which on its score tells of the choice too
SPLITS = 0.02  # share of models that must err, and that must be right, for an item to tell any apart


@dataclass(frozen=True, kw_only=True)
class PoolState:
    """One pool of one suite."""

    suite: str
    pool: str
    items: int
    clusters: int
    seen: int
    candidates: int  # different ones that were scored on it
    spread: float | None = None  # of the shares that known candidates pass; None for sealed pools and fewer than two
    telling: float | None = None  # share of items on which known candidates differ
    budget: dict[str, Any] | None = None  # of a sealed pool

    @property
    def told(self) -> str:
        """In one line."""
        parts = [f"{self.suite}/{self.pool}: {self.items:,} items in {self.clusters:,} clusters, {self.seen:,} seen"]
        parts.append(f"{self.candidates:,} candidates scored")
        if self.candidates > DECISIONS and self.pool == "gate":
            parts.append(f"more than {DECISIONS}: its scores are those of the choice too, bring fresh items")
        if self.spread is not None and self.telling is not None:
            parts.append(f"they differ by {self.spread * 100:.1f} points and on {self.telling:.0%} of the items")
        if self.budget:
            used = f"look {self.budget['looks_used']} of {self.budget['look_budget']}"
            parts.append(f"{used}, {self.budget['bits']:.1f} of {self.budget['bits_budget']:g} bits")
            parts += ["spent"] if self.budget["spent"] else []
        return "; ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def pool_states(ledger: Ledger, suites: Sequence[Suite], settings: Settings, context: StageContext) -> list[PoolState]:
    """Every pool that holds items, and sealed pools that were spent."""
    known = exposures(ledger)
    seen = {item for one in known for item in one.items}
    out = []
    for suite in suites:
        room = SealedPools(ledger, settings, context)
        for pool in POOLS:
            items = suite.pools[pool]
            sealed = pool == "sealed" and (bool(items) or bool(suite.spent))
            if not items and not sealed:
                continue
            scored = _outcomes(ledger, suite, pool)
            out.append(
                PoolState(
                    suite=suite.name,
                    pool=pool,
                    items=len(items),
                    clusters=len({item.cluster for item in items}),
                    seen=sum(item.id in seen for item in items),
                    candidates=len(room.looks(suite)) if sealed else len(scored),
                    budget=room.facts(suite) if sealed else None,
                    **_power(list(scored.values())),
                )
            )
    return out


def _outcomes(ledger: Ledger, suite: Suite, pool: str) -> dict[str, dict[str, str]]:
    """What each known candidate did, by model."""
    found: dict[str, dict[str, str]] = {}
    for node in ledger.find("score", f"{suite.name}/{pool}/candidate"):
        address = str(node.body.get("outcomes", ""))
        if not node.erased and address and ledger.content.has(address):
            found[str(node.body["model"])] = orjson.loads(ledger.content.get(address))
    return found


def _power(scored: Sequence[dict[str, str]]) -> dict[str, float]:
    """How far candidates lie apart, and on how many of the items that all answered they differ."""
    shared = set.intersection(*(set(one) for one in scored)) if scored else set()
    if len(scored) < 2 or not shared:
        return {}
    table = np.array([[one[item] == "pass" for item in sorted(shared)] for one in scored], dtype=np.float64)
    right, each = table.mean(axis=0), table.mean(axis=1)
    telling = float(((right > SPLITS) & (right < 1 - SPLITS)).mean())
    return {"spread": float(each.max() - each.min()), "telling": telling}
