"""Items of suites are protected from training; items that were retired stand in the development pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.evaluate.budget import spent_pools
from headgate.evaluate.guarded import protect_batteries
from headgate.evaluate.judged_items import judged_suites
from headgate.evaluate.pools import guarded
from headgate.evaluate.settings import POOLS, Settings
from headgate.evaluate.suites import Suite, freeze, known_pools, load_suite
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.rules.firewall import protect

DEV, SEALED = "dev", "sealed"


def protects(ledger: Ledger, settings: Settings, context: StageContext) -> None:
    """Protects every item of every pool of the suites that the section names, and the prompts of its batteries.

    Raises:
        Refused: a file cannot be read, or an item cannot be scored.
    """
    suites = suites_of(ledger, settings, context)
    judged_suites(ledger, settings, context)
    protect_batteries(ledger, settings, suites, context.folder)


def suites_of(ledger: Ledger, settings: Settings, context: StageContext) -> list[Suite]:
    """The suites of the section, frozen and protected, with retired items in the development pool.

    Raises:
        Refused: a file cannot be read, or an item cannot be scored.
    """
    known = known_pools(ledger)
    loaded = [load_suite(name, one, context.folder, known) for name, one in settings.suites.items()]
    for suite in loaded:
        node = freeze(ledger, suite)
        for pool in POOLS:
            items = map(guarded, suite.pools[pool])
            protect(ledger, f"suite:{suite.name}", items, pool=pool, suite=node)
    return [_with_retired(ledger, suite) for suite in loaded]


def _with_retired(ledger: Ledger, suite: Suite) -> Suite:
    """The suite with what was retired, and what was spent, in its development pool."""
    nodes = spent_pools(ledger)
    open_ones = ledger.protection.retired() | {item for node in nodes for item in node.body["items"]}
    moved = [item for pool in POOLS if pool != DEV for item in suite.pools[pool] if item.id in open_ones]
    if not moved:
        return suite
    known = {item.id for item in suite.pools[DEV]}
    pools = {pool: tuple(one for one in suite.pools[pool] if one.id not in open_ones) for pool in POOLS if pool != DEV}
    pools[DEV] = (*suite.pools[DEV], *(replace(item, pool=DEV) for item in moved if item.id not in known))
    gone = {pool: tuple(one.id for one in moved if one.pool == pool and one.id in _of(nodes, pool)) for pool in POOLS}
    spent = {
        str(node.body["digest"]): tuple(node.body["items"])
        for node in nodes
        if node.body["pool"] == SEALED and set(gone[SEALED]) & set(node.body["items"])
    }
    return replace(suite, pools=pools, spent=spent, gone=gone)


def _of(nodes: Sequence[Node], pool: str) -> set[str]:
    return {item for node in nodes if node.body["pool"] == pool for item in node.body["items"]}
