"""The doctor: how long each adapter of the fleet can still be made again, and what to do first.

The orphan score is the number of days to the first loss that cannot be made good. The rebuildability score is between
0 and 1: the share of inputs that are there, times how fresh the last good drill is (1 within 90 days, then falling to
0 over a year; 0 where a later one failed), times 1 where two people have drilled it and 0.5 where one has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.fleet.clocks import DRILL_DAYS, UNRECOVERABLE, Clock, Known, clocks
from headgate.fleet.finding import Member, fleet
from headgate.fleet.rescue import kit_that_stands
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.ledger.claims import speaking
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import verdict_from_json
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Finding, Level, Outcome, Verdict

FAILURE = "orphan-adapter"
WITHIN_DAYS = 30.0
REBUILDS = 1.5  # an end is near where less than so many rebuilds fit before it
STALE_DAYS = 365.0
REMEDIES = {
    "base": "headgate fleet rescue, while the base is there; then move to another base",
    "hosted API": "headgate fleet rescue, while it answers; then move to another base",
    "licence": "renew the terms, or train again without these rows",
    "consent": "train again without these rows",
    "rows": "train again before they go, or record the effect: headgate fleet rescue",
    "start": "bring its folder back, or train again with another start",
    "code": "fetch the commit again, or train again from one that is kept",
    "hardware": "drill on the next machine while both are there",
    "dependency": "pin another version and train again",
    "owner": "headgate fleet adopt",
    "drill": "headgate fleet drill",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One adapter and how it stands."""

    member: Member
    clocks: tuple[Clock, ...]
    alarms: tuple[Clock, ...]
    rebuildability: float
    beaten: str  # what it no longer beats; empty: nothing is known against it

    @property
    def orphan_days(self) -> float | None:
        """Days to the first loss that cannot be made good; None: none is known."""
        days = [one.days for one in self.clocks if one.unrecoverable and one.days is not None]
        return max(0.0, min(days)) if days else None

    @property
    def verdict(self) -> Verdict:
        """Whether something has to be done now."""
        unknown = [one for one in self.alarms if one.days is None]
        findings = [Finding(message=_line(one), remedy="") for one in self.alarms]
        first = min((one for one in self.alarms if one.days is not None), key=lambda c: c.days or 0.0, default=None)
        next_step = REMEDIES[(first or unknown[0]).kind] if self.alarms else ""
        if self.alarms and len(unknown) == len(self.alarms):
            reason = "; ".join(one.why for one in unknown)
            verdict = cannot_tell(summary=f"{self.member.name}: {reason}", reason=reason, next_step=next_step)
        else:
            summary = f"{self.member.name}: {_line(first)}" if first else f"{self.member.name}: nothing ends soon"
            verdict = judge_count(
                len(self.alarms), name="clocks that need somebody now", unit="clocks",
                looked_at=max(1, len(self.clocks)),
                at_most=0, summary=summary, findings=findings, next_step=next_step,
            )  # fmt: skip
        return replace(verdict, rule="orphan", failure=FAILURE, level=Level.BLOCK)

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {
            "name": self.member.name,
            "adapter": self.member.adapter.id,
            "aliases": list(self.member.aliases),
            "orphan_days": self.orphan_days,
            "rebuildability": self.rebuildability,
            "clocks": [one.as_json() for one in self.clocks],
            "alarms": [one.as_json() for one in self.alarms],
            "beaten": self.beaten,
            "outcome": self.verdict.outcome.value,
        }


def examine(ledger: Ledger, project: Path, now: datetime, *, within_days: float = WITHIN_DAYS) -> list[Patient]:
    """Every adapter that is not retired, the one that loses something first in front.

    Raises:
        Refused: `within_days` is no number of days.
    """
    if not (math.isfinite(within_days) and within_days >= 0):
        raise Refused("no number of days", found=str(within_days), wanted="--within DAYS, 0 or more")
    known = Known(ledger, project)
    patients = [
        patient(known, one, now, within_days=within_days)
        for one in fleet(ledger)
        if speaking(known.history(one.adapter.id, "retired"), now) is None
    ]
    return sorted(patients, key=lambda p: (p.orphan_days is None, p.orphan_days or 0.0, p.member.name))


def patient(known: Known, one: Member, now: datetime, *, within_days: float = WITHIN_DAYS) -> Patient:
    """How one adapter stands."""
    found = clocks(known, one, now, kept=kit_that_stands(known.ledger, one.run.id, known.project) is not None)
    last = known.last_good(one.run.id)
    near = max(within_days, REBUILDS * (last["wall_s"] / 86_400 if last else 0.0))
    alarms = [c for c in found if not c.covered and (c.days is None or c.days <= (0.0 if c.kind == "drill" else near))]
    return Patient(
        member=one, clocks=tuple(found), alarms=tuple(alarms), rebuildability=rebuildability(known, one, found, now),
        beaten=_beaten(known.ledger, one),
    )  # fmt: skip


def rebuildability(known: Known, one: Member, found: Sequence[Clock], now: datetime) -> float:
    """Between 0, it cannot be made again as far as anybody knows, and 1."""
    last = known.last_good(one.run.id)
    if last is None or known.failed_since(one.run.id) is not None:
        return 0.0
    inputs = [c for c in found if c.kind in UNRECOVERABLE - {"hosted API"}]
    lost = sum(1 for c in inputs if c.unrecoverable and c.days is not None and c.days <= 0)
    there = 1 - lost / max(len(inputs), 6)
    age = (now - parse_moment(last["at"])).total_seconds() / 86_400
    fresh = min(1.0, max(0.0, 1 - (age - DRILL_DAYS) / (STALE_DAYS - DRILL_DAYS)))
    people = {drill["by"] for drill in known.drills(one.run.id) if drill["outcome"] == Outcome.PASS}
    return round(there * fresh * (1.0 if len(people) > 1 else 0.5), 3)


def _beaten(ledger: Ledger, one: Member) -> str:
    """The reference that the newest comparison did not show it to be better than; the decision of its last release."""
    if not one.releases:
        return ""
    judged = [ledger.node(link.target_id) for link in ledger.edges_from(one.releases[-1].id, "judged-by")]
    for node in judged:
        for body in node.body.get("verdicts", ()):
            verdict = verdict_from_json(body)
            if verdict.rule.startswith("candidate-over-") and verdict.outcome is not Outcome.PASS:
                return verdict.rule.removeprefix("candidate-over-")
    return ""


def _line(one: Clock) -> str:
    if one.days is None:
        return f"{one.kind}: {one.why}"
    when = "over" if one.days <= 0 else f"{one.days:.0f} days left"
    return f"{one.kind} {one.what}: {when} ({one.why})"


def lines(patients: Sequence[Patient]) -> list[str]:
    """The fleet for a person, one adapter after the other."""
    out = []
    for one in patients:
        days = "no loss known" if one.orphan_days is None else f"{one.orphan_days:.0f} days to the first loss"
        out.append(f"{one.verdict.outcome.value:6} {one.member.name}: {days}, rebuildability {one.rebuildability:.2f}")
        out += [f"         {_line(clock)}; try: {REMEDIES[clock.kind]}" for clock in one.alarms]
        if one.beaten:
            out.append(
                f"         not shown to be better than {one.beaten}; try: headgate fleet retire {one.member.name}"
            )
    return out or ["no adapters in use"]
