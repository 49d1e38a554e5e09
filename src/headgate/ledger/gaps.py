"""What the closure of a run lacks, read from its record: the reasons why its adapter could not be made again.

Nothing is run and nothing is opened for this; the gate, the release and the drill ask the same question of the same
record. A run that was not recorded by a trainer has no closure at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node

UNPINNED = "unpinned dependency"
OUTSIDE = "code outside the repository"
UNDECLARED = "undeclared environment variable"
UNCOMMITTED = "code that was not kept"
NOT_HASHED = "unhashed input"
RULE = "closure"  # name of the verdict on it at the gate
TOLD = 8  # places named of one reason


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One reason, and where it lies."""

    name: str
    what: str

    def as_json(self) -> dict[str, str]:
        """As printed and recorded."""
        return {"cause": self.name, "what": self.what}


def gaps_of(body: Mapping[str, Any]) -> list[Gap]:
    """What the record of a run (its `plan`, `surroundings` and `history`) lacks; empty: nothing that is known."""
    if not body.get("plan"):
        return [Gap(NOT_HASHED, "the run has no plan: it was not recorded by a training here")]
    around = body.get("surroundings")
    if not around:
        return [Gap(NOT_HASHED, "the run recorded neither its lock nor its code from elsewhere"), *_code(body)]
    return _around(around) + _code(body)


def gaps_of_adapter(ledger: Ledger, adapter: Node) -> list[Gap]:
    """What the closures of an adapter lack: its own run's, or those of the adapters that it was put together from.

    A composed adapter has no run; it can be made again as far as each of its parents can.
    """
    above = ledger.nodes.many(link.target_id for link in ledger.edges_from(adapter.id, "derived-from"))
    runs = [one for one in above if one.kind == "run"]
    if runs:
        return sorted({gap for run in runs for gap in gaps_of(run.body)})
    parents = [one for one in above if one.kind == "adapter"]
    if not parents:
        return [Gap(NOT_HASHED, "no run is recorded that made the adapter")]
    return sorted({gap for parent in parents for gap in gaps_of_adapter(ledger, parent)})


def _around(around: Mapping[str, Any]) -> list[Gap]:
    found = [Gap(OUTSIDE, f"module {one['module']}") for one in around["outside_code"][:TOLD]]
    found += [Gap(UNDECLARED, name) for name in around["undeclared_variables"][:TOLD]]
    for name, one in around["lock"].items():
        if one.get("from") == "folder":
            found.append(Gap(UNPINNED, f"{name} was installed from a folder"))
        elif not one.get("version") or not one.get("files"):
            found.append(Gap(UNPINNED, f"{name} has no {'version' if not one.get('version') else 'file hashes'}"))
    return found


def _code(body: Mapping[str, Any]) -> list[Gap]:
    state = ((body.get("history") or {}).get("code") or {}).get("project")
    if state and state.get("dirty") and not state.get("diff_content"):
        return [Gap(UNCOMMITTED, "changes that were not committed, of which only the address is known")]
    return []
