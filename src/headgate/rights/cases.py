"""Cases: a withdrawal, a change of licence or a takedown, from the day it is known to the evidence that ends it.

A case has a clock and lists what it touches. It is closed only when each touched model has a remedy that the ledger
bears out and no newest dataset version holds a touched row. Every change of a case is a record of its own that
supersedes the one before, so that the whole course of it can be read years later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.kit.clock import parse_moment, stamp
from headgate.kit.errors import Refused
from headgate.ledger.cases import CLOSED, KIND, OPEN, PREFIX, latest
from headgate.ledger.claims import Moment
from headgate.ledger.ledger import Edge, Ledger, Node
from headgate.rights.difference import said
from headgate.rights.reach import MODELS, ROW, SOURCE, SUBJECT, Reach, Target, reach

WITHDRAWAL, LICENCE_CHANGE, TAKEDOWN = "withdrawal", "licence-change", "takedown"
KINDS = (WITHDRAWAL, LICENCE_CHANGE, TAKEDOWN)
# One month to act on a request: Regulation (EU) 2016/679, article 12(3). Others have the same, for want of a law.
DAYS = 30
CLAIMED = {WITHDRAWAL: "withdrawn", TAKEDOWN: "revoked"}  # what is then claimed of consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case as it stands."""

    name: str  # such as rights/3
    kind: str
    target: Target
    reason: str
    source: str  # who says so
    opened_at: str
    due_at: str
    state: str
    touched: tuple[Mapping[str, str], ...]  # id, kind and name of each model, as they were found last
    remedies: Mapping[str, Mapping[str, Any]]  # by id of what they are for
    node: str  # of the latest record
    body: Mapping[str, Any]

    def days_left(self, now: datetime) -> float:
        """Days until it is due; below 0 it is overdue."""
        return (parse_moment(self.due_at) - now) / timedelta(days=1)

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {"case": self.name, "record": self.node, **self.body}


def open_case(
    ledger: Ledger,
    kind: str,
    target: Target,
    *,
    reason: str,
    source: str,
    now: datetime,
    since: Moment | None = None,
    days: int = DAYS,
    evidence: str | None = None,
) -> Case:
    """Opens a case, and claims what it says of consent; an open case about the same is given back as it is.

    `since`: from when on consent is gone (now, if not given); `days`: until it is due; `evidence`: address of what
    was received, in the content of the ledger.

    Raises:
        Refused: an unknown kind, no reason, no source, fewer than one day, or nobody such in the ledger.
    """
    if kind not in KINDS:
        raise Refused("unknown kind of case", found=kind, wanted=", ".join(KINDS))
    for name, text in (("reason", reason), ("source", source)):
        if not text.strip():
            raise Refused(f"a case without a {name}", wanted=f"--{name.replace('source', 'by')} TEXT")
    if days < 1:
        raise Refused("a case that is due before it is open", found=f"{days} days", wanted="at least 1")
    for known in all_cases(ledger):
        if known.state == OPEN and (known.kind, known.target) == (kind, target):
            return known
    moment = parse_moment(since) if since else now
    with ledger.transaction():
        found = reach(ledger, target)
        claim = None
        if kind in CLAIMED and target.kind in (SUBJECT, SOURCE):
            claim = ledger.claims.assert_(
                str(target), "consent", CLAIMED[kind], source=source, observed_at=now, valid_from=moment,
                evidence=evidence,
            )  # fmt: skip
        body = {
            "kind": kind,
            "about": {"kind": target.kind, "key": target.key},
            "reason": reason,
            "source": source,
            "since": stamp(moment),
            "opened_at": stamp(now),
            "due_at": stamp(now + timedelta(days=days)),
            "state": OPEN,
            "claim": claim,
            "evidence": evidence,
            "remedies": {},
            **_touched(found),
        }
        number = len({node.name for node in ledger.find(KIND) if node.name.startswith(PREFIX)}) + 1
        return _read(ledger.node(ledger.record(KIND, f"{PREFIX}{number}", body)))


def all_cases(ledger: Ledger) -> list[Case]:
    """The latest state of every case, oldest first."""
    return [_read(node) for node in latest(ledger)]


def get(ledger: Ledger, name: str) -> Case:
    """A case by name or number.

    Raises:
        Refused: there is none.
    """
    node = ledger.latest(KIND, name if name.startswith(PREFIX) else PREFIX + name)
    if node is None:
        known = ", ".join(case.name for case in all_cases(ledger)[-8:]) or "there are none yet"
        raise Refused("no such case", found=name, wanted=known)
    return _read(node)


def history(ledger: Ledger, case: Case) -> list[Node]:
    """Every record of a case, oldest first."""
    return ledger.find(KIND, case.name)


def changed(ledger: Ledger, case: Case, **changes: Any) -> Case:
    """Records the next state of a case.

    Raises:
        Refused: the case is closed, or was changed by somebody else meanwhile.
    """
    with ledger.transaction():
        now_known = get(ledger, case.name)
        if now_known.node != case.node:
            raise Refused("the case was changed meanwhile", found=case.name, next_step="look at it again")
        if case.state == CLOSED:
            raise Refused("the case is closed", found=case.name, next_step="open another one")
        body = {**case.body, **changes, "revision": int(case.body.get("revision", 1)) + 1}
        return _read(ledger.node(ledger.record(KIND, case.name, body, edges=[Edge("supersedes", case.node)])))


def refreshed(ledger: Ledger, case: Case) -> tuple[Case, Reach]:
    """The case with what it touches now: models may have been made since it was opened."""
    found = reach(ledger, case.target)
    touched = _touched(found)
    same = all(case.body.get(name) == value for name, value in touched.items())
    return (case if same or case.state == CLOSED else changed(ledger, case, **touched)), found


def lines(case: Case, now: datetime) -> list[str]:
    """A case in one screen."""
    out = [f"{case.name}  {case.kind} of {case.target}  {clock_of(case, now)}"]
    out.append(f"  {case.reason} (says {case.source}, {case.opened_at[:10]})")
    body = case.body
    out.append(f"  {body['rows']:,} rows, {body['derived_rows']:,} made from them; in {_list(body['datasets'])}")
    for one in {(one["kind"], one["name"]): one for one in case.touched}.values():
        remedy = case.remedies.get(one["id"])
        done = f"{remedy['remedy']} by {remedy['by']}, {remedy['at'][:10]}" if remedy else "no remedy yet"
        out.append(f"  {one['kind']:<11} {one['name']:<36} {done if one['kind'] == 'adapter' else ''}".rstrip())
        out += [f"    replacement over it on {said(told)}" for told in (remedy or {}).get("difference", ())]
    return out


def clock_of(case: Case, now: datetime) -> str:
    """How long an open case still has, or when it was closed."""
    if case.state == CLOSED:
        return f"closed {case.body['closed_at'][:10]}"
    left = case.days_left(now)
    return f"due {case.due_at[:10]}, " + (f"{left:.0f} days left" if left >= 0 else f"{-left:.0f} days OVERDUE")


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "no dataset version"


def _touched(found: Reach) -> dict[str, Any]:
    return {
        "rows": len(found.own),
        "derived_rows": len(found.derived),
        "datasets": [held.name for held in found.versions],
        "touched": [{"id": node.id, "kind": node.kind, "name": node.name} for node in found.of(*MODELS)],
    }


def _read(node: Node) -> Case:
    body = node.body
    return Case(
        name=node.name,
        kind=body["kind"],
        target=Target(body["about"]["kind"], body["about"]["key"]),
        touched=tuple(body["touched"]),
        remedies=body["remedies"],
        node=node.id,
        body=body,
        **{name: body[name] for name in ("reason", "source", "opened_at", "due_at", "state")},
    )


__all__ = ["CLOSED", "DAYS", "KINDS", "OPEN", "ROW", "Case", "all_cases", "get", "open_case"]
