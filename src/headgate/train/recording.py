"""What a run leaves in the ledger: the run with its closure, the base, and an adapter for each seed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.hashing import short
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext
from headgate.train.closure import Base
from headgate.train.material import Material
from headgate.train.probes import record_probes
from headgate.train.training import Finished, Workshop, stands


def record_run(ledger: Ledger, rows: Material, base: Base, context: StageContext, body: Mapping[str, Any]) -> str:
    """A run on a dataset version and a base, however it ended; its id."""
    base_id = record_base(ledger, base, context)
    edges = [Edge("trained-on", rows.version.node_id), Edge("derived-from", base_id)]
    return ledger.record("run", context.flow_name or rows.version.name, body, edges=edges, at=context.now)


def record_base(ledger: Ledger, base: Base, context: StageContext) -> str:
    """The base; its id."""
    # Seen from the project, so that a record holds no path of one machine.
    folder = os.path.relpath(base.folder.resolve(), context.folder.resolve())
    return ledger.record("base", base.name, {"fingerprint": base.fingerprint.as_json(), "folder": folder})


def record_pass(
    ledger: Ledger,
    rows: Material,
    base: Base,
    context: StageContext,
    shop: Workshop,
    told: Mapping[str, Any],
    finished: Sequence[Finished],
) -> tuple[str, dict[int, str]]:
    """Records run and adapters together; ids of the run and, by seed, of the adapters."""
    body = {
        "outcome": "pass",
        "plan": shop.plan,
        "plan_digest": shop.plan_digest,
        "method": shop.settings.method,
        **told,
        "results": [one.as_json(ledger.content.put(one.curve)) for one in finished],
    }
    with ledger.transaction():
        run_id = record_run(ledger, rows, base, context, body)
        nodes = {one.seed: _record_adapter(ledger, one, base, run_id, shop.start_node, context) for one in finished}
        record_probes(ledger, rows, context, shop, finished, nodes)
    return run_id, nodes


def _record_adapter(ledger: Ledger, one: Finished, base: Base, run_id: str, start: str, context: StageContext) -> str:
    body = {
        "digest": one.mark.digest,
        "tensors": one.mark.tensors,
        "config": one.mark.config,
        "seed": one.seed,
        "base": base.fingerprint.root,
        "folder": str(one.folder.relative_to(context.work)),
    }
    edges = [Edge("derived-from", run_id), Edge("derived-from", record_base(ledger, base, context))]
    edges += [Edge("derived-from", start)] if start else []
    return ledger.record("adapter", f"{base.name}@{short(one.mark.digest)[3:]}", body, edges=edges, at=context.now)


def unfinished(shop: Workshop, outcome: str, why: str) -> dict[str, Any]:
    """The body of a run that gave no adapter."""
    return {"outcome": outcome, "why": why, "plan": shop.plan, "plan_digest": shop.plan_digest}


def as_before(ledger: Ledger, rows: Material, planned: str, run_id: str, finished: Sequence[Finished]) -> bool | None:
    """Whether earlier runs of the same plan gave the same tensors; None: this is the first."""
    answers = []
    for link in ledger.edges_to(rows.version.node_id, "trained-on"):
        node = ledger.node(link.source_id)
        if node.id != run_id and node.body.get("outcome") == "pass" and node.body["plan_digest"] == planned:
            answers.append([one["adapter"] for one in node.body["results"]])
    return None if not answers else all(one == [f.mark.digest for f in finished] for one in answers)


def gone(ledger: Ledger, context: StageContext) -> list[str]:
    """Adapters of the flow's last good run that are no longer whole on disk, so that it must be made again."""
    last = next((run for run in reversed(ledger.find("run", context.flow_name)) if run.body["outcome"] == "pass"), None)
    nodes = [ledger.node(link.source_id) for link in ledger.edges_to(last.id, "derived-from")] if last else []
    return [node.name for node in nodes if node.kind == "adapter" and not stands(context.work, node.body)]
