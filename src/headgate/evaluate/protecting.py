"""Items of suites are protected from training; items that were retired stand in the development pool."""

from __future__ import annotations

from dataclasses import replace

from headgate.evaluate.budget import spent_items, spent_pools
from headgate.evaluate.judged_items import judged_suites
from headgate.evaluate.settings import POOLS, Settings
from headgate.evaluate.suites import Suite, freeze, known_pools, load_suite
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rules.firewall import Protected, protect

DEV = "dev"


def protects(ledger: Ledger, settings: Settings, context: StageContext) -> None:
    """Protects every item of every pool of the suites that the section names.

    Raises:
        Refused: a file cannot be read, or an item cannot be scored.
    """
    suites_of(ledger, settings, context)
    judged_suites(ledger, settings, context)


def suites_of(ledger: Ledger, settings: Settings, context: StageContext) -> list[Suite]:
    """The suites of the section, frozen and protected, with retired items in the development pool.

    Raises:
        Refused: a file cannot be read, or an item cannot be scored.
    """
    loaded = [load_suite(name, one, context.folder, known_pools(ledger, name)) for name, one in settings.suites.items()]
    for suite in loaded:
        node = freeze(ledger, suite)
        for pool in POOLS:
            items = [
                Protected(content=item.id, row=item.row, question=item.question, answer=item.target)
                for item in suite.pools[pool]
            ]
            protect(ledger, f"suite:{suite.name}", items, pool=pool, suite=node)
    return [_with_retired(ledger, suite) for suite in loaded]


def _with_retired(ledger: Ledger, suite: Suite) -> Suite:
    """The suite with what was retired, and what was spent, in its development pool."""
    nodes = spent_pools(ledger, suite.name)
    open_ones = ledger.protection.retired() | set(spent_items(nodes))
    moved = [item for pool in POOLS if pool != DEV for item in suite.pools[pool] if item.id in open_ones]
    if not moved:
        return suite
    known = {item.id for item in suite.pools[DEV]}
    pools = {pool: tuple(one for one in suite.pools[pool] if one.id not in open_ones) for pool in POOLS if pool != DEV}
    pools[DEV] = (*suite.pools[DEV], *(replace(item, pool=DEV) for item in moved if item.id not in known))
    mine = {item.id for item in moved}
    spent = {str(node.body["digest"]): tuple(node.body["items"]) for node in nodes if mine & set(node.body["items"])}
    return replace(suite, pools=pools, spent=spent)
