"""Steps: what a stage of a walk did, recorded so that the next walk can skip it and an auditor can see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Edge, Node
from headgate.stats.judging import cannot_tell
from headgate.stats.verdict import Finding, Level, Measure, Outcome, Place, Verdict

FINDINGS_KEPT = 200  # findings of a verdict that its record lists; `findings_total` counts all


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What a stage is given beside its settings."""

    folder: Path  # of the flow file; paths in settings are relative to it
    work: Path  # .headgate/work: files that can be made again
    outputs: Mapping[str, Mapping[str, str]]  # of the stages above, by stage
    quiet: bool
    now: datetime
    flow_name: str
    steps: Mapping[str, str] = field(default_factory=dict)  # ledger node of each stage above, by stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a stage ended."""

    stage: str
    outcome: Outcome
    summary: str  # one line
    verdicts: tuple[Verdict, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)  # node ids, names, paths for the stages below
    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON-able; shown in reports


def record_step(
    ledger: Ledger, result: StepResult, key: str, *, settings: Mapping[str, Any] | None = None, flow: str = ""
) -> str:
    """Records a step with its verdicts as members; returns the node's id."""
    body = {
        "stage": result.stage,
        "flow": flow,
        "key": key,
        "outcome": result.outcome.value,
        "summary": result.summary,
        "outputs": dict(result.outputs),
        "facts": dict(result.facts),
        "settings": dict(settings or {}),
        "verdicts": [verdict.as_json(FINDINGS_KEPT) for verdict in result.verdicts],
    }
    with ledger.transaction():
        step = ledger.record("step", result.stage, body)
        for verdict in result.verdicts:
            name = verdict.rule or verdict.failure
            record = {"step": step, **verdict.as_json(FINDINGS_KEPT)}
            ledger.record("verdict", name, record, edges=[Edge("member-of", step)])
    return step


def step_with_key(ledger: Ledger, stage: str, key: str) -> Node | None:
    """The newest step of a stage with that key."""
    return next((node for node in reversed(ledger.find("step", stage)) if node.body.get("key") == key), None)


def verdicts_of(ledger: Ledger, step_id: str) -> list[Node]:
    """Verdict nodes that are members of a step, oldest first."""
    ids = [link.source_id for link in ledger.edges_to(step_id, "member-of")]
    return [node for node in ledger.nodes.many(ids) if node.kind == "verdict"]


def stored_result(step: Node) -> StepResult:
    """The result of a recorded step."""
    body = step.body
    return StepResult(
        stage=body["stage"],
        outcome=Outcome(body["outcome"]),
        summary=body["summary"],
        verdicts=tuple(verdict_from_json(one) for one in body["verdicts"]),
        outputs=body["outputs"],
        facts=body["facts"],
    )


def verdict_from_json(body: Mapping[str, Any]) -> Verdict:
    """Reads a verdict back from the shape in which it is recorded; one that was erased is a doubt that blocks."""
    if not body:
        summary = "a verdict was erased with the words that it quoted"
        gone = cannot_tell(summary=summary, reason="it is not known any more", next_step="headgate run")
        return replace(gone, rule="missing-evidence", failure="provenance")
    measure = body.get("measure")
    return Verdict(
        rule=body["rule"],
        code=body["code"],
        failure=body["failure"],
        outcome=Outcome(body["outcome"]),
        level=Level(body["level"]),
        summary=body["summary"],
        measure=Measure(**measure) if measure else None,
        threshold=body.get("threshold", {}),
        findings=tuple(_finding(one) for one in body.get("findings", ())),
        findings_total=body.get("findings_total", 0),
        next_step=body.get("try", ""),
        reason=body.get("reason", ""),
        details=body.get("details", {}),
    )


def _finding(body: Mapping[str, Any]) -> Finding:
    other = body.get("other", {})
    return Finding(
        message=body["message"],
        place=Place(file=body["file"], line=body["line"]) if "file" in body else None,
        row=body.get("row"),
        other=Place(file=other["file"], line=other["line"]) if "file" in other else None,
        other_row=other.get("row"),
        remedy=body.get("remedy", ""),
        slice=body.get("slice"),
        replacement=body.get("replacement"),
    )
