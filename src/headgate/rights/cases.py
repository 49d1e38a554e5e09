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
from headgate.ledger.claims import Moment, is_withheld
from headgate.ledger.ledger import Edge, Ledger, Node
from headgate.ledger.waivers import is_over
from headgate.rights.difference import said
from headgate.rights.reach import MODELS, ROW, SOURCE, SUBJECT, Reach, Target, as_kept, reach

WITHDRAWAL, LICENCE_CHANGE, TAKEDOWN, RETENTION = "withdrawal", "licence-change", "takedown", "retention"
KINDS = (WITHDRAWAL, LICENCE_CHANGE, TAKEDOWN, RETENTION)
# One month to act on a request: Regulation (EU) 2016/679, article 12(3). Others have the same, for want of a law.
DAYS = 30
LONGEST = 3650
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

    def overdue(self, now: datetime) -> bool:
        """Whether it is open for too long, or what closed it is over."""
        return bool(lapsed(self, now)) if self.state == CLOSED else self.days_left(now) < 0

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
        Refused: an unknown kind, no reason, no source, fewer than one day, a day that lies ahead, or nobody such in
            the ledger.
    """
    if kind not in KINDS:
        raise Refused("unknown kind of case", found=kind, wanted=", ".join(KINDS))
    must_be_line(reason, "reason", "--reason TEXT")
    must_be_line(source, "name", "--by NAME")
    if not 1 <= days <= LONGEST:
        raise Refused("not a time for a case", found=f"{days} days", wanted=f"1 to {LONGEST}")
    target = as_kept(ledger, target)
    moment = _since(kind, since, now)
    for known in all_cases(ledger):
        if known.state == OPEN and (known.kind, known.target) == (kind, target):
            return _said_again(ledger, known, reason, source, now, moment, evidence)
    with ledger.transaction():
        found = reach(ledger, target)
        claim = _withhold(ledger, kind, target, source, now, moment, evidence)
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


def _since(kind: str, since: Moment | None, now: datetime) -> datetime:
    """From when on it is so: now, where nothing is given; consent is gone since the day, if it has begun somewhere.

    Raises:
        Refused: the day lies ahead. The rows would stay in use until then, and the case could not be answered.
    """
    moment = parse_moment(since) if since else now
    if kind not in CLAIMED:
        return moment
    if moment - now > timedelta(days=1):
        raise Refused(
            "consent that a case is about is gone, and not from a day that lies ahead",
            found=moment.date().isoformat(), wanted=f"{now.date().isoformat()} or before",
            next_step="state in a file of claims until when consent holds (valid_to), and capture with it",
        )  # fmt: skip
    return min(moment, now)


def _withhold(
    ledger: Ledger, kind: str, target: Target, source: str, now: datetime, moment: datetime, evidence: str | None
) -> str | None:
    """Claims that consent is gone, so that it is heard whatever was claimed before; the id of the claim.

    The claim observed last speaks. One that was made under a clock ahead of this one would speak louder than
    somebody who withdraws after it, so what they say is claimed once more, as observed just after that.
    """
    if kind not in CLAIMED or target.kind not in (SUBJECT, SOURCE):
        return None

    def claim(observed: datetime) -> str:
        return ledger.claims.assert_(
            target.about, "consent", CLAIMED[kind], source=source, observed_at=observed, valid_from=moment,
            evidence=evidence,
        )  # fmt: skip

    made = claim(now)
    last = max(parse_moment(one.observed_at) for one in ledger.claims.history(target.about, "consent"))
    return made if _withheld(ledger, target, now) else claim(last + timedelta(microseconds=1))


def _withheld(ledger: Ledger, target: Target, when: datetime) -> bool:
    spoken = ledger.claims.at(target.about, "consent", when)
    return spoken is not None and is_withheld(spoken.value)


def _said_again(
    ledger: Ledger, case: Case, reason: str, source: str, now: datetime, moment: datetime, evidence: str | None
) -> Case:
    """The open case about the same; what is new in it is kept beside what opened it, and the clock runs on.

    Consent that was given since, and is withdrawn again, is claimed to be gone again.
    """
    known = [{"reason": case.reason, "source": case.source}, *case.body.get("again", ())]
    heard = case.kind not in CLAIMED or case.target.kind not in (SUBJECT, SOURCE)
    heard = heard or _withheld(ledger, case.target, now)
    if heard and any((one["reason"], one["source"]) == (reason, source) for one in known) and evidence is None:
        return case
    with ledger.transaction():
        claim = None if heard else _withhold(ledger, case.kind, case.target, source, now, moment, evidence)
        again = {"reason": reason, "source": source, "at": stamp(now), "evidence": evidence, "claim": claim}
        return changed(ledger, case, again=[*case.body.get("again", ()), again])


def must_be_line(text: str, what: str, wanted: str) -> None:
    """Refuses a text that is empty, or that would look like several lines where it is printed.

    Raises:
        Refused: it is.
    """
    if not text.strip() or not text.isprintable():
        raise Refused(f"a case needs a {what} in one line", found=repr(text), wanted=wanted)


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
    out += [f"  {one['reason']} (says {one['source']}, {one['at'][:10]})" for one in case.body.get("again", ())]
    body = case.body
    out.append(f"  {body['rows']:,} rows, {body['derived_rows']:,} made from them; in {_list(body['datasets'])}")
    for one in {(one["kind"], one["name"]): one for one in case.touched}.values():
        remedy = case.remedies.get(one["id"])
        done = f"{remedy['remedy']} by {remedy['by']}, {remedy['at'][:10]}" if remedy else "no remedy yet"
        out.append(f"  {one['kind']:<11} {one['name']:<36} {done if one['kind'] == 'adapter' else ''}".rstrip())
        out += [f"    replacement over it on {said(told)}" for told in (remedy or {}).get("difference", ())]
    return out


def lapsed(case: Case, now: datetime) -> str:
    """The day by which a closed case was answered for that is over; empty where none is."""
    over = [one["until"] for one in case.remedies.values() if "until" in one and is_over(one["until"], now)]
    return min(over) if over and case.state == CLOSED else ""


def clock_of(case: Case, now: datetime) -> str:
    """How long an open case still has, or when it was closed, and whether what closed it is over."""
    if case.state == CLOSED:
        over = lapsed(case, now)
        return f"closed {case.body['closed_at'][:10]}" + f", answered for until {over}: OVERDUE" * bool(over)
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
