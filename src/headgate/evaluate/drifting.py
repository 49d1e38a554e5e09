"""A probe that a training took, asked again: how far the first tokens of an adapter's answers are from its base's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.models.adapter import adapter_mark
from headgate.models.doors import DRIFT as ENGINE
from headgate.models.probed import DRIFT, LOSS
from headgate.stats.intervals import mean_interval
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Level, Measure, Verdict

RULE, FAILURE = "drift", "erased-alignment"
METRICS = (DRIFT, LOSS)


def replay_drift(ledger: Ledger, node: Node, model: str, adapter: Path | None) -> Verdict:
    """Asks the frozen prompts of a drift probe of an adapter, records the score, and holds it to the probe's limit.

    Raises:
        Refused: a loss is only taken while training; the prompts were erased; or model and adapter are not folders.
    """
    if node.body["metric"] == LOSS:
        raise Refused("a loss is probed while training only", found=node.name, next_step="headgate train")
    kind, _, folder = model.partition(":")
    if kind != "local" or adapter is None:
        raise Refused("drift needs the scores of an adapter on its base", wanted="--model local:BASE --adapter FOLDER")
    if not ledger.content.has(node.body["prompts"]):
        raise Refused(f"the prompts of probe {node.name!r} were erased", next_step="headgate train freezes new ones")
    prompts = [tuple(one) for one in orjson.loads(ledger.content.get(node.body["prompts"]))]
    root, each = open_door(ENGINE).drift_of(Path(folder), adapter, prompts, int(node.body["tokens"]))
    mark, value = adapter_mark(adapter).digest, sum(each) / len(each)
    body = {
        "probe": node.id, "metric": DRIFT, "arm": "replayed", "model": mark, "base": root, "rates": {}, "value": value,
    }  # fmt: skip
    known = [one.id for one in ledger.find("adapter") if one.body.get("digest") == mark]
    edges = [Edge("judged-by", node.id), *(Edge("derived-from", one) for one in known[-1:])]
    ledger.record("score", f"probe/{node.name}/replayed", body, edges=edges)
    return replace(_judged(node, value, each), rule=RULE, failure=FAILURE, level=Level.BLOCK)


def _judged(node: Node, value: float, each: list[float]) -> Verdict:
    limit, summary = float(node.body["limit"]), f"{node.name}: first tokens are {value:.4f} nats from the base"
    details = {"probe": node.name, "value": value, "prompts": len(each)}
    if not limit or len(each) < 2:
        reason = "the probe has no limit" if not limit else "one prompt shows no interval"
        step = "set drift-limit in [train.probe] and train again"
        return cannot_tell(summary=summary, reason=reason, next_step=step, details=details)
    mean = mean_interval(each)
    measure = Measure(
        name="drift of first tokens", value=value, low=max(0.0, mean.low), high=mean.high, unit="nats per token",
        n=len(each), smallest_visible=0.0,
    )  # fmt: skip
    return judge_interval(measure, summary=summary, at_most=limit, details=details)
