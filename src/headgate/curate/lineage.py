"""Rules on the way from row to dataset version: where rows come from, on what terms, and whether consent holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headgate.curate.settings import Settings
from headgate.curate.working import Bench, removed_from
from headgate.ledger.ledger import Ledger
from headgate.rules.ancestry import ancestry, erased_above
from headgate.rules.claimed import claims_about
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find, select
from headgate.stats.verdict import Outcome, Verdict

CONSENT = "withdrawn-subject"
WITHDRAWN = "its subject has withdrawn consent, or consent has run out"
STEP = "consent"


def judge_lineage(ledger: Ledger, bench: Bench, settings: Settings, at: datetime) -> list[Verdict]:
    """One verdict for each lineage rule; with `withdrawn = "remove"` rows without consent go first, with a reason."""
    traced, above = ancestry(ledger, bench.rows())
    erased = erased_above(ledger, traced)
    claims = claims_about(ledger, [*traced, *above, *erased], at)
    beside = {
        "known-rows": Corpus(above, "the ledger"), "erased-rows": Corpus(erased, "the ledger"), "claims": claims,
    }  # fmt: skip
    if settings.withdrawn == "remove":
        _remove_withdrawn(bench, settings, {"training-rows": Corpus(traced)} | beside)
        staying = {row.id for row in bench.rows()}
        traced = [row for row in traced if row.id in staying]
    given = Given({"training-rows": Corpus(traced, "selected rows")} | beside)
    rules = select(["lineage"])
    return run_rules(rules, given, settings.rules, settings.level)


def _remove_withdrawn(bench: Bench, settings: Settings, asked: Mapping[str, Any]) -> None:
    verdict = run_rules([find(CONSENT)], Given(asked), settings.rules)[0]
    if verdict.outcome is not Outcome.FAIL:
        bench.report(STEP, len(bench.items))
        return
    without = {finding.row for finding in verdict.findings}
    gone = {
        position: removed_from(item, STEP, WITHDRAWN)
        for position, item in enumerate(bench.items)
        if item.row.id in without
    }
    bench.remove(STEP, gone)
