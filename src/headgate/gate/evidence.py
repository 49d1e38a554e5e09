"""What was recorded before the gate: steps, their verdicts, and the numbers of their comparisons.

The gate measures nothing. Everything it decides from is a node of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from headgate.gate.settings import POOLS, Settings
from headgate.kit.clock import parse_moment
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext, verdict_from_json, verdicts_of
from headgate.ledger.waivers import NO_EVIDENCE
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.paired import PairedComparison
from headgate.stats.power import mde
from headgate.stats.quantiles import normal_below, z_two_sided
from headgate.stats.verdict import Outcome, Verdict

OVER = "candidate-over-"
MISSING, EXPIRED, STALE = NO_EVIDENCE
CASE = "open-case"
FAILURE = "departing-engineer"  # what is not recorded cannot be promoted
COMPARED = "ft-vs-prompting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One step and the verdicts that it recorded."""

    stage: str
    step: Node
    verdicts: tuple[tuple[Node, Verdict], ...]


def gather(ledger: Ledger, context: StageContext) -> dict[str, Evidence]:
    """The evidence of every stage that was walked above the gate."""
    found = {}
    for stage, outputs in context.outputs.items():
        step = _step(ledger, stage, context.steps.get(stage), outputs)
        if step is not None:
            nodes = verdicts_of(ledger, step.id)
            found[stage] = Evidence(
                stage=stage, step=step, verdicts=tuple((node, verdict_from_json(node.body)) for node in nodes)
            )
    return found


def _step(ledger: Ledger, stage: str, known: str | None, outputs: Mapping[str, str]) -> Node | None:
    if known is not None:
        return ledger.node(known)
    steps = reversed(ledger.find("step", stage))
    return next((step for step in steps if dict(step.body.get("outputs", {})) == dict(outputs)), None)


def doubts(
    found: Mapping[str, Evidence], settings: Settings, outputs: Mapping[str, Mapping[str, str]], now: datetime
) -> list[Verdict]:
    """Verdicts on the evidence itself: what is missing, did not pass, is too old, or is about something else."""
    out = []
    for stage in settings.require:
        evidence = found.get(stage)
        if evidence is None:
            out.append(_absent(stage, "was never run on this candidate"))
        elif evidence.step.body["outcome"] != Outcome.PASS and not any(v.blocks for _, v in evidence.verdicts):
            out.append(_absent(stage, f"ended with {evidence.step.body['outcome']}: {evidence.step.body['summary']}"))
    evaluation = found.get("evaluate")
    out += [_not_shown(rule, evaluation) for rule in settings.shown if not _shown(rule, evaluation)]
    if evaluation is not None and is_old(evaluation, settings, now):
        out.append(_old(evaluation, settings.evaluation_days, now))
    for key, maker in (("dataset", "curate"), ("adapter", "train")):
        wanted = outputs.get(maker, {}).get(key)
        for evidence in found.values():
            about = evidence.step.body["outputs"].get(key)
            if wanted and about and about != wanted:
                out.append(_stale(evidence.stage, key, about, wanted))
    return out


def ended_claims(ledger: Ledger, adapter: Node, now: datetime) -> list[tuple[str, str]]:
    """Licence and consent of sources of the adapter that were claimed once and hold no more: (source, what)."""
    out = []
    for source in ledger.closure(adapter.id).of("source"):
        for what in ("licence", "consent"):
            about = f"source:{source.name}"
            if ledger.claims.history(about, what) and ledger.claims.at(about, what, now) is None:
                out.append((source.name, what))
    return out


def ended(source: str, what: str) -> Verdict:
    """The verdict where a claim that the adapter rests on has run out."""
    verdict = cannot_tell(
        summary=f"the {what} of source {source} has run out",
        reason="what depends on an expired claim cannot be told",
        next_step=f"state the {what} anew in [capture], then: headgate run",
        details={"source": source, "what": what},
    )
    return replace(verdict, rule=EXPIRED, failure="licence-as-state")


def open_case(case: Node) -> Verdict:
    """The verdict where somebody's rows, of which a case is open, are in what the adapter was made from."""
    about = case.body["about"]
    key = about["key"] if about["key"].isprintable() else repr(about["key"])  # a key forges no line of a verdict
    what = f"{case.name}, {case.body['kind']} of {about['kind']} {key}"
    verdict = judge_count(
        1,
        name="open cases",
        unit="cases",
        looked_at=1,
        at_most=0,
        summary=f"{what}, is open, and the adapter was made from those rows",
        next_step=f"curate without them, or answer for it: headgate rights case show {case.name}",
        details={"case": case.name, "due_at": case.body["due_at"]},
    )
    return replace(verdict, rule=CASE, failure="provenance")


def is_old(evidence: Evidence, settings: Settings, now: datetime) -> bool:
    """Whether an evaluation was made too long ago; what answers at an endpoint changes with time."""
    limit = timedelta(days=settings.evaluation_days)
    return settings.evaluation_days > 0 and now - parse_moment(evidence.step.at) > limit


def comparison_of(verdict: Verdict) -> PairedComparison | None:
    """The numbers of a recorded comparison; for a sealed pool those that its coarse answer allows.

    A sealed pool tells an interval whose ends were rounded outwards; read as a 95 % interval it is
    wider than the true one, so every claim that it carries holds for the true one as well.
    """
    details = verdict.details
    try:
        return PairedComparison.from_json(details["comparison"])
    except (KeyError, TypeError):
        pass
    if not {"low", "high", "n"} <= set(details):
        return None
    low, high, n = float(details["low"]), float(details["high"]), int(details["n"])
    middle, se = (low + high) / 2, (high - low) / (2 * z_two_sided(0.95))
    p = 2 * normal_below(-abs(middle) / se) if se > 0 else 1.0
    return PairedComparison(
        d=middle,
        se=se,
        low=low,
        high=high,
        p=p,
        n=n,
        clusters=n,
        discordant=(0, 0),
        smallest_visible=mde(se),
        method="coarse answer of a sealed pool",
        level=0.95,
        reference=0.0,
        candidate=0.0,
        binary=False,
        unpaired_se=se,
        design_effect=1.0,
    )


def is_coarse(verdict: Verdict) -> bool:
    """Whether the verdict tells less than was measured, because its pool is sealed."""
    return verdict.details.get("pool") == "sealed" and "comparison" not in verdict.details


def suites_of(evidence: Evidence | None) -> list[str]:
    """Names of the suites that were compared on a pool that may decide."""
    verdicts = evidence.verdicts if evidence else ()
    names = {v.details.get("suite") for _, v in verdicts if v.rule.startswith(OVER) and v.details.get("pool") in POOLS}
    return sorted(str(name) for name in names if name)


def compared(evidence: Evidence | None, suite: str, reference: str) -> list[Verdict]:
    """Verdicts of the candidate over a reference on a suite, the pool that decides first."""
    verdicts = [v for _, v in evidence.verdicts] if evidence else []
    named = [v for v in verdicts if v.rule == OVER + reference and v.details.get("suite") == suite]
    usable = [v for v in named if v.details.get("pool") in POOLS]
    return sorted(usable, key=lambda verdict: POOLS.index(verdict.details["pool"]))


def no_comparison(suite: str, reference: str, details: Mapping[str, Any]) -> Verdict:
    """The verdict where a comparison that the gate asks for was not made."""
    verdict = cannot_tell(
        summary=f"{suite}: the candidate was not compared with {reference} on a gate or sealed pool",
        reason="no such comparison is recorded",
        next_step="give the suite a gate or sealed pool in [evaluate], then: headgate evaluate",
        details=details,
    )
    return replace(verdict, rule=MISSING, failure=COMPARED)


def blocking(found: Mapping[str, Evidence], skipping: Sequence[str]) -> list[Verdict]:
    """Recorded verdicts of all stages that block, without those of the named rules."""
    return [v for one in found.values() for _, v in one.verdicts if v.blocks and v.rule not in skipping]


def _absent(stage: str, why: str) -> Verdict:
    verdict = cannot_tell(summary=f"{stage} {why}", reason="its evidence is required", next_step=f"headgate {stage}")
    return replace(verdict, rule=MISSING, failure=FAILURE, details={"stage": stage})


def _shown(rule: str, evidence: Evidence | None) -> bool:
    """Whether a verdict of that name is recorded that speaks for itself: a pass, or what stops the gate anyway."""
    found = [v for _, v in evidence.verdicts if v.rule == rule] if evidence else []
    return bool(found) and all(v.outcome is Outcome.PASS or v.blocks for v in found)


def _not_shown(rule: str, evidence: Evidence | None) -> Verdict:
    found = next((v for _, v in evidence.verdicts if v.rule == rule), None) if evidence else None
    why = f"is {found.outcome.value}: {found.summary}" if found else "is not recorded"
    verdict = cannot_tell(
        summary=f"{rule} {why}",
        reason="the gate asks for it (gate.shown)",
        next_step="name it in [evaluate], such as evaluate.safety.axes, then: headgate evaluate",
        details={"shown": rule},
    )
    return replace(verdict, rule=MISSING, failure=FAILURE)


def _old(evidence: Evidence, days: int, now: datetime) -> Verdict:
    age = (now - parse_moment(evidence.step.at)).days
    step = f'headgate {evidence.stage} --set evaluate.purpose="renewed on {now.date()}"'
    verdict = cannot_tell(
        summary=f"the evaluation is {age:,} days old, at most {days:,} count",
        reason="what answered then may not be what answers now",
        next_step=step,
        details={"stage": evidence.stage, "at": evidence.step.at},
    )
    return replace(verdict, rule=EXPIRED, failure=FAILURE)


def _stale(stage: str, key: str, about: str, wanted: str) -> Verdict:
    verdict = cannot_tell(
        summary=f"{stage} speaks about another {key}: {about}, not {wanted}",
        reason="evidence counts only for what it was measured on",
        next_step=f"headgate {stage}",
        details={"stage": stage, key: about},
    )
    return replace(verdict, rule=STALE, failure=FAILURE)
