"""Giving a waiver, and how far it reaches: a person answers for one failure, in one flow, until a day."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date, datetime

from headgate.gate.evidence import OVER
from headgate.gate.judged import PREFERRED
from headgate.kit.errors import Refused
from headgate.ledger.gaps import RULE as CLOSURE
from headgate.ledger.ledger import Ledger
from headgate.ledger.roles import WAIVE, require
from headgate.ledger.waivers import KIND, NEVER_WAIVED, Waiver, all_waivers, covering, read_waiver, standing
from headgate.rules.judge_fitness import RULES as JUDGES
from headgate.rules.reward_states import HOLDS
from headgate.stats.governed import DEGENERATE, FAILURE, GOVERNOR, STOPPED
from headgate.stats.verdict import Outcome, Verdict

__all__ = [
    "ANSWERED_LATER",
    "GATE_RULES",
    "Waiver",
    "all_waivers",
    "covering",
    "give",
    "lets_through",
    "may_answer",
    "standing",
]

GATE_RULES = (
    "candidate-over-base", "candidate-over-few-shot", "preferred-over-base", "worst-drop", "coverage", "open-case",
    CLOSURE, HOLDS, GOVERNOR, DEGENERATE, FAILURE, *JUDGES,
)  # fmt: skip


def give(ledger: Ledger, *, rule: str, flow: str, name: str, reason: str, until: str, now: datetime) -> Waiver:
    """Records a waiver.

    Raises:
        Refused: name, reason or flow is empty, the person may not waive, the end date is none or over, nothing
            has that rule's name, or it is evidence that is missing.
    """
    person, why, place = name.strip(), reason.strip(), flow.strip()
    for what, text, wanted in (
        ("name", person, 'the person who answers for it: --name "Ann Lee"'),
        ("reason", why, "why it is right to go on: --reason ..."),
        ("flow", place, "the flow that it is for: --flow NAME"),
    ):
        if not any(sign.isalpha() for sign in text):
            raise Refused(f"a waiver needs a {what}", found=repr(text), wanted=wanted)
    last = _day(until)
    require(ledger, WAIVE, by=person, about=f"{rule} in {place}", now=now)
    _must_be_known(ledger, rule)
    waiver = Waiver(id="", rule=rule, flow=place, name=person, reason=why, until=last)
    if not waiver.stands(now):
        raise Refused("the end of a waiver lies in the future", found=last.isoformat(), wanted=f"after {now.date()}")
    body = {key: value for key, value in waiver.as_json().items() if key != "waiver"}
    return read_waiver(ledger.node(ledger.record(KIND, rule, body, at=now)))


def lets_through(ledger: Ledger, verdicts: Sequence[Verdict], *, flow: str, unsure: str, now: datetime) -> bool:
    """Whether a walk may go on to the gate although verdicts block.

    It may when each of them is covered by a standing waiver, or is a comparison, which the gate reads in
    its own way: what did not get better may be what only must not get worse.
    """
    stopping = [verdict for verdict in verdicts if verdict.blocks]
    waivers = standing(ledger, flow, now) if stopping else []
    return bool(stopping) and all(
        verdict.rule.startswith((OVER, PREFERRED)) or (may_answer(verdict, unsure) and covering(waivers, verdict))
        for verdict in stopping
    )


ANSWERED_LATER = ("check", "evaluate")  # stages whose outputs are whole even where a verdict blocks


def may_answer(verdict: Verdict, unsure: str) -> bool:
    """Whether a person may answer for a verdict: for a failure always, for a doubt where the flow says `ask`."""
    return verdict.outcome is not Outcome.UNSURE or unsure == "ask"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("a waiver needs an end date", found=repr(text), wanted="a day such as 2026-12-31") from None


def _must_be_known(ledger: Ledger, rule: str) -> None:
    from headgate.rules.catalogue import CATALOGUE

    if rule == STOPPED:
        raise Refused("a stopped reward is not waived", found=rule, next_step="headgate gate governor clear --help")
    if rule in NEVER_WAIVED:
        raise Refused(
            "evidence that is not there cannot be waived",
            found=rule,
            next_step="run what the gate names, or take the stage out of gate.require",
        )
    known = {word for one in CATALOGUE for word in (one.name, one.code, one.failure)} | set(GATE_RULES)
    for node in ledger.find("verdict"):
        known |= {node.name, str(node.body.get("failure", ""))}
    if rule not in known:
        near = difflib.get_close_matches(rule, known, n=1)
        step = f"did you mean {near[0]!r}?" if near else "headgate gate show"
        raise Refused("no rule or failure of that name", found=repr(rule), next_step=step)
