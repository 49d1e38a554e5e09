"""The card of a judge: what was measured, with which words, on whose labels, and until when it counts.

A card is a node of kind `score`, judged by the judge and its rubric; the licence that follows from it is a dated claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import verdict_from_json
from headgate.models.judges.pairs import Judged
from headgate.rules.judge_fitness import licence_about
from headgate.rules.licences import LICENSED, REFUSED, WHAT
from headgate.stats.verdict import Outcome, Verdict, worst

KIND, PREFIX = "score", "card/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One qualification of one judge with one rubric."""

    node: str
    judge: str
    judge_id: str
    rubric: str
    at: str
    until: str
    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    facts: Mapping[str, Any]
    answers: str  # address of the scores of each anchor

    @property
    def licensed(self) -> bool:
        """Whether every required line passed."""
        return self.outcome is Outcome.PASS

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {name: getattr(self, name) for name in ("node", "judge", "rubric", "at", "until")}
        parts = {"licensed": self.licensed, "facts": dict(self.facts)}
        return {**told, **parts, "verdicts": [one.as_json() for one in self.verdicts]}


def record_card(
    ledger: Ledger,
    judge: Node,
    rubric: Node | None,
    verdicts: Sequence[Verdict],
    results: Sequence[Judged],
    labels: Mapping[str, str],
    facts: Mapping[str, Any],
    *,
    now: datetime,
    days: int,
) -> Card:
    """Records a card and the licence, or the refusal, that follows from it."""
    outcome = worst(verdicts)
    until = now + timedelta(days=days)
    said = {one.item: [labels[one.item], one.by_order[0], one.by_order[1], one.score] for one in results}
    with ledger.transaction():
        body = {
            "card": judge.name,
            "judge": judge.id,
            "identity": judge.body["identity"],
            "rubric": rubric.id if rubric else "",
            "rubric_name": rubric.name if rubric else "",
            "outcome": outcome.value,
            "verdicts": [one.as_json() for one in verdicts],
            "facts": dict(facts),
            "answers": ledger.content.put(canonical_json(said)),
            "at": now.isoformat(),
            "until": until.isoformat(),
        }
        edges = [Edge("judged-by", one.id) for one in (judge, rubric) if one is not None]
        node = ledger.record(KIND, PREFIX + judge.name, body, edges=edges)
        ledger.claims.assert_(
            licence_about(judge, rubric),
            WHAT,
            LICENSED if outcome is Outcome.PASS else REFUSED,
            source=f"headgate judge qualify {judge.name}",
            observed_at=now,
            valid_from=now,
            valid_to=until,
            evidence=node,
        )
    return read_card(ledger.node(node))


def read_card(node: Node) -> Card:
    """A card as it was recorded."""
    body = node.body
    return Card(
        node=node.id,
        judge=str(body["card"]),
        judge_id=str(body["judge"]),
        rubric=str(body["rubric_name"]),
        at=str(body["at"]),
        until=str(body["until"]),
        outcome=Outcome(body["outcome"]),
        verdicts=tuple(verdict_from_json(one) for one in body["verdicts"]),
        facts=body["facts"],
        answers=str(body["answers"]),
    )


def cards_of(ledger: Ledger, judge: Node, rubric: Node | None = None, *, any_rubric: bool = False) -> list[Card]:
    """Cards of a judge as it is declared now, oldest first."""
    nodes = [node for node in ledger.find(KIND, PREFIX + judge.name) if not node.erased]
    mine = [node for node in nodes if node.body["identity"] == judge.body.get("identity")]
    words = licence_about(judge, rubric)
    out = []
    for node in mine:
        rubrics = ledger.nodes.many([node.body["rubric"]]) if node.body["rubric"] else []
        if any_rubric or licence_about(judge, rubrics[0] if rubrics else None) == words:
            out.append(read_card(node))
    return out


def answers_of(ledger: Ledger, card: Card) -> dict[str, tuple[str, float | None, float | None, float | None]]:
    """The people's label, the scores in both orders, and the score, of each anchor of a card."""
    said = orjson.loads(ledger.content.get(card.answers))
    return {item: (label, first, second, score) for item, (label, first, second, score) in said.items()}


def lines(card: Card) -> list[str]:
    """A card on one screen."""
    word = "licensed" if card.licensed else "not licensed"
    rubric = f" with rubric {card.rubric}" if card.rubric else ""
    out = [f"{card.outcome.value}  {card.judge}{rubric}: {word}, {card.at[:10]} to {card.until[:10]}"]
    for one in card.verdicts:
        mark = "" if one.level == "block" else f" ({one.level.value})"
        out.append(f"  {one.outcome.value:<7} {one.rule}{mark}: {one.summary}")
        if one.reason:
            out.append(f"          {one.reason}")
    return [*out, *(f"  {name}: {value}" for name, value in card.facts.items() if isinstance(value, str | int | float))]
