"""How the state of a reward is kept: a STOP sticks to its lineage, a HOLD waits for a note.

A state is a node of kind `decision`. A STOP stands for the flow that it was made in, and for whatever was made from
what it is about, under whatever name, until a named person clears it with an outcome suite that the series never used;
from then on only new records count, and prompts of the stopped series do not. A HOLD is answered by a note of a named
person on that very evidence; other evidence wants another note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.roles import WAIVE, require
from headgate.rules.retrained import lineage_of
from headgate.rules.reward_governing import Governed
from headgate.rules.reward_series import KIND as SCORES
from headgate.rules.reward_series import PREFIX, Batch
from headgate.stats.governed import FAILURE, STOPPED, State
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Verdict

KIND, STATE, NOTE, CLEARED = "decision", "reward-state", "reward-note", "reward-cleared"
HOLDS = "reward-hold"


def settle(
    ledger: Ledger, found: Governed, scores: Sequence[Node], batches: Sequence[Batch], *, flow: str = "",
    on: Sequence[str] = (),
) -> list[Verdict]:  # fmt: skip
    """Records the state of a series, and adds what earlier states say: a stop that stands, prompts that are spent."""
    name = found.name
    # A stop is about the steps from the one that parted on: what was made of earlier ones is not in doubt.
    doubted = scores[found.parted :]
    linked = {link.target_id for one in doubted for link in ledger.edges_from(one.id, "derived-from")}
    prompts = sorted({prompt for batch in batches for prompt in batch.prompts})
    out = list(found.verdicts)
    spent = spent_prompts(ledger, name, flow)
    if again := spent.intersection(prompts):
        out.insert(0, _not_new(name, len(again), len(prompts)))
    body = {
        "series": name,
        "flow": flow,
        "state": (State.STOP if again else found.state).value,
        "reasons": [one.as_json() for one in found.reasons],
        "scores": sorted(one.id for one in scores),
        "suites": sorted({str(one.body["suite"]) for one in scores} - {""}),
        "about": sorted(linked | set(on)),
        "since": cleared_after(ledger, name, flow),
    }
    with ledger.transaction():
        body["prompts"] = ledger.content.put(canonical_json(prompts))
        edges = [Edge("derived-from", one) for one in sorted({*(node.id for node in scores), *linked, *on})]
        own = ledger.record(KIND, STATE, body, edges=edges)
    others = [one for one in open_stops(ledger, flow=flow, series=name) if one.id != own]
    return [*map(stands, others), *out]


def states(ledger: Ledger, series: str | None = None, flow: str | None = None) -> list[Node]:
    """Every recorded state, oldest first."""
    return [
        node for node in ledger.find(KIND, STATE)
        if node.body and series in (None, node.body["series"]) and flow in (None, node.body["flow"])
    ]  # fmt: skip


def open_stops(ledger: Ledger, *, flow: str | None = None, series: str | None = None) -> list[Node]:
    """Stops that nobody has cleared."""
    cleared = {str(stop) for node in ledger.find(KIND, CLEARED) for stop in node.body.get("stops", ())}
    return [one for one in states(ledger, series, flow) if one.body["state"] == State.STOP and one.id not in cleared]


def cleared_after(ledger: Ledger, series: str, flow: str) -> int:
    """Sequence number of the last clearing of a series; records before it count no more."""
    found = [
        node.seq for node in ledger.find(KIND, CLEARED) if (node.body["series"], node.body["flow"]) == (series, flow)
    ]
    return max(found, default=0)


def spent_prompts(ledger: Ledger, series: str, flow: str) -> set[str]:
    """Prompts of stops that were cleared: the new outcome suite may hold none of them."""
    out: set[str] = set()
    since = cleared_after(ledger, series, flow)
    for one in states(ledger, series, flow):
        if one.body["state"] == State.STOP and one.seq < since and ledger.content.has(one.body["prompts"]):
            out.update(orjson.loads(ledger.content.get(one.body["prompts"])))
    return out


def reaching(ledger: Ledger, adapter: str, flow: str) -> list[Node]:
    """Open stops that bind a candidate: those of its flow, and those about something in its lineage."""
    own = lineage_of(ledger, adapter)
    return [one for one in open_stops(ledger) if one.body["flow"] == flow or own.intersection(one.body["about"])]


def waiting(ledger: Ledger, adapter: str, flow: str) -> list[Node]:
    """Newest states of series about a candidate, or of its flow and about nothing, that hold and have no note."""
    own = lineage_of(ledger, adapter)
    noted = {str(node.body["state"]) for node in ledger.find(KIND, NOTE) if node.body}
    newest = {(one.body["flow"], one.body["series"]): one for one in states(ledger)}
    return [
        one for one in newest.values()
        if one.body["state"] == State.HOLD and one.id not in noted
        and (own.intersection(one.body["about"]) or (not one.body["about"] and one.body["flow"] == flow))
    ]  # fmt: skip


def ungoverned(ledger: Ledger, adapter: str) -> list[str]:
    """Series recorded on what a candidate was made from that nobody has held against an outcome."""
    own = lineage_of(ledger, adapter)
    known = states(ledger)
    found = set()
    for node in ledger.find(SCORES):
        if not node.name.startswith(PREFIX):
            continue
        links = {link.target_id for link in ledger.edges_from(node.id, "derived-from")}
        if own & links and not any(_held(node, links, state) for state in known):
            found.add(node.name.removeprefix(PREFIX))
    return sorted(found)


def _held(scores: Node, about: set[str], state: Node) -> bool:
    """Whether a state is about the series of some scores, and has an outcome for what they are about."""
    flow = scores.body.get("flow", "")
    if state.body["series"] != scores.name.removeprefix(PREFIX) or (flow and flow != state.body["flow"]):
        return False
    measured = any(value is not None for value in scores.body["outcomes"].values())
    return measured or bool(about.intersection(state.body["about"]))


def stands(stop: Node) -> Verdict:
    """The verdict of a stop that nobody has cleared."""
    said = "; ".join(one["said"] for one in stop.body["reasons"] if one["state"] == State.STOP)
    series = stop.body["series"]
    verdict = judge_count(
        1, name="stops that stand", unit="stops", looked_at=1, at_most=0,
        summary=f"{series} was stopped on {stop.at[:10]} and not cleared: {said or 'spent prompts'}",
        details={"series": series, "stop": stop.id, "state": State.STOP.value},
        next_step=f"headgate gate governor clear {series} --help",
    )  # fmt: skip
    return replace(verdict, rule=STOPPED, failure=FAILURE)


def holds(state: Node) -> Verdict:
    """The doubt of a HOLD that nobody has answered."""
    series = state.body["series"]
    said = "; ".join(one["said"] for one in state.body["reasons"] if one["state"] == State.HOLD)
    verdict = cannot_tell(
        summary=f"{series} is on HOLD: {said}", reason="the note of a person is needed",
        next_step=f'look, then: headgate gate governor note {series} --by NAME --reason "..."',
        details={"series": series, "held": state.id},
    )  # fmt: skip
    return replace(verdict, rule=HOLDS, failure=FAILURE)


def _not_new(name: str, again: int, of: int) -> Verdict:
    verdict = judge_count(
        again, name="prompts of the stopped series", unit="prompts", looked_at=of, at_most=0,
        summary=f"{name}: {again:,} of {of:,} prompts stood in the series that was stopped",
        details={"series": name, "state": State.STOP.value},
        next_step="score prompts that no step of the stopped series was scored on",
    )  # fmt: skip
    return replace(verdict, rule=STOPPED, failure=FAILURE)


def note(ledger: Ledger, series: str, *, flow: str, by: str, reason: str, now: datetime) -> Node:
    """Records that a person has looked at a HOLD and answers for going on.

    Raises:
        Refused: no name or reason, they may not, or the series is not on HOLD.
    """
    _must_be_said(by, reason)
    found = states(ledger, series, flow)
    if not found or found[-1].body["state"] != State.HOLD:
        held = found[-1].body["state"] if found else "nothing recorded"
        raise Refused(f"{series} is not on HOLD", found=held, next_step="headgate gate governor show")
    person = require(ledger, WAIVE, by=by, about=f"{series} on HOLD", now=now)
    body = {"series": series, "flow": flow, "state": found[-1].id, "reason": reason.strip(), **person.as_json()}
    return ledger.node(ledger.record(KIND, NOTE, body, edges=[Edge("derived-from", found[-1].id)], at=now))


def clear(ledger: Ledger, series: str, *, flow: str, by: str, reason: str, suite: str, now: datetime) -> Node:
    """Clears the stops of a series: from now on only new records count, on an outcome suite that is new.

    Raises:
        Refused: no name, reason or suite, they may not, nothing is stopped, or the series has used that suite.
    """
    _must_be_said(by, reason)
    stops = open_stops(ledger, flow=flow, series=series)
    if not stops:
        raise Refused(f"{series} is not stopped", next_step="headgate gate governor show")
    used = sorted({name for stop in states(ledger, series, flow) for name in stop.body["suites"]})
    if not suite.strip() or suite.strip() in used:
        raise Refused(
            "a stop is cleared with a new outcome suite", found=suite or "none",
            wanted="one that the series never used",
            next_step=f"not {', '.join(used)}" if used else "--suite NAME",
        )  # fmt: skip
    person = require(ledger, WAIVE, by=by, about=f"stop of {series}", now=now)
    body: dict[str, Any] = {
        "series": series, "flow": flow, "stops": [one.id for one in stops], "suite": suite.strip(),
        "reason": reason.strip(), **person.as_json(),
    }  # fmt: skip
    edges = [Edge("supersedes", one.id) for one in stops]
    return ledger.node(ledger.record(KIND, CLEARED, body, edges=edges, at=now))


def _must_be_said(by: str, reason: str) -> None:
    for what, text in (("name", by), ("reason", reason)):
        if not any(sign.isalpha() for sign in text) or not text.isprintable():
            raise Refused(f"a {what} is needed, in one line", found=repr(text), wanted="--by NAME --reason TEXT")
