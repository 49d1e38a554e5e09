"""What a sealed pool has given away, and what becomes of it when it may give no more.

Every answer costs the logarithm of the number of answers that could have been given. When what is left does not
suffice for another one, the pool is spent: its items are development items from that moment on, which is recorded,
and told by every later evaluation until fresh items stand in their place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.stats.ladder import error_bound, look_cost, looks_within

DISCORDANCE = 0.15  # share of items on which two candidates are taken to differ; half of it is each one's own
TOLERATED = 0.02  # inflation by choosing that is worth a word

KIND, NAME = "trace", "pool-spent"  # of the node that says that a pool became a development pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The use of one sealed pool so far."""

    items: int
    looks: int
    looks_allowed: int
    bits: float
    bits_allowed: float
    price: float = 0.0  # bits of the dearest answer so far: what another one may cost

    @property
    def spent(self) -> bool:
        """Whether no other candidate may be asked about."""
        return self.looks >= self.looks_allowed or self.bits_left < max(self.price, 1.0)

    @property
    def bits_left(self) -> float:
        """What may still be given away."""
        return max(self.bits_allowed - self.bits, 0.0)

    @property
    def ceiling(self) -> float:
        """Largest error of what was told, as a share, with 95 % probability, however candidates were chosen."""
        return error_bound(self.bits, self.items)

    @property
    def own_se(self) -> float:
        """Standard error of what is a candidate's own, on so many items."""
        return math.sqrt(DISCORDANCE / 2 / max(self.items, 1))

    @property
    def by_choosing(self) -> float:
        """What choosing the best of so many equally good candidates adds to its score, at most, as a share."""
        return look_cost(self.looks, self.own_se)

    @property
    def told(self) -> str:
        """For people, behind a verdict."""
        left = f"look {self.looks} of {self.looks_allowed}, {self.bits:.1f} of {self.bits_allowed:g} bits given away"
        end = "; the pool is spent, and is a development pool from now on" if self.spent else ""
        return f"{left}, {self.by_choosing * 100:.1f} points by choosing, at most {self.ceiling * 100:.0f} off{end}"

    @property
    def why(self) -> str:
        """Why the pool does not answer."""
        if self.looks >= self.looks_allowed:
            return f"the look budget of {self.looks_allowed} is spent"
        return f"{self.bits_left:.1f} of {self.bits_allowed:g} bits are left, another answer may cost {self.price:.1f}"

    def as_json(self) -> dict[str, Any]:
        """For details and facts."""
        return {
            "items": self.items,
            "looks_used": self.looks,
            "look_budget": self.looks_allowed,
            "bits": round(self.bits, 4),
            "bits_budget": self.bits_allowed,
            "bits_left": round(self.bits_left, 4),
            "ceiling": self.ceiling,
            "by_choosing": round(self.by_choosing, 4),
            "looks_within_2_points": looks_within(TOLERATED, self.own_se),
            "spent": self.spent,
        }


def spend(
    ledger: Ledger, suite: str, pool: str, node: str, digest: str, items: Sequence[str], why: str, by: str = ""
) -> str:
    """Records that a pool is spent and that its items are development items; the same again adds nothing."""
    body = {
        "suite": suite,
        "pool": pool,
        "digest": digest,
        "items": sorted(items),
        "why": why,
        **({"by": by} if by else {}),
    }
    return ledger.record(KIND, NAME, body, edges=[Edge("derived-from", node)])


def spent_pools(ledger: Ledger) -> list[Node]:
    """Every pool that was spent or replaced, of suites of any name, oldest first."""
    return [node for node in ledger.find(KIND, NAME) if not node.erased]
