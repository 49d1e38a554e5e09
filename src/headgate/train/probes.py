"""What a training probed, as probes of the ledger: frozen prompts with a metric, and a score for each seed.

The prompts of a drift probe can be asked again of any candidate on the base (`headgate probe run`); a loss is probed on
a split of the dataset version, whose rows the ledger has. Scores hold numbers and no words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext
from headgate.models.probed import DRIFT, KIND, LOSS
from headgate.rows.reading import read_rows
from headgate.train.material import Material
from headgate.train.rendering import as_dict
from headgate.train.training import Finished, Workshop


def record_probes(
    ledger: Ledger, rows: Material, context: StageContext, shop: Workshop, finished: Sequence[Finished],
    nodes: Mapping[int, str],
) -> list[str]:  # fmt: skip
    """Freezes the probes of a training and records what they measured; ids of the probes, the same ones each time.

    `nodes` are the adapters by seed.
    """
    found = []
    for metric, node in _probes(ledger, rows, context, shop).items():
        found.append(node)
        for one in finished:
            _score(ledger, metric, node, one, nodes[one.seed])
    return found


def _probes(ledger: Ledger, rows: Material, context: StageContext, shop: Workshop) -> dict[str, str]:
    s = shop.settings.probe
    name, made = context.flow_name or rows.version.name, {}
    of_dataset = [Edge("derived-from", rows.version.node_id)]
    if s.split and shop.probed is not None:
        ids = list(shop.probed.row_ids)
        body = {
            "metric": LOSS, "split": s.split, "source": f"{rows.version.name}, split {s.split}", "n": len(ids),
            "digest": digest_json(ids), "shard": shop.probed.digest,
        }  # fmt: skip
        made[LOSS] = ledger.record(KIND, f"{name}/{LOSS}", body, edges=of_dataset)
    if s.drift:
        asked = [[as_dict(turn) for turn in row.prompt] for row in read_rows(context.folder / s.drift)]
        body = {
            "metric": DRIFT, "tokens": s.drift_tokens, "limit": s.drift_limit, "source": s.drift, "n": len(asked),
            "digest": digest_json(asked), "base": shop.base.fingerprint.root,
            "prompts": ledger.content.put(canonical_json(asked)),
        }  # fmt: skip
        made[DRIFT] = ledger.record(KIND, f"{name}/{DRIFT}", body, edges=of_dataset)
    return made


def _score(ledger: Ledger, metric: str, probe: str, one: Finished, adapter: str) -> None:
    line = [{"step": told["step"], metric: told[metric]} for told in one.trained.probes if metric in told]
    kept = next((told[metric] for told in line if told["step"] == one.trained.kept_step), None)
    body: dict[str, Any] = {
        "probe": probe, "metric": metric, "arm": f"seed {one.seed}", "model": one.mark.digest, "rates": {},
        "steps": line, "value": kept,
    }  # fmt: skip
    edges = [Edge("judged-by", probe), Edge("derived-from", adapter)]
    ledger.record("score", f"probe/{metric}/seed-{one.seed}", body, edges=edges)
