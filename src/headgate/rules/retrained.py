"""A model made again: what was spent or stopped on one making holds for the next, under whatever name.

The same tensors are the same model, whoever made them and wherever they lie. A run of the same plan (rows, base,
settings, seeds) is the same run, even where a machine gives it other last bits.
"""

from __future__ import annotations

from headgate.ledger.ledger import Ledger

ADAPTER, RUN = "adapter", "run"


def made_again(ledger: Ledger, adapter: str) -> set[str]:
    """The adapter, other adapters of the same tensors, and other runs of the plan that any of them was made by."""
    known = ledger.node(adapter)
    tensors = str(known.body.get("tensors", ""))
    found = {adapter}
    if tensors:
        found |= {one.id for one in ledger.find(ADAPTER) if one.body.get("tensors") == tensors}
    plans: dict[str, str] = {}  # digest of a plan -> the dataset version that it trains on
    for one in found:
        for link in ledger.edges_from(one, "derived-from"):
            run = ledger.node(link.target_id)
            if run.kind == RUN and run.body.get("plan_digest"):
                rows = [edge.target_id for edge in ledger.edges_from(run.id, "trained-on")]
                plans |= {str(run.body["plan_digest"]): rows[0]} if rows else {}
    for digest, version in plans.items():
        for link in ledger.edges_to(version, "trained-on"):
            run = ledger.node(link.source_id)
            if run.kind == RUN and run.body.get("plan_digest") == digest:
                found.add(run.id)
    return found


def lineage_of(ledger: Ledger, adapter: str) -> set[str]:
    """A candidate, everything that it was made from, and what the same model was made from at other times."""
    again = made_again(ledger, adapter)
    return again.union(*({node.id for node in ledger.closure(one).nodes} for one in again))
