"""Evidence that was measured elsewhere: whether it counts here, and how old its logs are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from headgate.gate.evidence import COMPARED, EXPIRED, MISSING, Evidence
from headgate.gate.settings import Settings
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.stats.judging import cannot_tell
from headgate.stats.verdict import Verdict

IMPORTED = "imported-evidence"


def doubts_about_imports(evidence: Evidence | None, settings: Settings, now: datetime) -> list[Verdict]:
    """Verdicts where imported logs are refused, or too old; of when a log was made the log itself tells."""
    out = []
    for _, verdict in evidence.verdicts if evidence else ():
        if verdict.rule != IMPORTED:
            continue
        suite = verdict.details["suite"]
        if settings.imported == "refuse":
            out.append(_refused(suite, verdict))
            continue
        limit = timedelta(days=settings.evaluation_days)
        made = {name: _moment(log["created"] or log["at"]) for name, log in verdict.details["imported"].items()}
        oldest = min(made, key=lambda name: made[name])
        if settings.evaluation_days > 0 and now - made[oldest] > limit:
            out.append(_old(suite, oldest, (now - made[oldest]).days, settings.evaluation_days))
    return out


def _moment(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(
            float(text), tz=parse_moment("2000-01-01").tzinfo
        )  # as lm-evaluation-harness has it
    except (OverflowError, OSError, ValueError):
        pass
    try:
        return parse_moment(text.replace("Z", "+00:00"))
    except Refused:
        return parse_moment("1970-01-01")  # a log that does not say when it was made is older than any limit


def _refused(suite: str, verdict: Verdict) -> Verdict:
    doubt = cannot_tell(
        summary=f"{suite} was measured elsewhere and imported",
        reason='gate.imported = "refuse": only what headgate asked itself counts here',
        next_step="give the suite its files in [evaluate.suites], then: headgate evaluate",
        details={"suite": suite, "imported": verdict.details["imported"]},
    )
    return replace(doubt, rule=MISSING, failure=COMPARED)


def _old(suite: str, arm: str, age: int, days: int) -> Verdict:
    doubt = cannot_tell(
        summary=f"{suite}: the imported log of {arm} is {age:,} days old, at most {days:,} count",
        reason="what answered then may not be what answers now",
        next_step="evaluate again, then: headgate evaluate import",
        details={"suite": suite, "arm": arm},
    )
    return replace(doubt, rule=EXPIRED, failure=COMPARED)
