"""The lines of models that the ledger knows of: bases, what was trained on them here, and who taught what."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.rules.series_history import Evidence
from headgate.rules.teachers import Lines

MADE = ("run", "adapter", "release", "deployment")  # in the order in which one is made from the other


def lines_in(ledger: Ledger, flow: str, earlier: Sequence[Evidence] = ()) -> Lines:
    """What the ledger knows; the model to be trained is the base of the flow's last run."""
    bases = {node.id: node for node in ledger.find("base")}
    names: dict[str, frozenset[str]] = {}  # of the bases of each node that was made from any
    made: dict[str, set[str]] = {}
    for kind in MADE:
        nodes = ledger.find(kind)
        above: dict[str, set[str]] = {}
        for link in ledger.nodes.links([node.id for node in nodes], upstream=True):
            above.setdefault(link.source_id, set()).add(link.target_id)
        for node in nodes:
            found: frozenset[str] = frozenset()
            for target in above.get(node.id, ()):
                found |= _names_of(bases[target], bases.values()) if target in bases else names.get(target, frozenset())
            names[node.id] = found
            for name in _names(node) if found else ():
                made.setdefault(name, set()).update(found)
    last = next(iter(reversed(ledger.find("run", flow))), None)
    return Lines(
        base=names.get(last.id, frozenset()) if last else frozenset(),
        made_from={name: frozenset(found) for name, found in made.items()},
        earlier=tuple((one.version, one.teachers) for one in earlier),
    )


def _names_of(base: Node, bases: object) -> frozenset[str]:
    root = str(base.body.get("fingerprint", {}).get("root", ""))
    held = {base.name, base.id, root}
    for other in bases if root else ():  # type: ignore[attr-defined]
        if other.body.get("fingerprint", {}).get("root") == root:
            held |= {other.name, other.id}
    return frozenset(held - {""})


def _names(node: Node) -> set[str]:
    told = [node.name, node.id, node.body.get("digest"), node.body.get("alias"), node.body.get("adapter_digest")]
    names = {str(one) for one in told if one}
    # Releases and adapters are named NAME@DIGEST; an adapter's NAME is that of its base.
    return names | ({node.name.partition("@")[0]} if node.kind == "release" else set())
