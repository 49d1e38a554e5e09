"""Which judges are left: spent by what, licensed until when, and for how many more decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.ledger.ledger import Ledger
from headgate.models.judges.declared import Declared
from headgate.rules.judge_fitness import FAMILY, LICENCE, OWN, SPENT, bench_of, judge_fit, licence_about
from headgate.rules.judge_uses import decided, family_of
from headgate.rules.licences import LICENSED, WHAT
from headgate.stats.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One judge as it stands for one adapter."""

    judge: str
    family: str
    doubts: tuple[Verdict, ...]
    licensed_until: str  # of any rubric; empty where none holds
    gates_used: int
    gates: int

    @property
    def gates_left(self) -> int:
        """Decisions that it may still make; none where it is spent or kin."""
        out = {one.rule for one in self.doubts if one.blocks} & {SPENT, FAMILY, OWN}
        return 0 if out else max(self.gates - self.gates_used, 0)

    @property
    def told(self) -> str:
        """What to do about it."""
        spent = next((one.summary for one in self.doubts if one.blocks and one.rule in (SPENT, FAMILY, OWN)), "")
        if spent:
            return f"out: {spent}"
        if not self.gates_left:
            return f"rotate: has decided on {self.gates_used} adapters"
        if not self.licensed_until:
            return f"qualify first: {next((v.summary for v in self.doubts if v.rule == LICENCE), 'no licence')}"
        when = "rotate after the next gate" if self.gates_left == 1 else f"{self.gates_left} gates left"
        return f"{when}, licensed until {self.licensed_until[:10]}"

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {"judge": self.judge, "family": self.family, "told": self.told, "licensed_until": self.licensed_until}
        left = {"gates_used": self.gates_used, "gates_left": self.gates_left}
        return {
            **told,
            **left,
            "doubts": [{"rule": v.rule, "outcome": v.outcome, "summary": v.summary} for v in self.doubts],
        }


def standing(ledger: Ledger, known: Declared, now: datetime, adapter: str = "") -> list[Standing]:
    """Every judge that may decide, as it stands for an adapter; empty: the newest one."""
    adapters = ledger.find("adapter")
    address = adapter or (adapters[-1].id if adapters else "")
    bench = bench_of(ledger, address) if address else None
    out = []
    for name, node in sorted(known.judges.items()):
        if "gate" not in node.body["roles"]:
            continue
        untils = [
            claim.valid_to or ""
            for rubric in (None, *known.rubrics.values())
            if (claim := ledger.claims.at(licence_about(node, rubric), WHAT, now)) and claim.value == LICENSED
        ]
        doubts = judge_fit(ledger, bench, node, None, now, adapter=address) if bench else []
        used = [one for one in decided(ledger, node.body) if one != address]
        out.append(
            Standing(
                judge=name,
                family=family_of(node.body),
                doubts=tuple(doubts),
                licensed_until=max(untils, default=""),
                gates_used=len(used),
                gates=int(node.body["gates"]),
            )
        )
    return out
