"""What it cost to train again without some rows, and how much worse or better the new adapter is.

Both adapters were evaluated by the flow; where they answered the same items of a pool, those outcomes are compared item
by item. Sealed pools keep no outcomes and are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from headgate.ledger.ledger import Ledger, Node
from headgate.stats.paired import PairedComparison, compare_paired

ARM = "/candidate"
RIGHT, WRONG = "pass", "fail"


def difference(ledger: Ledger, old: Node, new: Node) -> list[dict[str, Any]]:
    """New minus old on each pool that both answered: effect, 95 % interval, items, and the smallest visible effect."""
    before, after = _outcomes(ledger, old), _outcomes(ledger, new)
    out = []
    for pool in sorted(before.keys() & after.keys()):
        marks = [(one, after[pool].get(item)) for item, one in before[pool].items()]
        scored = [(a == RIGHT, b == RIGHT) for a, b in marks if {a, b} <= {RIGHT, WRONG}]
        if scored:
            compared = compare_paired(*np.array(scored, dtype=float).T)
            out.append({"pool": pool, "items_left_out": len(marks) - len(scored)} | _told(compared))
    return out


def cost(ledger: Ledger, adapter: Node) -> dict[str, Any]:
    """Rows and seconds of the run that made an adapter; None where its record does not say."""
    runs = [ledger.node(link.target_id) for link in ledger.edges_from(adapter.id, "derived-from")]
    run = next((one for one in runs if one.kind == "run"), None)
    results = run.body.get("results", []) if run else []
    empty: dict[str, Any] = {}
    own = next((one for one in results if one.get("adapter") == adapter.body.get("digest")), empty)
    return {name: own.get(name) for name in ("wall_s", "cpu_s")}


def said(told: dict[str, Any]) -> str:
    """One comparison in one line."""
    effect, low, high = (100 * told[name] for name in ("effect", "low", "high"))
    return f"{told['pool']}: {effect:+.1f} points ({low:+.1f} to {high:+.1f}), {told['items']:,} items"


def _outcomes(ledger: Ledger, adapter: Node) -> dict[str, dict[str, str]]:
    """How each item ended, by suite and pool; of several evaluations the newest."""
    found: dict[str, dict[str, str]] = {}
    links = ledger.edges_to(adapter.id, "derived-from")
    for node in ledger.nodes.many(link.source_id for link in links):
        digest = node.body.get("outcomes")
        if node.kind == "score" and node.name.endswith(ARM) and digest and ledger.content.has(digest):
            found[node.name.removesuffix(ARM)] = orjson.loads(ledger.content.get(digest))
    return found


def _told(compared: PairedComparison) -> dict[str, Any]:
    rounded = {"effect": compared.d, "low": compared.low, "high": compared.high, "p": compared.p}
    return {
        **{name: round(value, 5) for name, value in rounded.items()},
        "items": compared.n,
        "gained": compared.discordant[0],
        "lost": compared.discordant[1],
        "smallest_visible": round(compared.smallest_visible, 5),
        "method": compared.method,
    }
