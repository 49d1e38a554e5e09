"""Where judges and rubrics were used, as the ledger has it: what shaped a model has nothing new to say of it.

A use is a node of kind `score`: its body says the role, edges `judged-by` lead to judge and rubric. Whatever was
shaped by it (rows, a dataset version, a run, an adapter) has an edge `judged-by` to the use, so that uses lie in the
closure of every adapter downstream. A use that decides (gate, monitoring) hangs on the adapter instead and shapes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.models.judges.settings import ROLES, SPENDING
from headgate.rows.stored import stored_rows
from headgate.rules.firewall import trained_rows
from headgate.rules.models import family
from headgate.rules.retrained import made_again

KIND = "score"
LABELLED, WROTE = "training-label", "generator"  # what rows themselves say of models
ALL_ROLES = (*ROLES, WROTE)
PREFIX = "use/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of a judge or rubric."""

    node: str
    role: str
    at: str
    judge: str  # name
    judge_id: str  # node; empty for a use of a rubric alone
    model: str
    family: str
    taught_by: tuple[str, ...]
    rubric: str  # name
    rubric_id: str
    on: tuple[str, ...]  # what it was used on, for a reader

    @property
    def told(self) -> str:
        """What, on what, and when."""
        who = f"{self.judge} ({self.model})" if self.judge and self.judge != self.model else self.model or self.rubric
        return f"{who}, {self.role} of {', '.join(self.on) or 'an unnamed thing'}, {self.at[:10]}"


def family_of(body: Mapping[str, Any]) -> str:
    """The family of a judge: as declared, else by its name, else that of what it was made from."""
    declared = str(body.get("family", "")).strip().lower()
    return declared or family(str(body.get("model", ""))) or family(str(body.get("made_from", "")))


def record_use(
    ledger: Ledger, role: str, *, on: Sequence[str], judge: Node | None = None, rubric: Node | None = None
) -> str:
    """Records a use on nodes or rows; the same again adds nothing. Returns the node's id.

    Raises:
        Refused: an unknown role, neither judge nor rubric, or nothing that it was used on.
    """
    if role not in ALL_ROLES:
        raise Refused("no such role", found=repr(role), wanted=", ".join(ROLES))
    if judge is None and rubric is None:
        raise Refused("a use of what?", wanted="a judge, a rubric, or both")
    if not on:
        raise Refused("a use on what?", wanted="a dataset version, run, adapter or row")
    shaping = role in SPENDING or role == WROTE
    edges = [Edge("judged-by", one.id) for one in (judge, rubric) if one is not None]
    if not shaping:
        edges += [Edge("derived-from", one) for one in on]
    body = {
        "use": role,
        "judge": judge.id if judge else "",
        "rubric": rubric.id if rubric else "",
        "on": sorted(on),
        "told": [_shown(ledger, one) for one in sorted(on)],
    }
    name = judge.name if judge else rubric.name if rubric else ""
    with ledger.transaction():
        node = ledger.record(KIND, f"{PREFIX}{role}/{name}", body, edges=edges)
        if shaping:
            for one in on:
                ledger.link(one, [Edge("judged-by", node)])
    return node


def _shown(ledger: Ledger, address: str) -> str:
    number = ledger.rows.number_of(address)
    if number is not None:
        return f"row {address[:15]}"
    node = ledger.node(address)
    return f"{node.kind} {node.name}"


def read_uses(ledger: Ledger, nodes: Iterable[Node]) -> list[Use]:
    """The uses among some nodes, oldest first."""
    found = [node for node in nodes if node.kind == KIND and "use" in node.body]
    ends = {str(node.body[key]) for node in found for key in ("judge", "rubric") if node.body[key]}
    known = {one.id: one for one in ledger.nodes.many(ends)}
    out = []
    for node in sorted(found, key=lambda one: one.seq):
        judge, rubric = known.get(node.body["judge"]), known.get(node.body["rubric"])
        body = judge.body if judge else {}
        out.append(
            Use(
                node=node.id,
                role=str(node.body["use"]),
                at=node.at,
                judge=judge.name if judge else "",
                judge_id=judge.id if judge else "",
                model=str(body.get("model", "")),
                family=family_of(body),
                taught_by=tuple(body.get("taught_by", ())),
                rubric=rubric.name if rubric else "",
                rubric_id=rubric.id if rubric else "",
                on=tuple(node.body["told"]),
            )
        )
    return out


def uses_above(ledger: Ledger, adapter: str) -> list[Use]:
    """Everything that shaped an adapter, or the same model when it was made before, and whoever wrote its rows.

    Oldest first.
    """
    found = {node.id: node for one in made_again(ledger, adapter) for node in ledger.closure(one).of(KIND)}
    return [one for one in read_uses(ledger, found.values()) if one.role in SPENDING or one.role == WROTE]


def all_uses(ledger: Ledger) -> list[Use]:
    """Every use on record, oldest first."""
    return read_uses(ledger, ledger.find(KIND))


def decided(ledger: Ledger, judge: Mapping[str, Any]) -> list[str]:
    """Adapters that a judge of this model decided on at a gate, oldest first."""
    model = str(judge.get("model", ""))
    mine = [one for one in all_uses(ledger) if one.role == "gate" and one.model == model]
    found: dict[str, None] = {}
    for one in mine:
        found |= dict.fromkeys(link.target_id for link in ledger.edges_from(one.node, "derived-from"))
    return list(found)


def uses_in_rows(ledger: Ledger, dataset: str, judges: Mapping[str, Node]) -> list[str]:
    """Records what training rows say of themselves: models that labelled them, and models that wrote them.

    `judges` are those declared; a model that is not among them is recorded as a judge by its own name.
    """
    annotators: Counter[str] = Counter()
    writers: Counter[str] = Counter()
    for _, row in stored_rows(ledger, trained_rows(ledger, dataset)):
        annotators[row.side.annotator or ""] += 1
        writers[row.side.generator or ""] += 1
    version = ledger.versions.get(dataset).node_id
    by_model = {str(node.body["model"]): node for node in judges.values()} | dict(judges)
    out = []
    for role, counted in ((LABELLED, annotators), (WROTE, writers)):
        for name in sorted(counted):
            if name and (name in by_model or family(name)):
                node = by_model.get(name) or ledger.node(ledger.record("judge", name, _unnamed(name)))
                out.append(record_use(ledger, role, on=[version], judge=node))
    return out


def _unnamed(model: str) -> dict[str, Any]:
    return {"model": model, "family": family(model), "roles": [], "declared": False}
