"""The stage gate: decides from recorded evidence whether a candidate may be released.

Transition scores to decision. It measures nothing: it reads what the stages above recorded, asks for
what is missing, corrects claims for their number, lets standing waivers speak, and records one
decision with an edge to every piece of evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.gate.claims import judge_claims
from headgate.gate.closures import gaps_in_closure
from headgate.gate.evidence import OVER, Evidence, blocking, doubts, ended, ended_claims, gather, is_old, open_case
from headgate.gate.imported import doubts_about_imports
from headgate.gate.judged import PREFERRED, READ_ANEW, doubts_about_judges, judges_now
from headgate.gate.rewards import doubts_about_rewards, rewards_now
from headgate.gate.settings import Settings
from headgate.gate.waivers import Waiver, covering, may_answer, standing
from headgate.kit.errors import Refused
from headgate.kit.hashing import short
from headgate.ledger.cases import open_on
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext, StepResult
from headgate.stats.verdict import Level, Outcome, Verdict, unquoted, worst

STAGE = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the decision rests on."""

    verdicts: tuple[Verdict, ...]
    waivers: tuple[Waiver, ...]  # those that were needed

    @property
    def outcome(self) -> Outcome:
        """A blocking failure, else a blocking doubt, else a pass."""
        return worst(self.verdicts)


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Decides, and records the decision with everything that it rests on.

    Raises:
        Refused: no adapter was trained above.
    """
    adapter = _adapter(ledger, context)
    found = gather(ledger, context)
    ran_out = [ended(source, what) for source, what in ended_claims(ledger, adapter, context.now)]
    unanswered = [open_case(case) for case in open_on(ledger, adapter.id)]
    judges = doubts_about_judges(ledger, found.get("evaluate"), settings, adapter.id, context.now)
    judges += doubts_about_rewards(ledger, adapter.id, context.flow_name)
    judges += doubts_about_imports(found.get("evaluate"), settings, context.now)
    gaps = gaps_in_closure(ledger, adapter)
    judged = judge(ledger, found, settings, context, [*ran_out, *unanswered, *gaps, *judges])
    decision = _record(ledger, adapter, found, judged, settings, context)
    return StepResult(
        stage=STAGE,
        outcome=judged.outcome,
        summary=_summary(judged, adapter, settings),
        verdicts=judged.verdicts,
        outputs={"decision": decision},
        facts={
            "decision": decision,
            "adapter": adapter.body.get("digest", adapter.id),
            "verdicts": len(judged.verdicts),
            "waivers": [waiver.as_json() for waiver in judged.waivers],
        },
    )


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """What decides beside settings and outputs: the steps above, standing waivers, and the age of evidence."""
    found = gather(ledger, context)
    evaluation = found.get("evaluate")
    return {
        "steps": {stage: one.step.id for stage, one in found.items()},
        "waivers": [waiver.id for waiver in standing(ledger, context.flow_name, context.now)],
        "old": bool(evaluation and is_old(evaluation, settings, context.now)),
        "imports": [[v.rule, v.details["suite"]] for v in doubts_about_imports(evaluation, settings, context.now)],
        "ended": ended_claims(ledger, _adapter(ledger, context), context.now),
        "cases": [case.id for case in open_on(ledger, _adapter(ledger, context).id)],
        "rewards": rewards_now(ledger, _adapter(ledger, context).id, context.flow_name),
        "judges": judges_now(ledger, evaluation, settings, _adapter(ledger, context).id, context.now),
    }


def judge(
    ledger: Ledger,
    found: Mapping[str, Evidence],
    settings: Settings,
    context: StageContext,
    more: Sequence[Verdict] = (),
) -> Judged:
    """All verdicts that count, at the levels of the settings, with waivers applied."""
    asked = "evaluate" in found or "evaluate" in settings.require
    claims = judge_claims(found.get("evaluate"), settings) if asked else []
    recorded = [
        v for v in blocking(found, ()) if not v.rule.startswith((OVER, PREFERRED)) and not _anew(v, found, claims)
    ]
    verdicts = [*doubts(found, settings, context.outputs, context.now), *more, *claims, *recorded]
    verdicts = [
        verdict.at_level(Level(settings.level[verdict.rule])) if verdict.rule in settings.level else verdict
        for verdict in verdicts
    ]
    waivers = standing(ledger, context.flow_name, context.now)
    used: dict[str, Waiver] = {}
    out = []
    for verdict in verdicts:
        waiver = covering(waivers, verdict) if verdict.blocks else None
        if waiver is None or not may_answer(verdict, settings.unsure):
            out.append(verdict)
            continue
        used[waiver.id] = waiver
        out.append(replace(verdict, level=Level.WARN, details={**verdict.details, "waived": waiver.as_json()}))
    return Judged(verdicts=tuple(out), waivers=tuple(used.values()))


def _anew(verdict: Verdict, found: Mapping[str, Evidence], claims: Sequence[Verdict]) -> bool:
    """Whether a recorded doubt about a judge is one that the gate looks at again, because a claim names the judge."""
    asked = {told["name"] for claim in claims for told in claim.details.get("judges", ())}
    return "evaluate" in found and verdict.rule in READ_ANEW and verdict.details.get("judge") in asked


def _adapter(ledger: Ledger, context: StageContext) -> Node:
    name = context.outputs.get("train", {}).get("adapter")
    if not name:
        raise Refused("there is no candidate to decide on", next_step="run [train] first: headgate train")
    return ledger.node(name)


def _record(
    ledger: Ledger,
    adapter: Node,
    found: Mapping[str, Evidence],
    judged: Judged,
    settings: Settings,
    context: StageContext,
) -> str:
    dataset = context.outputs.get("curate", {}).get("dataset")
    version = ledger.versions.get(dataset) if dataset else None
    body = {
        "flow": context.flow_name,
        "outcome": judged.outcome.value,
        "adapter": adapter.id,
        "adapter_digest": adapter.body.get("digest", ""),
        "dataset": version.name if version else "",
        "manifest": version.manifest_digest if version else "",
        "required": list(settings.require),
        "unsure": settings.unsure,
        "correction": settings.correction,
        **({"level": dict(settings.level)} if settings.level else {}),
        "evidence": {stage: {"step": one.step.id, "at": one.step.at} for stage, one in sorted(found.items())},
        "verdicts": [_told(verdict, found) for verdict in judged.verdicts],
        "waivers": [waiver.as_json() for waiver in judged.waivers],
    }
    edges = [Edge("derived-from", adapter.id)]
    edges += [Edge("derived-from", waiver.id) for waiver in judged.waivers]
    for one in found.values():
        edges.append(Edge("derived-from", one.step.id))
        edges += [Edge("judged-by", node.id) for node, _ in one.verdicts]
    return ledger.record("decision", context.flow_name, body, edges=edges)


def _told(verdict: Verdict, found: Mapping[str, Evidence]) -> dict[str, Any]:
    """A verdict as a decision keeps it, which is never erased: no finding, and of what was said of rows numbers only.

    The record of the verdict, which the decision is linked to, has the rest as long as the rows have their words.
    """
    body = verdict.as_json(0)
    about_rows = {one.rule for stage, said in found.items() if stage != "evaluate" for _, one in said.verdicts}
    if verdict.rule in about_rows:
        kept = {name: one for name, one in verdict.details.items() if isinstance(one, int | float) or name == "waived"}
        body |= {"details": kept, "summary": unquoted(verdict.summary), "reason": unquoted(verdict.reason)}
    return body


def _summary(judged: Judged, adapter: Node, settings: Settings) -> str:
    stopping: Sequence[Verdict] = [verdict for verdict in judged.verdicts if verdict.blocks]
    if stopping:
        return "; ".join(f"{verdict.rule}: {verdict.summary}" for verdict in stopping)
    claims = [verdict for verdict in judged.verdicts if "comparison" in verdict.details]
    held = sum(verdict.outcome is Outcome.PASS for verdict in claims)
    said = f"{held} claims held" if held == len(claims) else f"{held} of {len(claims)} claims held"
    lowered = dict.fromkeys(
        verdict.rule
        for verdict in judged.verdicts
        if verdict.outcome in (Outcome.FAIL, Outcome.UNSURE)
        and verdict.rule in settings.level
        and "waived" not in verdict.details
    )
    text = f"{short(adapter.body.get('digest', adapter.id))} may be released: {said}"
    told = [f"{rule} stops nothing by gate.level" for rule in lowered]
    told += [f"{one.rule} waived by {one.name} until {one.until}" for one in judged.waivers]
    return f"{text}; {', '.join(told)}" if told else text
