"""Claims that rest on judges, and whether those judges may decide: read anew at the gate, whatever was recorded.

Between an evaluation and a decision a licence may end, and a judge may be spent or worn. So the gate asks the ledger
again. A claim by a rubric is taken only beside a preference without one and an outcome that no judge gave: what is
learned from a rubric shows in its scores first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from headgate.gate.evidence import MISSING, OVER, Evidence, comparison_of
from headgate.gate.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.rules.judge_fitness import RULES, bench_of, judge_fit
from headgate.stats.judging import cannot_tell, judge_count, judge_difference
from headgate.stats.verdict import Outcome, Verdict

PREFERRED = "preferred-over-"
COVERAGE, REGRESSION = "judge-coverage", "rubric-overfit"
READ_ANEW = frozenset(RULES)  # recorded verdicts that the gate makes again
MORE = "add items to the judged suite, then: headgate evaluate"


def preferences(evidence: Evidence | None) -> list[Verdict]:
    """What judges were asked to compare, one verdict a judged suite."""
    return [v for _, v in evidence.verdicts if v.rule.startswith(PREFERRED)] if evidence else []


def judged_claims(evidence: Evidence | None, settings: Settings) -> list[Verdict]:
    """The claim of each judged suite: preferred, or not worse where only that is asked."""
    out = []
    for verdict in preferences(evidence):
        drop = settings.worst_drop.get(str(verdict.details.get("suite", "")))
        comparison = comparison_of(verdict)
        if drop is None or comparison is None:
            out.append(verdict)
            continue
        about = {key: value for key, value in verdict.details.items() if key != "comparison"}
        again = judge_difference(
            comparison, kind="non-inferiority", margin=drop, name="share preferred, less share not",
            details={**about, "worst_drop": drop}, next_step=MORE,
        )  # fmt: skip
        summary = f"{verdict.details['suite']}, judged: {again.summary}"
        out.append(replace(again, rule="worst-drop", failure=REGRESSION, summary=summary))
    return out


def doubts_about_judges(
    ledger: Ledger, evidence: Evidence | None, settings: Settings, adapter: str, now: datetime
) -> list[Verdict]:
    """Everything that speaks against the judges that claims rest on, as of now."""
    claims = [one for one in preferences(evidence) if one.details.get("judges")]
    if not claims:
        return []
    bench = bench_of(ledger, adapter)
    out: dict[tuple[str, str], Verdict] = {}
    for claim in claims:
        rubric = ledger.node(claim.details["rubric"]) if claim.details.get("rubric") else None
        for told in claim.details["judges"]:
            for verdict in judge_fit(ledger, bench, ledger.node(told["judge"]), rubric, now, adapter=adapter):
                out[verdict.rule, verdict.summary] = verdict
            if unscored := _unscored(claim, told, settings):
                out[unscored.rule, unscored.summary] = unscored
    return [*out.values(), *_alone(claims, evidence)]


def _unscored(claim: Verdict, told: Mapping[str, Any], settings: Settings) -> Verdict | None:
    """A doubt where a judge left more without a score than the gate allows, whatever the evaluation allowed."""
    share = float(told["unscored"])
    if share <= settings.unscored:
        return None
    why = ", ".join(f"{count:,} x {text}" for text, count in list(told["why"].items())[:2])
    verdict = cannot_tell(
        summary=f"{claim.details['suite']}: {told['name']} left {share:.1%} of the pairs without a score",
        reason=f"{settings.unscored:.0%} at most ({why})",
        next_step="see to the endpoint, then: headgate evaluate",
        details={"judge": told["name"], "unscored": share},
    )
    return replace(verdict, rule=COVERAGE, failure="annotator-qc")


def _alone(claims: Sequence[Verdict], evidence: Evidence | None) -> list[Verdict]:
    """A rubric alone decides nothing: it needs a preference without one and an outcome beside it."""
    if all(claim.details.get("rubric_free") for claim in claims):
        return []
    free = any(claim.details.get("rubric_free") for claim in claims)
    outcome = any(
        v.rule.startswith(OVER) and v.outcome is not Outcome.SKIPPED for _, v in (evidence.verdicts if evidence else ())
    )
    wanted = [
        text for text, there in (("a preference without a rubric", free), ("an outcome measure", outcome)) if not there
    ]
    if not wanted:
        return []
    verdict = judge_count(
        len(wanted), name="measures missing beside a rubric", unit="measures", looked_at=2, at_most=0,
        summary=f"claims by a rubric stand without {' and '.join(wanted)}",
        next_step="add a suite to [evaluate.judged] without rubric, and one with targets to [evaluate.suites]",
    )  # fmt: skip
    return [replace(verdict, rule=MISSING, failure=REGRESSION)]


def judges_now(ledger: Ledger, evidence: Evidence | None, settings: Settings, adapter: str, now: datetime) -> list[str]:
    """What a decision depends on beside its evidence: the doubts about judges as they stand."""
    return sorted(f"{one.rule}: {one.summary}" for one in doubts_about_judges(ledger, evidence, settings, adapter, now))
