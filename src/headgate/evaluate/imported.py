"""Imported arms as evidence: matched item by item, compared like our own, and doubted where a log proves too little.

A log shows what its tool wrote down. It does not show that both arms were asked in the same words with the
same settings unless it says so for both, nor that the model in it is the adapter that was trained here, nor
that its items were kept out of training. What is not shown is a doubt that blocks, with what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from headgate.evaluate.alike import judge_alike, judge_identity
from headgate.evaluate.comparing import FAILURE, Arm, Limits, judge_coverage, judge_superiority, named
from headgate.evaluate.dirty import Dirt, dirt, judge_dirt
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.rules.data.dat017_chosen_on_items import chosen_on_items
from headgate.rules.given import Given
from headgate.rules.look_history import looks_in
from headgate.rules.looks import LOOKS, by_pool
from headgate.stats.judging import cannot_tell, judge_count, judge_share
from headgate.stats.verdict import Level, Outcome, Verdict

EVIDENCE = "imported-evidence"  # names the logs on the card; the gate reads it
ITEMS = "imported-items"
POOL = "gate"
REFERENCES = ("base", "few-shot")
AGAIN = "mend what left items without a score where the log was made, and import the new log"
Outcomes = Mapping[str, Mapping[str, Any]]  # item -> what its import kept


@dataclass
class Imported:
    """What came of the imported suites."""

    verdicts: list[Verdict] = field(default_factory=list)
    scores: dict[str, str] = field(default_factory=dict)  # suite/pool/arm -> node
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stored:
    """An imported arm as the ledger holds it."""

    node: Node
    outcomes: Outcomes

    @property
    def by_words(self) -> dict[tuple[str, str], str]:
        """Item ids by the digests of question and target."""
        return {(one["question"], one["target"]): item for item, one in self.outcomes.items()}


def imported_state(ledger: Ledger, settings: Settings, context: StageContext) -> list[list[str]]:
    """The nodes that the verdicts rest on; another import is other evidence."""
    return [
        [suite, *(node.id for node in _nodes(ledger, suite, _adapter(ledger, settings, context)).values())]
        for suite in settings.imported
    ]


def judge_imported(ledger: Ledger, settings: Settings, context: StageContext) -> Imported:
    """Verdicts on every suite that the settings name as imported."""
    found = Imported()
    if not settings.imported:
        return found
    adapter, dirty = _adapter(ledger, settings, context), dirt(ledger, context)
    limits = Limits(settings.coverage, settings.coverage_gap)
    for suite in settings.imported:
        nodes = _nodes(ledger, suite, adapter)
        found.scores |= {f"{suite}/{POOL}/{name}": node.id for name, node in nodes.items()}
        # What retention has erased compares with nothing any more.
        nodes = {name: node for name, node in nodes.items() if ledger.content.has(node.body["answers"])}
        if missing := [name for name in ("base", "candidate") if name not in nodes]:
            found.verdicts.append(_missing(suite, missing))
            continue
        arms = {name: _Stored(node, _outcomes(ledger, node)) for name, node in nodes.items()}
        found.verdicts += _judged(ledger, suite, arms, limits, adapter, dirty)
        found.facts[suite] = {name: _told(one.node) for name, one in arms.items()}
    return found


def _judged(
    ledger: Ledger, suite: str, arms: Mapping[str, _Stored], limits: Limits, adapter: Node | None, dirty: Dirt | None
) -> list[Verdict]:  # fmt: skip
    nodes = {name: one.node for name, one in arms.items()}
    out = [_evidence(suite, nodes), judge_identity(suite, nodes, adapter)]
    for name in REFERENCES:
        if name not in arms:
            out.append(_no_few_shot(suite))
            continue
        reference, candidate, verdict = _matched(suite, name, arms[name], arms["candidate"], limits)
        out.append(verdict)
        prompts = _prompts(arms[name], arms["candidate"])
        out.append(judge_alike(suite, nodes[name], nodes["candidate"], prompts))
        if not reference.items:
            continue
        out.append(_elsewhere(judge_coverage([reference, candidate], limits)))
        out.append(_marked(judge_superiority(reference, candidate, limits), nodes))
        if name == "base":
            out.append(_clean(judge_dirt({"base": reference, "candidate": candidate}, dirty)))
    out += [
        chosen_on_items.judge(Given({LOOKS: looks}))
        for looks in by_pool(looks_in(ledger))
        if any(look.suite == f"{suite}, {POOL}" for look in looks)
    ]
    return out


def _nodes(ledger: Ledger, suite: str, adapter: Node | None) -> dict[str, Node]:
    """The newest arm of each name; of candidates the newest that was said to be this adapter goes first."""
    found = {}
    for name in (*REFERENCES, "candidate"):
        nodes = [node for node in ledger.find("score", f"{suite}/{POOL}/{name}") if "imported" in node.body]
        if name == "candidate" and adapter is not None:
            mine = [node for node in nodes if node.body["imported"]["adapter"] == adapter.id]
            nodes = mine or [node for node in nodes if not node.body["imported"]["adapter"]]
        if nodes:
            found[name] = nodes[-1]
    return found


def _adapter(ledger: Ledger, settings: Settings, context: StageContext) -> Node | None:
    name = context.outputs.get("train", {}).get("adapter") if not settings.candidate else None
    return ledger.node(name) if name else None


def _outcomes(ledger: Ledger, node: Node) -> Outcomes:
    found: Outcomes = orjson.loads(ledger.content.get(node.body["answers"]))
    return found


def _arm(stored: _Stored, items: Sequence[str], ids: Sequence[str], clusters: Sequence[str]) -> Arm:
    """An arm over some items, under ids that both arms of a comparison share."""
    body, outcomes = stored.node.body, stored.outcomes
    suite = stored.node.name.rsplit("/", 2)[0]
    made = [
        Item(id=one, suite=suite, pool=POOL, messages=(), question="", target="", cluster=cluster)
        for one, cluster in zip(ids, clusters, strict=True)
    ]
    told = [outcomes[item] for item in items]
    scored = [Scored(Mark(one["mark"]), one.get("reason", ""), "", one.get("value")) for one in told]
    return Arm(
        name=body["arm"], suite=suite, pool=POOL, items=tuple(made), scored=tuple(scored), model=body["model"],
        transcript=body["transcript"],
    )  # fmt: skip


def _matched(suite: str, name: str, reference: _Stored, candidate: _Stored, limits: Limits) -> tuple[Arm, Arm, Verdict]:
    """Both arms over the items that both logs hold, and whether those are enough of them."""
    ours, theirs = reference.by_words, candidate.by_words
    common = sorted(ours.keys() & theirs.keys())
    ids = [theirs[key] for key in common]
    clusters = [candidate.outcomes[theirs[key]].get("cluster") or key[0] for key in common]
    arms = (
        _arm(reference, [ours[key] for key in common], ids, clusters),
        _arm(candidate, ids, ids, clusters),
    )
    questions = [{question for question, _ in one} for one in (ours, theirs)]
    other = len(questions[0] & questions[1] - {question for question, _ in common})
    union = len(ours.keys() | theirs.keys()) - other
    alone = (len(ours) - len(common), len(theirs) - len(common))
    details = {
        "suite": suite, "pool": POOL, "reference": name, "common": len(common), "only_reference": alone[0],
        "only_candidate": alone[1], "other_target": other,
    }  # fmt: skip
    summary = f"{suite}, {POOL}: {len(common):,} items are in the logs of both {name} and candidate"
    if any(alone):
        summary += f"; {alone[0]:,} only in that of {name}, {alone[1]:,} only in that of candidate"
        summary += f", of these {other:,} with the same question and another target" if other else ""
    step = "evaluate both models on the same items, then: headgate evaluate import"
    if not common or len(common) < limits.coverage * union or other:
        reason = f"{len(common):,} of {union:,} items can be compared, wanted {limits.coverage:.0%} and one target each"
        verdict = cannot_tell(summary=summary, reason=reason, next_step=step, details=details)
    else:
        verdict = judge_share(
            len(common), union, name="items in both logs", summary=summary, at_least=limits.coverage, census=True,
            details=details,
        )  # fmt: skip
    return *arms, named(verdict, ITEMS, FAILURE)


def _prompts(reference: _Stored, candidate: _Stored) -> tuple[int, int, int]:
    """Items that both logs hold: shown in the same words, in other words, and not told."""
    ours, theirs = reference.by_words, candidate.by_words
    same = other = unknown = 0
    for key in ours.keys() & theirs.keys():
        one, two = (
            reference.outcomes[ours[key]].get("prompt", ""),
            candidate.outcomes[theirs[key]].get("prompt", ""),
        )
        if not one or not two:
            unknown += 1
        elif one == two:
            same += 1
        else:
            other += 1
    return same, other, unknown


def _told(node: Node) -> dict[str, Any]:
    """What a card says of an imported arm."""
    log = node.body["imported"]
    keys = ("format", "files", "task", "task_version", "metric", "tool", "created", "shots", "sampling", "by", "how")
    return {"score": node.id, "at": node.at, "model": node.body["model"], **{key: log[key] for key in keys}}


def _evidence(suite: str, nodes: Mapping[str, Node]) -> Verdict:
    logs = {name: _told(node) for name, node in nodes.items()}
    by = ", ".join(sorted({f"{one['by']} on {one['at'][:10]}" for one in logs.values()}))
    files = "; ".join(f"{name} from {one['format']}, {list(one['files'])[-1]}" for name, one in logs.items())
    verdict = judge_count(
        len(logs),
        name="imported arms",
        unit="arms",
        looked_at=len(logs),
        at_least=1,
        summary=f"{suite}, {POOL}: measured elsewhere and imported by {by}: {files}",
        details={"suite": suite, "pool": POOL, "imported": logs},
    )
    return named(verdict, EVIDENCE, FAILURE, Level.NOTE)


def _marked(verdict: Verdict, nodes: Mapping[str, Node]) -> Verdict:
    """A comparison that says of itself that it was not measured here."""
    formats = " and ".join(sorted({node.body["imported"]["format"] for node in nodes.values()}))
    details = {**verdict.details, "imported": {name: node.id for name, node in nodes.items()}}
    return replace(_elsewhere(verdict), summary=f"{verdict.summary} (imported from {formats})", details=details)


def _elsewhere(verdict: Verdict) -> Verdict:
    """A verdict with the step that helps where nothing was asked here."""
    return replace(verdict, next_step=AGAIN) if verdict.reason.startswith("coverage:") else verdict


def _clean(verdict: Verdict) -> Verdict:
    """Whether training rows match items; where that is not known of imported items, it is a doubt that blocks."""
    if verdict.outcome is not Outcome.SKIPPED:
        return verdict
    doubt = cannot_tell(
        summary=verdict.summary,
        reason=f"a log does not show that its items were kept out of training; {verdict.reason}",
        next_step="give the flow [curate], so that its rows are held against the items",
        details=verdict.details,
    )
    return named(doubt, verdict.rule, verdict.failure)


def _missing(suite: str, names: Sequence[str]) -> Verdict:
    verdict = cannot_tell(
        summary=f"{suite}, {POOL}: no log of {' and of '.join(names)} was imported for this adapter",
        reason="a comparison needs two arms",
        next_step=f"headgate evaluate import FILE --suite {suite} --arm {names[-1]}",
        details={"suite": suite, "pool": POOL, "missing": list(names)},
    )
    return named(verdict, ITEMS, FAILURE)


def _no_few_shot(suite: str) -> Verdict:
    return Verdict(
        rule="candidate-over-few-shot",
        code="",
        failure=FAILURE,
        outcome=Outcome.SKIPPED,
        level=Level.BLOCK,
        summary=f"{suite}: no log of a few-shot prompt was imported",
        reason=f"not given: headgate evaluate import FILE --suite {suite} --arm few-shot",
        details={"suite": suite},
    )
