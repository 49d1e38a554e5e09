"""The stage train: from a frozen dataset version to an adapter with a closed record.

Transition run to candidate. Pre-flight looks at every row before a model is loaded; what it finds
stops the run. Every run is recorded: passed, failed and interrupted, each try of a sweep alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.kit.doors import undisturbed
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.hashing import digest_file, short
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.stats.chosen import Chosen, chosen_of
from headgate.stats.verdict import Verdict, worst
from headgate.train.closure import choice, engine_source, find_base, history, salted
from headgate.train.environment import packages
from headgate.train.flights import Flight
from headgate.train.governing import settled, standing
from headgate.train.preparing import Prepared, prepared, workshop
from headgate.train.recording import as_before, gone, record_pass, record_run, unfinished
from headgate.train.rewards import rewards_of
from headgate.train.settings import Settings
from headgate.train.starting import find_start
from headgate.train.surroundings import surroundings, watched
from headgate.train.sweep import variants
from headgate.train.training import Finished, Workshop, finished_before, train_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One set of settings that gave adapters."""

    settings: Settings
    run_id: str
    nodes: Mapping[int, str]  # adapter of each seed
    chosen: Finished
    same: bool | None


@undisturbed()
def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Trains one adapter for each seed, or for each try of a sweep, and hands on the chosen one.

    Raises:
        Refused: no dataset version above, no such base or split, or a base that cannot be loaded.
        Unavailable: the libraries that train are not installed.
    """
    dataset = context.outputs.get("curate", {}).get("dataset")
    if not dataset:
        raise Refused("there is no dataset version to train on", next_step="run [curate] first: headgate curate")
    tries = variants(settings)
    p = prepared(ledger, dataset, settings, context)
    if (blocking := p.blocking) is not None:
        return _stopped(ledger, p, blocking)
    if stops := standing(ledger, settings, p.probed.asked if p.probed else (), context.flow_name):
        summary = f"no step was taken: {stops[0].summary}"
        return StepResult(stage="train", outcome=worst(stops), summary=summary, verdicts=tuple(stops))
    if not settings.sweep:
        return _passed(ledger, p, _try(ledger, p, settings), {})
    done: dict[str, Tried] = {}
    failed: dict[str, str] = {}
    for label, tried in tries:
        try:
            done[label] = _try(ledger, p, tried, last=False)
        except Refused as error:
            failed[label] = f"{error.what}: {error.found}" if error.found else error.what
    result = _swept(ledger, p, done, failed)
    for one in done.values():
        workshop(p, one.settings).close()
    return result


def _try(ledger: Ledger, p: Prepared, settings: Settings, *, last: bool = True) -> Tried:
    """Trains with one set of settings; a failure is on record before it is raised.

    A try of a sweep that was killed later (`last` is false) is found again with its run.
    """
    shop = workshop(p, settings)
    if not last and (known := _known(ledger, p, shop)) is not None:
        return known
    told = history(ledger, p.rows, settings, p.context.folder)
    if (reached := shop.interrupted_at()) is not None:
        told["failed_runs"].append(
            record_run(ledger, p.rows, p.base, p.context, unfinished(shop, "interrupted", f"at step {reached}"))
        )
    try:
        with watched() as read:
            finished = train_seeds(shop)
    except Exception as error:
        record_run(ledger, p.rows, p.base, p.context, unfinished(shop, "fail", f"{type(error).__name__}: {error}"))
        raise
    picked = choice(settings, [one.trained.held_loss for one in finished])
    around = surroundings(p.context.folder, read, settings.variables)
    told = {"history": told, "choice": picked, "surroundings": around}
    run_id, nodes = record_pass(ledger, p.rows, p.base, p.context, shop, told, finished)
    if last:
        shop.close()
    chosen = next(one for one in finished if one.seed == picked["chosen"])
    same = as_before(ledger, p.rows, shop.plan_digest, run_id, finished)
    return Tried(settings=settings, run_id=run_id, nodes=nodes, chosen=chosen, same=same)


def _known(ledger: Ledger, p: Prepared, shop: Workshop) -> Tried | None:
    """The try that an earlier process finished with this very plan, where its adapters still stand."""
    finished = finished_before(shop)
    if finished is None:
        return None
    for link in reversed(list(ledger.edges_to(p.rows.version.node_id, "trained-on"))):
        run = ledger.node(link.source_id)
        if run.body.get("outcome") == "pass" and run.body.get("plan_digest") == shop.plan_digest:
            made = [ledger.node(one.source_id) for one in ledger.edges_to(run.id, "derived-from")]
            nodes = {int(one.body["seed"]): one.id for one in made if one.kind == "adapter"}
            return Tried(settings=shop.settings, run_id=run.id, nodes=nodes, chosen=finished[0], same=None)
    return None


def _swept(ledger: Ledger, p: Prepared, done: Mapping[str, Tried], failed: Mapping[str, str]) -> StepResult:
    """The try with the lowest held loss, with what its lead is worth among so many; the choice is on record."""
    if not done:
        label, why = next(iter(failed.items()))
        raise Refused("every try of the sweep failed", found=f"{len(failed)} tries, {label}: {why}")
    weights = [weight for _, weight in next(iter(done.values())).chosen.trained.held_parts]
    losses = {label: [loss for loss, _ in one.chosen.trained.held_parts] for label, one in done.items()}
    found = chosen_of(losses, weights, failed=len(failed))
    best = done[found.name]
    body = {
        "outcome": "pass",
        "selection": {**found.as_json(), "on": best.settings.choose_on, "failed": dict(failed)},
        "tries": {label: one.run_id for label, one in done.items()},
        "plan_digest": best.chosen.plan_digest,
    }
    edges = [Edge("derived-from", one.run_id) for one in done.values()]
    name = f"{p.context.flow_name or p.rows.version.name}/sweep"
    sweep_id = ledger.record("run", name, body, edges=edges, at=p.context.now)
    return _passed(ledger, p, best, {"selection": body["selection"], "sweep": sweep_id}, told_of(found, len(failed)))


def told_of(found: Chosen, failed: int) -> str:
    """The choice in words."""
    lead = "apart from all others" if found.apart else "not told apart from every other"
    return (
        f"; best of {found.tried} tries ({failed} failed) by {found.name}, {lead}: "
        f"loss {found.apparent:.4f} where it was chosen, {found.honest:.4f} where it was not"
    )


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """What else decides whether training must run again: engine, libraries, and a base known by name."""
    base = find_base(ledger, settings.base, context.folder)
    start = find_start(ledger, settings.start, base, context.work)
    return {
        "engine": engine_source(),
        "packages": packages(),
        "base": base.fingerprint.root,
        "start": start.digest if start else "",
        "rewards": [
            one.digest for one in rewards_of([*settings.grpo.rewards, *settings.grpo.outcomes], context.folder)
        ],
        "drift": digest_file(must_be_file(context.folder / settings.probe.drift)) if settings.probe.drift else "",
        "gone": gone(ledger, context),
    }


def _stopped(ledger: Ledger, p: Prepared, flight: Flight) -> StepResult:
    seen = flight.seen
    summary = next(verdict.summary for verdict in seen.verdicts if verdict.blocks)
    body = {
        "outcome": "fail",
        "stopped_at": "pre-flight",
        "why": summary,
        "dataset": p.rows.version.name,
        "split": p.rows.split,
        "shard": salted(p.rows.salt, seen.shard.digest),
    }
    run_id = record_run(ledger, p.rows, p.base, p.context, body)
    return StepResult(
        stage="train",
        outcome=worst(seen.verdicts),
        summary=f"pre-flight stopped the run before the first step: {summary}",
        verdicts=seen.verdicts,
        outputs={"run": run_id},
        facts={"steps": 0, "rows": len(p.rows.rows), "longest": seen.longest},
    )


def _governed(ledger: Ledger, p: Prepared, one: Tried) -> list[Verdict]:
    """What the reward governor says of the adapter that goes on."""
    chosen = one.chosen
    told = {
        "plan": chosen.plan_digest,
        "seed": chosen.seed,
        "scores": chosen.trained.scores,
        "curve": chosen.trained.measures.get("reward", ()),
        "suite": f"{p.rows.version.name}/{one.settings.probe.split}",
    }
    probes = len(workshop(p, one.settings).probe_steps)
    return settled(ledger, one.settings, p.context, told, [one.run_id, one.nodes[chosen.seed]], probes)


def _passed(ledger: Ledger, p: Prepared, one: Tried, more: Mapping[str, Any], also: str = "") -> StepResult:
    chosen, trained, seen = one.chosen, one.chosen.trained, p.flight.seen
    verdicts = (*seen.verdicts, *_governed(ledger, p, one))
    losses = trained.losses
    # Relative to the project, so that a project can be moved and its steps still hold.
    outputs = {"adapter": one.nodes[chosen.seed], "run": one.run_id}
    outputs["adapter_path"] = str(chosen.folder.relative_to(p.context.folder))
    again = f", gone on from step {trained.resumed_from:,}" if trained.resumed_from else ""
    early = f", ended {trained.stopped}" if trained.stopped else ""
    return StepResult(
        stage="train",
        outcome=worst(verdicts),
        summary=(
            f"adapter {short(chosen.mark.digest)} from {len(seen.shard):,} rows in {len(losses):,} steps, "
            f"loss {losses[0]:.2f} to {losses[-1]:.2f}, {trained.wall_s:.0f} s{again}{early}{also}"
        ),
        verdicts=verdicts,
        outputs=outputs,
        facts={
            "adapter": chosen.mark.digest,
            "seed": chosen.seed,
            "seeds": list(one.nodes),
            "steps": len(losses),
            "rows": len(seen.shard),
            "learned_tokens": seen.shard.supervised,
            "longest": seen.longest,
            "loss_first": losses[0],
            "loss_last": losses[-1],
            "wall_s": round(trained.wall_s, 2),
            "cpu_s": round(trained.cpu_s, 2),
            "resumed_from": trained.resumed_from,
            "same_as_earlier_runs": one.same,
            "plan": chosen.plan_digest,
            "measures": chosen.as_json("")["measures"],
            "probes": list(trained.probes),
            "stopped": trained.stopped,
            "kept_step": trained.kept_step,
            **more,
        },
    )
