"""Waivers as they are read: a person answers for one failure, in one flow, until a day.

A waiver is a record with a name, a reason and an end date. It covers the verdicts of one rule (or of
one failure mode) and counts for nothing once its last day is over. Every stage lets the waivers of
its flow speak before it says how it ended; the verdict stays a failure, and says who answers for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.stats.verdict import Level, Outcome, Verdict

KIND = "waiver"
# Evidence that is missing, expired or stale: there is nothing known that a person could answer for.
NO_EVIDENCE = ("missing-evidence", "expired-evidence", "stale-evidence")
# A stopped reward: it is cleared by a named person with a new outcome suite, and by nothing else.
NEVER_WAIVED = (*NO_EVIDENCE, "reward-stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One waiver as recorded."""

    id: str
    rule: str  # rule, code or failure that it covers
    flow: str
    name: str  # of the person who answers for it
    reason: str
    until: date  # its last day, in UTC

    def stands(self, now: datetime) -> bool:
        """Whether its last day is not over."""
        return not is_over(self.until, now)

    def covers(self, verdict: Verdict) -> bool:
        """Whether it speaks about the rule or the failure of a verdict."""
        return verdict.rule not in NEVER_WAIVED and self.rule in (verdict.rule, verdict.code, verdict.failure)

    def as_json(self) -> dict[str, Any]:
        """As printed, and as stored in a decision."""
        names = ("rule", "flow", "name", "reason")
        return {"waiver": self.id, **{name: getattr(self, name) for name in names}, "until": self.until.isoformat()}


def is_over(last: date | str, now: datetime) -> bool:
    """Whether a waiver's last day, in UTC, lies behind; recorded waivers hold it as text."""
    day = date.fromisoformat(last) if isinstance(last, str) else last
    return now >= datetime.combine(day + timedelta(days=1), time(), UTC)


def read_waiver(node: Node) -> Waiver:
    """A waiver from its record."""
    body: Mapping[str, Any] = node.body
    fields = {name: body[name] for name in ("rule", "flow", "name", "reason")}
    return Waiver(id=node.id, until=date.fromisoformat(body["until"]), **fields)


def all_waivers(ledger: Ledger, flow: str | None = None) -> list[Waiver]:
    """Every waiver (of a flow), oldest first; expired ones too."""
    found = [read_waiver(node) for node in ledger.find(KIND)]
    return [waiver for waiver in found if flow is None or waiver.flow == flow]


def standing(ledger: Ledger, flow: str, now: datetime) -> list[Waiver]:
    """The waivers of a flow that count now."""
    return [waiver for waiver in all_waivers(ledger, flow) if waiver.stands(now)]


def covering(waivers: Iterable[Waiver], verdict: Verdict) -> Waiver | None:
    """The waiver that covers a verdict for longest."""
    return max((one for one in waivers if one.covers(verdict)), key=lambda one: one.until, default=None)


def let_through(ledger: Ledger, verdicts: Iterable[Verdict], context: StageContext) -> list[Verdict]:
    """The verdicts of a stage, where a failure that a standing waiver covers warns instead of blocking.

    A doubt is not waived here: it is answered by evidence, or at the gate where the flow says so.
    """
    waivers = standing(ledger, context.flow_name, context.now)
    out = []
    for verdict in verdicts:
        waiver = covering(waivers, verdict) if verdict.blocks and verdict.outcome is Outcome.FAIL else None
        if waiver is not None:
            verdict = replace(verdict, level=Level.WARN, details={**verdict.details, "waived": waiver.as_json()})
        out.append(verdict)
    return out
