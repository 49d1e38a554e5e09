"""Whether a judge may decide on an adapter: unspent, of another family, licensed, and not worn by earlier decisions.

Asked before a judge is paid for, and again where a decision is made. Each doubt is a verdict that names the use, the
licence or the count that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from headgate.ledger.claims import Claim
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.judges.settings import SPENDING
from headgate.rules.judge_uses import WROTE, Use, decided, family_of, uses_above
from headgate.rules.licences import LICENSED, WHAT
from headgate.rules.models import Kin, Kinship
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Level, Verdict

SPENT, FAMILY, RUBRIC, LICENCE, WORN, OWN = RULES = (
    "spent-judge", "judge-family", "spent-rubric", "judge-licence", "worn-judge", "own-answers",
)  # fmt: skip
OVERFIT, QUALITY = "rubric-overfit", "annotator-qc"
ALIKE = 0.8  # cosine of the words of two criteria above which they are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is known of an adapter when judges for it are looked at."""

    uses: tuple[Use, ...]
    base: str  # name of its base
    criteria: Mapping[str, str]  # words of each criterion that shaped it -> the use, told


NOTHING_KNOWN = Bench(uses=(), base="", criteria={})  # of a model that the ledger did not see made


def bench_of(ledger: Ledger, adapter: str) -> Bench:
    """Reads the lineage of an adapter once for all judges."""
    uses = uses_above(ledger, adapter)
    bases = [
        node.name
        for link in ledger.edges_from(adapter, "derived-from")
        if (node := ledger.node(link.target_id)).kind == "base"
    ]
    criteria: dict[str, str] = {}
    for one in uses:
        if one.rubric_id and one.role in SPENDING:
            body = ledger.node(one.rubric_id).body
            for text in _criteria(body):
                criteria.setdefault(text, f"{one.rubric}, {one.role} of {', '.join(one.on)}, {one.at[:10]}")
    return Bench(uses=tuple(uses), base=bases[0] if bases else "", criteria=criteria)


def judge_fit(
    ledger: Ledger, bench: Bench, judge: Node, rubric: Node | None, now: datetime, *, adapter: str = ""
) -> list[Verdict]:
    """What speaks against a judge with a rubric; empty where nothing does.

    `adapter` is not counted among those that the judge has decided on.
    """
    verdicts = [*_spent(bench, judge), *_own(bench, judge), *_worn(ledger, judge, adapter)]
    if rubric is not None:
        verdicts += _rubric(bench, judge, rubric)
    return [*verdicts, *_licence(ledger, judge, rubric, now)]


def _spent(bench: Bench, judge: Node) -> list[Verdict]:
    model, mine = str(judge.body["model"]), family_of(judge.body)
    shaping = [one for one in bench.uses if one.role in SPENDING and one.judge_id]
    kin = Kin(_made_from(judge))
    out = []
    same = [one for one in shaping if kin.between(model, one.model) is Kinship.SAME]
    if same:
        text = f"judge {judge.name} is spent: {same[0].told}"
        out.append(_against(SPENT, OVERFIT, text, len(same), "uses that shaped the adapter", _told(judge, same)))
    near = [one for one in shaping if one not in same and _related(kin, judge, mine, one)]
    if near:
        text = f"judge {judge.name} ({mine or model}) is kin of one that shaped the adapter: {near[0].told}"
        out.append(_against(FAMILY, OVERFIT, text, len(near), "kin that shaped the adapter", _told(judge, near)))
    unknown = [one for one in shaping if one not in same and one not in near and not (mine and one.family)]
    if unknown:
        who = judge.name if not mine else unknown[0].judge
        out.append(
            _open(
                FAMILY,
                OVERFIT,
                f"whether judge {judge.name} is kin of {unknown[0].told} cannot be told",
                f"the family of {who} is not known",
                f'family = "..." in [judges.{who}]',
                _told(judge, unknown),
            )
        )
    return out


def _related(kin: Kin, judge: Node, mine: str, use: Use) -> bool:
    model = str(judge.body["model"])
    kinship = kin.between(model, use.model)
    # What was declared of a family outweighs what a name suggests.
    told = bool(mine and use.family)
    near = mine == use.family if told else kinship is Kinship.FAMILY
    teachers = [str(one) for one in (*judge.body.get("taught_by", ()), judge.body.get("made_from", "")) if one]
    taught = any(one == use.judge or kin.between(one, use.model) is not Kinship.NONE for one in teachers)
    return (
        near
        or taught
        or kinship in (Kinship.SAME, Kinship.INHERITS)
        or any(kin.between(one, model) is not Kinship.NONE for one in use.taught_by)
    )


def _made_from(judge: Node) -> list[str]:
    above = str(judge.body.get("made_from", ""))
    return [f"{judge.body['model']}={above}"] if above else []


def _own(bench: Bench, judge: Node) -> list[Verdict]:
    """A judge of its own writing, or of a model made from it."""
    model, kin = str(judge.body["model"]), Kin(_made_from(judge))
    writers = {one.model: one.told for one in bench.uses if one.role == WROTE}
    if bench.base:
        writers[bench.base] = f"the base {bench.base}"
    own, near = [], []
    for name, told in writers.items():
        kinship = kin.between(model, name)
        if kinship in (Kinship.SAME, Kinship.INHERITS):
            own.append(told)
        elif kinship is Kinship.FAMILY:
            near.append(told)
    found = own or near
    if not found:
        return []
    text = f"judge {judge.name} ({model}) is {'kin' if own else 'of the family'} of what wrote: {found[0]}"
    verdict = _against(OWN, QUALITY, text, len(found), "writers that are kin", {"judge": judge.name, "of": found})
    return [verdict if own else verdict.at_level(Level.WARN)]


def _worn(ledger: Ledger, judge: Node, adapter: str) -> list[Verdict]:
    before = [one for one in decided(ledger, judge.body) if one != adapter]
    budget = int(judge.body.get("gates", 0))
    if not budget or len(before) < budget:
        return []
    text = (
        f"judge {judge.name} has decided on {len(before)} adapters, {budget} at most: whoever passes was chosen by it"
    )
    verdict = judge_count(
        len(before) + 1,
        name="adapters decided on",
        summary=text,
        looked_at=len(before) + 1,
        unit="adapters",
        at_most=budget,
        next_step="headgate judge rotation",
        details={"judge": judge.name},
    )
    return [replace(verdict, rule=WORN, failure=OVERFIT)]


def _rubric(bench: Bench, judge: Node, rubric: Node) -> list[Verdict]:
    found = [
        (mine, old, told) for mine in _criteria(rubric.body) for old, told in bench.criteria.items() if alike(mine, old)
    ]
    if not found:
        return []
    text = f"rubric {rubric.name} is spent: {found[0][0][:60]!r} is a criterion of {found[0][2]}"
    details = {"judge": judge.name, "rubric": rubric.name, "uses": sorted({told for _, _, told in found})}
    return [_against(RUBRIC, OVERFIT, text, len(found), "criteria that shaped the adapter", details)]


def _licence(ledger: Ledger, judge: Node, rubric: Node | None, now: datetime) -> list[Verdict]:
    about = licence_about(judge, rubric)
    known = ledger.claims.history(about, WHAT)
    step = f"headgate judge qualify {judge.name} --anchors FILE" + (f" --rubric {rubric.name}" if rubric else "")
    title = f"judge {judge.name}" + (f" with rubric {rubric.name}" if rubric else "")
    details = {"judge": judge.name, "rubric": rubric.name if rubric else ""}
    if not known:
        why = "a licence holds for one model, one prompt and one rubric"
        return [_open(LICENCE, QUALITY, f"{title} was never qualified", why, step, details)]
    standing = ledger.claims.at(about, WHAT, now)
    if standing is None:
        last = known[-1]
        why = "a licence ends after its time"
        text = f"the licence of {title} ran out on {(last.valid_to or '')[:10]}"
        return [_open(LICENCE, QUALITY, text, why, step, {**details, "until": last.valid_to})]
    if standing.value != LICENSED:
        text = f"{title} was refused on {standing.observed_at[:10]}"
        return [_against(LICENCE, QUALITY, text, 1, "refusals", {**details, "card": standing.evidence})]
    return []


def standing_licence(ledger: Ledger, judge: Node, rubric: Node | None, now: datetime) -> Claim | None:
    """The claim on the licence of a judge with a rubric that holds at a moment."""
    return ledger.claims.at(licence_about(judge, rubric), WHAT, now)


def licence_about(judge: Node, rubric: Node | None) -> str:
    """What a licence is about: all that decides an answer, so that it ends when any of it changes."""
    words = str(rubric.body["identity"]) if rubric is not None and rubric.body.get("criteria") else "preference"
    return f"judge:{judge.body.get('identity', judge.id)}:{words}"


def _criteria(body: Mapping[str, Any]) -> list[str]:
    return [str(one["text"]) for one in (body.get("criteria") or {}).values()]


def alike(first: str, second: str) -> bool:
    """Whether two criteria are the same one in other words or order: cosine of their counts of words."""
    one, two = (_counts(text) for text in (first, second))
    names = sorted(set(one) | set(two))
    a, b = (np.array([each.get(name, 0.0) for name in names]) for each in (one, two))
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return size > 0 and float(a @ b) / size > ALIKE


def _counts(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in "".join(sign if sign.isalnum() else " " for sign in text.lower()).split():
        # Words that every criterion holds tell nothing of what it asks for.
        weight = 0.3 if len(word) <= 3 or word in EVERYWHERE else 1.0
        found[word] = min(found.get(word, 0.0) + weight, 2.0)
    return found


EVERYWHERE = frozenset({"answer", "answers", "response", "should", "must", "that", "with", "does"})


def _told(judge: Node, uses: Iterable[Use]) -> dict[str, Any]:
    return {"judge": judge.name, "uses": [{"role": one.role, "at": one.at, "told": one.told} for one in uses]}


def _against(rule: str, failure: str, text: str, count: int, name: str, details: Mapping[str, Any]) -> Verdict:
    step = "headgate judge rotation: decide with a judge and a rubric that had no part in it"
    verdict = judge_count(
        count, name=name, summary=text, looked_at=count, unit="uses", at_most=0, next_step=step, details=details
    )
    return replace(verdict, rule=rule, failure=failure)


def _open(rule: str, failure: str, text: str, why: str, step: str, details: Mapping[str, Any]) -> Verdict:
    return replace(cannot_tell(summary=text, reason=why, next_step=step, details=details), rule=rule, failure=failure)
