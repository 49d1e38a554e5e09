"""Retention that acts: what is past its period goes, unless a hold keeps it or a model in use needs it.

The period of a row begins when it was made (`created_at`), or when it was captured. Of several periods the shortest
counts. Rows that a released adapter was made from are not erased under it: a case is opened, and its remedies say what
happens to the adapter; after that the next run erases them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.kit.clock import parse_moment, stamp
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.kit.people import Person
from headgate.ledger.approvals import BEGUN, DONE, ERASURE, second, spend
from headgate.ledger.cases import CLOSED, ROWS, rows_of
from headgate.ledger.holds import ALL, kept, standing
from headgate.ledger.known import is_known, nearest
from headgate.ledger.ledger import Edge, Ledger, Node
from headgate.ledger.roles import ERASE, require
from headgate.release.aliases import all_aliases
from headgate.rights import erasure
from headgate.rights.cases import RETENTION, Case, all_cases, lapsed, open_case
from headgate.rights.periods import OUTPUTS, SIGNALS, TRACES, Period, periods
from headgate.rights.periods import ROWS as PLAIN
from headgate.rights.reach import Target
from headgate.rows.row import Kind, Row
from headgate.rows.stored import stored_rows
from headgate.rules.signals import signal_of

ANSWERS = ("answers", "outcomes", "request", "answer")  # keys under which records name what models said
RECORDS = ("score", "trace")
ANSWERED = "recorded answers"  # what an erasure of them is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An adapter in use that will outlive rows that it was made from."""

    adapter: str
    rows: int
    first: str  # day on which the first of them goes
    until: str  # day until which the adapter is meant to be used

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class Due:
    """What is past its period, and what is done about it."""

    periods: Sequence[Period]
    past: dict[str, BitMap] = field(default_factory=dict)  # rows by the period that ended, before anything is left out
    erasable: BitMap = field(default_factory=BitMap)
    needed: BitMap = field(default_factory=BitMap)  # by adapters in use: a case says what happens to them
    held: BitMap = field(default_factory=BitMap)
    outputs: list[str] = field(default_factory=list)  # addresses of recorded answers
    alarms: list[Alarm] = field(default_factory=list)
    adapters: list[str] = field(default_factory=list)  # in use, and made from `needed`
    unknown: list[str] = field(default_factory=list)  # periods that no row is under, with the nearest known names
    undated: int = 0  # rows under a period whose date of making nobody can read, or lies after their capture

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {
            "periods": [one.as_json() for one in self.periods],
            "past": {about: len(rows) for about, rows in self.past.items()},
            "erasable": len(self.erasable),
            "needed": len(self.needed),
            "held": len(self.held),
            "outputs": len(self.outputs),
            "adapters": self.adapters,
            "unknown": self.unknown,
            "undated": self.undated,
            "alarms": [one.as_json() for one in self.alarms],
        }


@dataclass(slots=True, kw_only=True)
class Done:
    """What a run did."""

    erased: erasure.Erased | None = None
    outputs: int = 0
    unreached: list[str] = field(default_factory=list)  # copies of those that only an administrator can remove
    case: Case | None = None


def due(ledger: Ledger, now: datetime, *, adapter_life: int) -> Due:
    """What is past its period now, and which adapters outlive what they were made from."""
    out = Due(periods=periods(ledger, now))
    by_about = {one.about: one.days for one in out.periods}
    ends, met = dict[int, datetime](), set[str]()
    captured = _captured(ledger) if by_about else ([], [])
    for number, row in stored_rows(ledger, ledger.rows.all_numbers()) if by_about else ():
        applying = _applying(row, by_about)
        met.update(about for about, _ in applying)
        about, days = min(applying, key=lambda one: one[1], default=("", 0))
        if not days:
            continue
        begun, as_said = _begun(row, number, captured)
        out.undated += not as_said
        ends[number] = begun + timedelta(days=days)
        if ends[number] <= now:
            out.past.setdefault(about, BitMap()).add(number)
    out.unknown = [_unknown(ledger, one) for one in by_about if one not in met and not is_known(ledger, *_parted(one))]
    past = BitMap.union(BitMap(), *out.past.values())
    out.held = kept(ledger, now) & past
    used = _used(ledger)
    needs = {node.name: ledger.closure(node.id).rows for node, _ in used}
    out.needed = (past - out.held) & BitMap.union(BitMap(), *needs.values())
    out.erasable = past - out.held - out.needed
    out.adapters = [name for name, rows in needs.items() if not rows.isdisjoint(out.needed)]
    if f"kind:{OUTPUTS}" in by_about and not any(one.about == ALL for one in standing(ledger, now)):
        out.outputs = _outputs(ledger, now - timedelta(days=by_about[f"kind:{OUTPUTS}"]))
    out.alarms = _alarms(used, needs, ends, adapter_life, now)
    return out


def target_of(ledger: Ledger, rows: BitMap) -> Target:
    """Some rows as the target of a case or an erasure; their numbers are kept in the content of the ledger."""
    return Target(ROWS, ledger.content.put(rows.serialize()))


def outputs_scope(found: Due) -> str:
    """Digest of the recorded answers that go, so that what one person approved is what another one erases."""
    return digest_json(sorted(found.outputs))


def due_acts(ledger: Ledger, now: datetime) -> list[tuple[str, str, str]]:
    """What a run would erase now, for somebody to approve: what each act is about, its scope, and it in words.

    Raises:
        Refused: nothing is past its period.
    """
    found, out = due(ledger, now, adapter_life=1), list[tuple[str, str, str]]()
    if found.erasable:
        planned = erasure.plan(ledger, target_of(ledger, found.erasable))
        out.append((str(planned.target), planned.scope, f"{len(planned.rows):,} rows past their period"))
    if found.outputs:
        told = f"{len(found.outputs):,} {ANSWERED} past their period"
        out.append((ANSWERED, outputs_scope(found), told))
    if not out:
        raise Refused("nothing is past its retention period", next_step="headgate rights retention list")
    return out


def run(ledger: Ledger, found: Due, *, store: Path, by: str, reason: str, now: datetime, quiet: bool = True) -> Done:
    """Erases what may go, and opens a case about what adapters in use were made from.

    An erasure that was cut off before is brought to its end first.

    Raises:
        Refused: nobody is named, they may not erase, or nobody else approved it where two people want to.
        Busy: erased, but another process reads the ledger; run it again when that has ended.
    """
    erasure.must_be_answered_for(by, reason)
    person = require(ledger, ERASE, by=by, about=f"{len(found.erasable)} rows past their period", now=now)
    approval = None
    if found.outputs:  # asked before a row goes, so that a run erases all of it or nothing
        approval = second(ledger, ERASE, ANSWERED, outputs_scope(found), person, now)
    out = Done()
    how: dict[str, Any] = {"store": store, "by": by, "reason": reason, "now": now, "quiet": quiet}
    gone = BitMap()
    for begun in erasure.unfinished(ledger):
        kind, key = _parted(str(begun.body["target"]))
        if kind == ROWS:
            planned = erasure.plan(ledger, Target(ROWS, key))
            out.erased, gone = erasure.erase(ledger, planned, **how), gone | planned.rows
    if found.erasable - gone:
        planned = erasure.plan(ledger, target_of(ledger, found.erasable - gone))
        out.erased = erasure.erase(ledger, planned, **how)
    if found.outputs or erasure.unfinished(ledger, ANSWERED):
        _erase_outputs(ledger, found, out, reason, person, approval, now)
    new = found.needed - _in_cases(ledger, now)
    if new:
        said = f"past their period, and {', '.join(found.adapters)} in use was made from them"
        out.case = open_case(ledger, RETENTION, target_of(ledger, new), reason=said, source=by, now=now)
    return out


def _erase_outputs(
    ledger: Ledger, found: Due, out: Done, reason: str, person: Person, approval: Node | None, now: datetime
) -> None:
    """Erases recorded answers; the approval is spent in the transaction in which they go."""
    said = {"target": ANSWERED, "reason": reason, "at": stamp(now), **person.as_json()}
    before = [node.body["approval"] for node in erasure.unfinished(ledger, ANSWERED) if node.body.get("approval")]
    said |= {"approval": approval.id if approval else before[-1]} if approval or before else {}
    with ledger.erasing() as swept, ledger.transaction():
        spend(ledger, approval, person, now)
        begun = ledger.record("decision", ERASURE, said | {"state": BEGUN, "content": len(found.outputs)})
        out.outputs = sum(ledger.content.erase(address) for address in found.outputs)
    out.unreached = list(swept.left)
    told = said | {"state": DONE, "content": out.outputs, "unreached": out.unreached}
    ledger.record("decision", ERASURE, told, edges=[Edge("supersedes", begun)])


def _applying(row: Row, by_about: dict[str, int]) -> list[tuple[str, int]]:
    kind = TRACES if row.kind is Kind.TRACE else SIGNALS if signal_of(row) else PLAIN
    names = [f"kind:{kind}", f"source:{row.side.source}", f"group:{row.side.group}"]
    names += [f"group:{name}={value}" for name, value in row.side.slices.items()]
    return [(one, by_about[one]) for one in names if one in by_about]


def _parted(about: str) -> tuple[str, str]:
    kind, _, key = about.partition(":")
    return kind, key


def _unknown(ledger: Ledger, about: str) -> str:
    near = nearest(ledger, *_parted(about))
    return about + (f" (nearest: {', '.join(near)})" if near else "")


def _captured(ledger: Ledger) -> tuple[list[int], list[datetime]]:
    """The first number of every append, and its moment."""
    entries = [entry for entry in ledger.log() if entry.action == "rows"]
    return [int(one.payload["first"]) for one in entries], [parse_moment(one.at) for one in entries]


def _begun(row: Row, number: int, captured: tuple[list[int], list[datetime]]) -> tuple[datetime, bool]:
    """When the period of a row begins, and whether that is what the row says, or it says nothing.

    A date that nobody can read says nothing, and nothing is made after it came: such a row counts from when it came.
    """
    firsts, moments = captured
    came = moments[bisect_right(firsts, number) - 1]
    if not (row.side.created_at or "").strip():
        return came, True
    try:
        made = parse_moment(str(row.side.created_at).strip())
    except Refused:
        return came, False
    return (made, True) if made <= came + timedelta(days=1) else (came, False)


def _used(ledger: Ledger) -> list[tuple[Node, Node]]:
    """Adapters to which an alias leads, each with its release."""
    served = set(all_aliases(ledger).values())
    out = []
    for release in ledger.find("release"):
        if release.name in served:
            needs = ledger.nodes.many(link.target_id for link in ledger.edges_from(release.id, "derived-from"))
            out += [(node, release) for node in needs if node.kind == "adapter"]
    return out


def _alarms(
    used: Sequence[tuple[Node, Node]], needs: dict[str, BitMap], ends: dict[int, datetime], life: int, now: datetime
) -> list[Alarm]:
    out = []
    for node, release in used:
        until = max(parse_moment(release.at) + timedelta(days=life), now)
        short = sorted(ends[number] for number in needs[node.name] if number in ends and ends[number] < until)
        if short:
            days = short[0].astimezone(UTC).date().isoformat(), until.date().isoformat()
            out.append(Alarm(adapter=node.name, rows=len(short), first=days[0], until=days[1]))
    return out


def _outputs(ledger: Ledger, before: datetime) -> list[str]:
    """Addresses of answers that were recorded before a moment, and are still there."""
    named = [
        str(node.body[key])
        for kind in RECORDS
        for node in ledger.find(kind)
        if not node.erased and parse_moment(node.at) <= before
        for key in ANSWERS
        if str(node.body.get(key, "")).startswith("b3:")
    ]
    return [address for address in dict.fromkeys(named) if ledger.content.has(address)]


def _in_cases(ledger: Ledger, now: datetime) -> BitMap:
    """Rows that a case of this kind already answers for: one that is open, or closed and not lapsed."""
    out = BitMap()
    for case in all_cases(ledger):
        if case.kind == RETENTION and not (case.state == CLOSED and lapsed(case, now)):
            out |= rows_of(ledger, case.target.kind, case.target.key)
    return out


def lines(found: Due, done: Done | None) -> list[str]:
    """What is past its period, on one screen."""
    out = [f"{one.about:<28} {one.days:>6,} days  ({one.by})" for one in found.periods] or [
        "no retention period is set"
    ]
    out += [f"  {about}: {len(rows):,} rows are past it" for about, rows in found.past.items()]
    out += [f"  no row is under it: {about}" for about in found.unknown]
    if found.undated:
        out.append(
            f"  {found.undated:,} rows bear a created_at that is no ISO date, or a later one than their capture:"
        )
        out.append("    they count from their capture")
    if found.held:
        out.append(f"  {len(found.held):,} of them are kept by a legal hold")
    if found.needed:
        out.append(f"  {len(found.needed):,} of them are needed by {', '.join(found.adapters)}: a case, no erasure")
    if found.outputs:
        out.append(f"  {len(found.outputs):,} recorded answers of models are past their period")
    for alarm in found.alarms:
        out.append(
            f"ALARM {alarm.adapter}, meant to be used until {alarm.until}: {alarm.rows:,} of its rows go, "
            f"the first on {alarm.first}"
        )
    if done is None:
        return [*out, f"{len(found.erasable):,} rows would be erased" + " (--yes erases them)" * bool(found.erasable)]
    if done.erased is not None:
        out += [f"erased: {done.erased.rows:,} row bodies, {len(done.erased.records):,} records"]
        out += [f"  still there: {one}" for one in (*done.erased.left, *done.erased.yours, *done.erased.remaining)]
    if done.outputs:
        out.append(f"erased: {done.outputs:,} recorded answers")
    unreached = dict.fromkeys([*(done.erased.unreached if done.erased else ()), *done.unreached])
    out += [f"  not reached, and may still hold them: {one}" for one in unreached]
    if done.case is not None:
        out.append(
            f"{done.case.name} is open about {len(found.needed):,} rows: headgate rights case show {done.case.name}"
        )
    return out
