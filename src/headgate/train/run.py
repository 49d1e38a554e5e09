"""The stage train: from a frozen dataset version to an adapter with a closed record.

Transition run to candidate. Pre-flight looks at every row before a model is loaded; what it finds
stops the run. Every run is recorded: passed, failed and interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.hashing import short
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.stats.verdict import Outcome, worst
from headgate.train.closure import Base, choice, engine_source, find_base, history, plan
from headgate.train.environment import packages
from headgate.train.flights import Flight, fly
from headgate.train.material import Material, material
from headgate.train.preflight import PreFlight
from headgate.train.schedule import schedule_of
from headgate.train.settings import Settings
from headgate.train.shard import keep
from headgate.train.starting import Start, find_start
from headgate.train.training import Finished, Workshop, stands, train_seeds


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Trains one adapter for each seed and hands on the chosen one.

    Raises:
        Refused: no dataset version above, no such base or split, or a base that cannot be loaded.
        Unavailable: the libraries that train are not installed.
    """
    dataset = context.outputs.get("curate", {}).get("dataset")
    if not dataset:
        raise Refused(
            "there is no dataset version to train on", next_step="run [curate] first: headgate run --until curate"
        )
    base = find_base(ledger, settings.base, context.folder)
    start = find_start(ledger, settings.start, base, context.work)
    rows = material(ledger, dataset, settings.split)
    flight = fly(rows, base, settings, context.folder, quiet=context.quiet)
    if flight.seen.blocks:
        return _stopped(ledger, rows, base, flight.seen, context)
    held = _held(ledger, dataset, base, settings, context)
    if held is not None and held.blocks:
        return _stopped(ledger, rows, base, held, context)
    shop = _workshop(rows, base, start, flight, held, settings, context)
    told = history(ledger, rows, settings, context.folder)
    if (reached := shop.interrupted_at()) is not None:
        told["failed_runs"].append(
            _record(ledger, rows, base, context, _failed(shop, "interrupted", f"at step {reached}"))
        )
    try:
        finished = train_seeds(shop)
    except Exception as error:
        _record(ledger, rows, base, context, _failed(shop, "fail", f"{type(error).__name__}: {error}"))
        raise
    picked = choice(settings, [one.trained.held_loss for one in finished])
    run_id, nodes = _record_pass(ledger, rows, base, context, shop, {"history": told, "choice": picked}, finished)
    chosen = next(one for one in finished if one.seed == picked["chosen"])
    same = _as_before(ledger, rows, shop.plan_digest, run_id, finished)
    # Relative to the project, so that a project can be moved and its steps still hold.
    outputs = {"adapter": nodes[chosen.seed], "run": run_id}
    outputs["adapter_path"] = str(chosen.folder.relative_to(context.folder))
    return _passed(flight.seen, chosen, outputs, list(nodes), same)


def _workshop(
    rows: Material,
    base: Base,
    start: Start | None,
    flight: Flight,
    held: PreFlight | None,
    settings: Settings,
    context: StageContext,
) -> Workshop:
    """Everything that training needs, with the plan that it is bound to; the shard is kept as closure data."""
    shard, held_shard = flight.seen.shard, held.shard if held else None
    schedules = {
        seed: schedule_of(shard.row_ids, seed=seed, batch=settings.batch, steps=settings.steps, epochs=settings.epochs)
        for seed in settings.seeds
    }
    planned = plan(material=rows, shard=shard, schedules=schedules, base=base, settings=settings, held=held_shard)
    planned |= {"start": {"adapter": start.digest, "node": start.node_id} if start else None, **flight.scored}
    keep(shard, context.work / "shards")
    return Workshop(
        work=context.work,
        base=base,
        settings=settings,
        shard=shard,
        held=held_shard,
        schedules=schedules,
        plan=planned,
        pad_id=flight.seen.pad_id,
        project=context.folder,
        quiet=context.quiet,
        start=start.folder if start else None,
        start_node=start.node_id if start else "",
        asked=flight.asked,
    )


def _record_pass(
    ledger: Ledger,
    rows: Material,
    base: Base,
    context: StageContext,
    shop: Workshop,
    told: Mapping[str, Any],
    finished: Sequence[Finished],
) -> tuple[str, dict[int, str]]:
    """Records run and adapters together, then lets the checkpoints go; ids of the run and, by seed, of the adapters."""
    body = {
        "outcome": "pass",
        "plan": shop.plan,
        "plan_digest": shop.plan_digest,
        "method": shop.settings.method,
        **told,
        "results": [one.as_json(ledger.content.put(one.curve)) for one in finished],
    }
    with ledger.transaction():
        run_id = _record(ledger, rows, base, context, body)
        nodes = {one.seed: _record_adapter(ledger, one, base, run_id, shop.start_node, context) for one in finished}
    shop.close()
    return run_id, nodes


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """What else decides whether training must run again: engine, libraries, and a base known by name."""
    return {
        "engine": engine_source(),
        "packages": packages(),
        "base": find_base(ledger, settings.base, context.folder).fingerprint.root,
        "gone": _gone(ledger, context),
    }


def _gone(ledger: Ledger, context: StageContext) -> list[str]:
    """Adapters of the flow's last good run that are no longer whole on disk, so that it must be made again."""
    last = next((run for run in reversed(ledger.find("run", context.flow_name)) if run.body["outcome"] == "pass"), None)
    nodes = [ledger.node(link.source_id) for link in ledger.edges_to(last.id, "derived-from")] if last else []
    return [node.name for node in nodes if node.kind == "adapter" and not stands(context.work, node.body)]


def _held(ledger: Ledger, dataset: str, base: Base, settings: Settings, context: StageContext) -> PreFlight | None:
    if settings.choose != "lowest-loss":
        return None
    return fly(material(ledger, dataset, settings.choose_on), base, settings, context.folder, quiet=context.quiet).seen


def _stopped(ledger: Ledger, rows: Material, base: Base, flight: PreFlight, context: StageContext) -> StepResult:
    summary = flight.verdicts[0].summary
    body = {
        "outcome": "fail",
        "stopped_at": "pre-flight",
        "why": summary,
        "dataset": rows.version.name,
        "split": rows.split,
        "shard": flight.shard.digest,
    }
    run_id = _record(ledger, rows, base, context, body)
    return StepResult(
        stage="train",
        outcome=worst(flight.verdicts),
        summary=f"pre-flight stopped the run before the first step: {summary}",
        verdicts=flight.verdicts,
        outputs={"run": run_id},
        facts={"steps": 0, "rows": len(rows.rows), "longest": flight.longest},
    )


def _failed(shop: Workshop, outcome: str, why: str) -> dict[str, Any]:
    return {"outcome": outcome, "why": why, "plan": shop.plan, "plan_digest": shop.plan_digest}


def _record(ledger: Ledger, rows: Material, base: Base, context: StageContext, body: Mapping[str, Any]) -> str:
    base_id = _record_base(ledger, base, context)
    edges = [Edge("trained-on", rows.version.node_id), Edge("derived-from", base_id)]
    return ledger.record("run", context.flow_name or rows.version.name, body, edges=edges, at=context.now)


def _record_base(ledger: Ledger, base: Base, context: StageContext) -> str:
    # Seen from the project, so that a record holds no path of one machine.
    folder = os.path.relpath(base.folder.resolve(), context.folder.resolve())
    return ledger.record("base", base.name, {"fingerprint": base.fingerprint.as_json(), "folder": folder})


def _record_adapter(ledger: Ledger, one: Finished, base: Base, run_id: str, start: str, context: StageContext) -> str:
    body = {
        "digest": one.mark.digest,
        "tensors": one.mark.tensors,
        "config": one.mark.config,
        "seed": one.seed,
        "base": base.fingerprint.root,
        "folder": str(one.folder.relative_to(context.work)),
    }
    edges = [Edge("derived-from", run_id), Edge("derived-from", _record_base(ledger, base, context))]
    edges += [Edge("derived-from", start)] if start else []
    return ledger.record("adapter", f"{base.name}@{short(one.mark.digest)[3:]}", body, edges=edges, at=context.now)


def _as_before(ledger: Ledger, rows: Material, planned: str, run_id: str, finished: Sequence[Finished]) -> bool | None:
    """Whether earlier runs of the same plan gave the same tensors; None: this is the first."""
    answers = []
    for link in ledger.edges_to(rows.version.node_id, "trained-on"):
        node = ledger.node(link.source_id)
        if node.id != run_id and node.body.get("outcome") == "pass" and node.body["plan_digest"] == planned:
            answers.append([one["adapter"] for one in node.body["results"]])
    return None if not answers else all(one == [f.mark.digest for f in finished] for one in answers)


def _passed(
    flight: PreFlight, chosen: Finished, outputs: Mapping[str, str], seeds: Sequence[int], same: bool | None
) -> StepResult:
    trained = chosen.trained
    losses = trained.losses
    return StepResult(
        stage="train",
        outcome=Outcome.PASS,
        summary=(
            f"adapter {short(chosen.mark.digest)} from {len(flight.shard):,} rows in {len(losses):,} steps, "
            f"loss {losses[0]:.2f} to {losses[-1]:.2f}, {trained.wall_s:.0f} s"
        ),
        verdicts=flight.verdicts,
        outputs=outputs,
        facts={
            "adapter": chosen.mark.digest,
            "seed": chosen.seed,
            "seeds": list(seeds),
            "steps": len(losses),
            "rows": len(flight.shard),
            "learned_tokens": flight.shard.supervised,
            "longest": flight.longest,
            "loss_first": losses[0],
            "loss_last": losses[-1],
            "wall_s": round(trained.wall_s, 2),
            "cpu_s": round(trained.cpu_s, 2),
            "resumed_from": trained.resumed_from,
            "same_as_earlier_runs": same,
            "plan": chosen.plan_digest,
            "measures": chosen.as_json("")["measures"],
        },
    )
