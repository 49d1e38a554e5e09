"""When an evaluation that passed is not simply believed again: what decides it beside settings and files."""

from __future__ import annotations

from headgate.evaluate.exposure import seen_elsewhere
from headgate.evaluate.governor import governors_state, stops_elsewhere
from headgate.evaluate.imported import imported_state
from headgate.evaluate.judged_state import judging_state
from headgate.evaluate.probes import found_habits
from headgate.evaluate.sealed import SealedPools
from headgate.evaluate.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> object:
    """What decides beside settings and files: habits to watch, judges that may decide, who saw items, a damaged log."""
    watched = any(one.found for one in settings.probes.values())
    habits = [habit.as_json() for habit in found_habits(ledger, context.flow_name)] if watched else None
    more: dict[str, object] = {}
    if settings.imported:
        more["imported"] = imported_state(ledger, settings, context)
    if settings.governor:
        more["rewards"] = governors_state(ledger, settings.governor, context)
    if stops := stops_elsewhere(ledger, settings.governor, context):
        more["stops"] = stops
    if seen := seen_elsewhere(ledger, context.flow_name):
        more["seen"] = seen
    if broken := SealedPools(ledger, settings, context).problems:
        more["log"] = broken
    if not settings.judged and not more:
        return habits
    return {"habits": habits, "judges": judging_state(ledger, settings, context) if settings.judged else None, **more}
