"""What is done about a model that a case touches, and whether the ledger bears it out.

- `retrain-without`: another adapter takes its place, whose lineage holds none of the rows; no alias moves back to it.
- `retire`: the adapter is out of use for good; aliases are taken off its releases.
- `quarantine`: the same until a day.
- `justify`: it stays, and a person answers for that until a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from headgate.kit.clock import parse_moment, stamp
from headgate.kit.errors import Refused
from headgate.ledger.cases import JUSTIFY
from headgate.ledger.ledger import Ledger, Node
from headgate.ledger.waivers import is_over
from headgate.release.aliases import all_aliases, withdraw
from headgate.rights.cases import CLOSED, LONGEST, Case, changed, must_be_line, refreshed
from headgate.rights.difference import cost, difference
from headgate.rights.reach import VERSION, Reach

RETRAIN, RETIRE, QUARANTINE = "retrain-without", "retire", "quarantine"
REMEDIES = (RETRAIN, RETIRE, QUARANTINE, JUSTIFY)
STANDING = {RETRAIN: "replaced", RETIRE: "retired", QUARANTINE: "quarantined"}  # what is claimed of the adapter
AGAIN = "curate again without them, with curate.withdrawn = remove"
LEAST_REASON = 10  # characters of a justification


def apply(
    ledger: Ledger,
    case: Case,
    on: str,
    remedy: str,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    until: date | None = None,
    replacement: str = "",
    evidence: str | None = None,
) -> Case:
    """Records what is done about one adapter that the case touches, and does it where it is done in the ledger.

    `on`: its name or address; `replacement`: the adapter that takes its place; `until`: last day of a quarantine or a
    justification; `evidence`: address of a document in the content of the ledger.

    Raises:
        Refused: the case does not touch it, nobody is named, a part of the remedy is missing, or it does not hold.
    """
    if remedy not in REMEDIES:
        raise Refused("unknown remedy", found=remedy, wanted=", ".join(REMEDIES))
    must_be_line(by, "name", "--by NAME")
    with ledger.transaction():
        case, found = refreshed(ledger, case)
        adapters = _touched(found, on, case)
        said: dict[str, Any] = {"remedy": remedy, "by": by, "reason": reason, "at": stamp(now), "evidence": evidence}
        if remedy in (QUARANTINE, JUSTIFY):
            if until is None or until > now.date() + timedelta(days=LONGEST) or is_over(until, now):
                wanted = f"--until DATE, within {LONGEST} days"
                raise Refused(f"{remedy} needs a last day that is not over", found=str(until), wanted=wanted)
            said["until"] = until.isoformat()
        if remedy == JUSTIFY and (len(reason.strip()) < LEAST_REASON or not reason.isprintable()):
            raise Refused("a justification without a reason", found=repr(reason), wanted="--reason TEXT")
        if remedy == JUSTIFY and evidence is None:
            raise Refused("a justification without a document", wanted="--evidence FILE, such as the legal opinion")
        if remedy == RETRAIN:
            other = _replacement(ledger, replacement, adapters, found)
            said |= {"replacement": other.id, "cost": cost(ledger, other)}
            said["difference"] = difference(ledger, adapters[-1], other)
        for adapter in adapters if remedy in STANDING else ():
            _take_out_of_use(ledger, case, adapter, STANDING[remedy], by, now, until)
        return changed(ledger, case, remedies={**case.remedies, **{adapter.id: said for adapter in adapters}})


def close(ledger: Ledger, case: Case, *, by: str, now: datetime) -> tuple[Case, list[str]]:
    """Closes a case that nothing stands in the way of; otherwise the case as it is, and what is missing.

    Raises:
        Refused: nobody is named, or it is closed.
    """
    must_be_line(by, "name", "--by NAME")
    if case.state == CLOSED:
        raise Refused("the case is closed", found=case.name)
    with ledger.transaction():
        case, found = refreshed(ledger, case)
        lacking = missing(ledger, case, found, now)
        if lacking:
            return case, lacking
        return changed(ledger, case, state=CLOSED, closed_at=stamp(now), closed_by=by), []


def missing(ledger: Ledger, case: Case, found: Reach, now: datetime) -> list[str]:
    """What a case lacks to be closed, each with the next step."""
    adapters = found.of("adapter")
    # Who answers for every model made from the rows answers for the rows as well.
    justified = adapters and all(case.remedies.get(one.id, {}).get("remedy") == JUSTIFY for one in adapters)
    out = [
        f"{held.name}, the newest {VERSION}, holds {held.rows:,} of the rows: {AGAIN}"
        for held in found.versions
        if held.newest and not justified
    ]
    for adapter in adapters:
        remedy = case.remedies.get(adapter.id)
        if remedy is None:
            out.append(f"adapter {adapter.name} has no remedy: {', '.join(REMEDIES)}")
            continue
        out += [f"adapter {adapter.name}: {problem}" for problem in _problems(ledger, adapter, remedy, found, now)]
    return list(dict.fromkeys(out))


def _problems(ledger: Ledger, adapter: Node, remedy: Any, found: Reach, now: datetime) -> list[str]:
    how, out = remedy["remedy"], []
    if how in (QUARANTINE, JUSTIFY) and is_over(remedy["until"], now):
        out.append(f"its last day, {remedy['until']}, is over")
    if how == RETRAIN:
        replacement = ledger.node(remedy["replacement"])
        held = ledger.closure(replacement.id).rows & found.rows
        if held:
            out.append(f"{replacement.name}, which takes its place, was made from {len(held):,} of the rows")
    if how != JUSTIFY:
        served = {name: alias for alias, name in all_aliases(ledger).items()}
        pointed = [release.name for release in _releases(ledger, adapter) if release.name in served]
        out += [f"{served[name]} still points at {name}: release its replacement" for name in pointed]
    return out


def _touched(found: Reach, on: str, case: Case) -> list[Node]:
    """The adapters of that name or address: the same weights, trained twice, are one adapter with two records."""
    adapters = found.of("adapter")
    named = [node for node in adapters if on in (node.id, node.name) or (on[:3] == "b3:" and node.id.startswith(on))]
    if not named or len({node.name for node in named}) > 1:
        wanted = ", ".join(dict.fromkeys(node.name for node in adapters)) or "none: the case touches no adapter"
        raise Refused(f"{case.name} touches no such adapter", found=on, wanted=wanted)
    return named


def _replacement(ledger: Ledger, name: str, adapters: Sequence[Node], found: Reach) -> Node:
    if not name:
        raise Refused("retrained without, and nothing takes its place", wanted="--replacement ADAPTER")
    node = ledger.node(name)
    if node.kind != "adapter" or node.name in {adapter.name for adapter in adapters}:
        raise Refused("an adapter is replaced by another adapter", found=f"{node.kind} {node.name}")
    held = ledger.closure(node.id).rows & found.rows
    if held:
        raise Refused(
            "the replacement was made from the same rows",
            found=f"{node.name}: {len(held):,} of {len(found.rows):,} rows",
            next_step="curate again without them, then headgate run",
        )
    return node


def _take_out_of_use(
    ledger: Ledger, case: Case, adapter: Node, value: str, by: str, now: datetime, until: date | None
) -> None:
    last = parse_moment(until) + timedelta(days=1) if until and value == STANDING[QUARANTINE] else None
    ledger.claims.assert_(
        adapter.id, "retired", value, source=f"{by}, {case.name}", observed_at=now, valid_from=now, valid_to=last
    )
    if value == STANDING[RETRAIN]:
        return  # it is served until its replacement is: `close` looks where aliases point
    for release in _releases(ledger, adapter):
        withdraw(ledger, release.name, now)


def _releases(ledger: Ledger, adapter: Node) -> list[Node]:
    return ledger.impact(adapter.id).of("release")
