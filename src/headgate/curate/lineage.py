"""Rules on the way from row to dataset version: where rows come from, on what terms, and whether consent holds."""

from __future__ import annotations

from datetime import datetime

from headgate.curate.settings import Settings
from headgate.curate.working import Bench, removed_from
from headgate.ledger.ledger import Ledger
from headgate.rules.ancestry import ancestors
from headgate.rules.claimed import claims_about
from headgate.rules.given import Claims, Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find, select
from headgate.stats.verdict import Outcome, Verdict

CONSENT = "withdrawn-subject"
WITHDRAWN = "its subject has withdrawn consent, or consent has run out"
STEP = "consent"


def judge_lineage(ledger: Ledger, bench: Bench, settings: Settings, at: datetime) -> list[Verdict]:
    """One verdict for each lineage rule; with `withdrawn = "remove"` rows without consent go first, with a reason."""
    above = ancestors(ledger, bench.rows())
    claims = claims_about(ledger, [*bench.rows(), *above], at)
    if settings.withdrawn == "remove":
        _remove_withdrawn(bench, settings, claims)
    known = Corpus(above, "the ledger")
    given = Given({"training-rows": Corpus(bench.rows(), "selected rows"), "known-rows": known, "claims": claims})
    rules = select(["lineage"])
    return run_rules(rules, given, settings.rules, settings.level)


def _remove_withdrawn(bench: Bench, settings: Settings, claims: Claims) -> None:
    rule = find(CONSENT)
    given = Given({"training-rows": Corpus(bench.rows()), "claims": claims})
    verdict = run_rules([rule], given, settings.rules)[0]
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
