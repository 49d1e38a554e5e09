"""Keeps a composition in the ledger: its verdicts as a step, and a merged adapter below its parents."""

from __future__ import annotations

from headgate.fleet.composition.composing import Composed, Request
from headgate.kit.hashing import digest_json, short
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StepResult, record_step
from headgate.models.adapter import adapter_mark

STAGE = "compose"


def remember(ledger: Ledger, request: Request, found: Composed) -> str:
    """Records what was found; returns the step's id.

    A merged adapter that was written hangs below those of its parents that the ledger knows, so that what happens to
    their rows reaches it.
    """
    marks = {name: adapter_mark(folder).digest for name, folder in request.adapters.items()}
    chosen = found.chosen.plan.name if found.chosen else "none"
    result = StepResult(
        stage=STAGE,
        outcome=found.outcome,
        summary=f"{len(request.adapters)} adapters, {len(found.tried)} plans, chosen {chosen}",
        verdicts=(*found.conflicts, *found.verdicts),
        outputs={"plan": chosen},
        facts={"adapters": marks, **{key: value for key, value in found.as_json().items() if key != "verdicts"}},
    )
    with ledger.transaction():
        step = record_step(ledger, result, key=digest_json([marks, [one.name for one in request.plans], request.seed]))
        # A joint adapter is on record already, with its own run; nothing to hang it below.
        if found.written is not None and found.chosen is not None and found.chosen.plan.averages:
            known = {str(node.body.get("digest")): node for node in ledger.find("adapter")}
            parents = [known[digest] for digest in marks.values() if digest in known]
            _record_merge(ledger, request, found, parents, step)
    return step


def _record_merge(ledger: Ledger, request: Request, found: Composed, parents: list[Node], step: str) -> None:
    assert found.chosen is not None
    assert found.written is not None
    mark = adapter_mark(found.written)
    body = {
        "digest": mark.digest,
        "tensors": mark.tensors,
        "config": mark.config,
        "merged": found.chosen.plan.as_json(),
        "step": step,
        "folder": found.written.name,
    }
    name = f"{request.base.resolve().name}@{short(mark.digest)[3:]}"
    ledger.record("adapter", name, body, edges=[Edge("derived-from", one.id) for one in parents])
