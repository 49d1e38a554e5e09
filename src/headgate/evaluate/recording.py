"""What an evaluation leaves behind: score nodes, outcomes per item, and a file of development results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from headgate.evaluate.comparing import Arm
from headgate.kit.files import atomic_write
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext


def record_arm(ledger: Ledger, arm: Arm, suite_node: str, adapter: str | None, prompt: str) -> str:
    """The score node of one arm on one pool; of a sealed pool it holds no score."""
    body: dict[str, Any] = {
        "suite": suite_node,
        "pool": arm.pool,
        "arm": arm.name,
        "model": arm.model,
        "versions": list(arm.versions),
        "prompt": prompt,
        "n": len(arm.items),
        "transcript": arm.transcript,
    }
    if arm.pool != "sealed":
        outcomes = {item.id: one.mark.value for item, one in zip(arm.items, arm.scored, strict=True)}
        body |= {"counts": arm.counts, "coverage": arm.coverage, "accuracy": arm.accuracy()}
        body["outcomes"] = ledger.content.put(canonical_json(outcomes))
    edges = [Edge("judged-by", suite_node)]
    if adapter and arm.name == "candidate":
        edges.append(Edge("derived-from", adapter))
    return ledger.record("score", f"{arm.suite}/{arm.pool}/{arm.name}", body, edges=edges)


def record_all(ledger: Ledger, parts: Mapping[str, str]) -> str:
    """One score node over all arms of an evaluation."""
    edges = [Edge("derived-from", node) for node in sorted(set(parts.values()))]
    return ledger.record("score", "evaluation", {"scores": dict(parts)}, edges=edges)


def write_dev(context: StageContext, suite: str, arms: Sequence[Arm]) -> Path:
    """Development results one by one, for reading: what was asked, wanted and found by each arm."""
    folder = context.work / "evaluate"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{suite}-dev.jsonl"
    with atomic_write(path) as stream:
        for i, item in enumerate(arms[0].items):
            place = {"file": item.place.file, "line": item.place.line} if item.place else {}
            found = {arm.name: arm.scored[i].as_json() for arm in arms}
            line = {**place, "item": item.id, "question": item.question, "target": item.target, "arms": found}
            stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return path


def facts_of(arm: Arm) -> dict[str, Any]:
    """What a report says of an arm on a pool that is not sealed."""
    return {
        "n": len(arm.items),
        **arm.counts,
        "coverage": arm.coverage,
        "accuracy": arm.accuracy(),
        "distinct_answers": arm.distinct_answers(),
        "unscored_because": arm.reasons,
        "versions": list(arm.versions),
    }
