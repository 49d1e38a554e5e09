"""Composes adapters: conflicts first, then every plan, measured on every skill, and a verdict for each.

Items of each skill are spread over two pools by what they hang together with. On the first a plan is chosen and the
router learns its words; the verdicts are from the second, so that the best of many plans is not praised for luck.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.suites import load_suite
from headgate.fleet.composition.conflict import conflict, judge_conflict
from headgate.fleet.composition.matrix import (
    BASE,
    KEEP,
    SAFETY_MARGIN,
    Asking,
    Scores,
    Skill,
    disagreement,
    judged,
    routed,
)
from headgate.fleet.composition.plans import JOINT, ROUTE, Closed, Plan, distance, forecast, weighted_sum
from headgate.fleet.composition.writing import seal
from headgate.fleet.doors import MERGER
from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.files import place_folder, refusing
from headgate.kit.progress import Advance, silent
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.fingerprint import Fingerprint, fingerprint_of
from headgate.models.lora import Factors, read_factors
from headgate.models.routing import Router, fit
from headgate.stats.verdict import Outcome, Verdict, worst

CHOOSE, GATE = "dev", "gate"
MAX_TOKENS = 64


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be composed."""

    base: Path
    adapters: Mapping[str, Path]
    skills: Mapping[str, SuiteSettings]  # a skill of the name of an adapter is that adapter's; others are of none
    plans: Sequence[Plan]
    folder: Path  # that paths of skills start from
    protected: Sequence[str] = ()  # adapters that carry safety behaviour
    keep: float = KEEP
    margin: float = SAFETY_MARGIN  # loss on a skill of the base's own that is still none
    seed: int = 0
    max_tokens: int = MAX_TOKENS
    out: Path | None = None
    train: Callable[[Path], None] | None = None  # trains the joint adapter into a folder; raises `Closed`


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One plan and what came of it."""

    plan: Plan
    adapter: str = ""  # digest of the merged adapter
    off: float = 0.0  # distance from the weighted sum of updates
    forecast: float = 0.0  # largest distance from one of the adapters; what plans are ranked by before they are asked
    scores: Mapping[str, float] = field(default_factory=dict)  # by skill, on the gate items
    chosen_by: float = 0.0  # worst retention on the choosing items
    verdicts: tuple[Verdict, ...] = ()
    refused: str = ""

    @property
    def outcome(self) -> Outcome:
        """The worst over the skills."""
        return worst(self.verdicts) if self.verdicts else Outcome.SKIPPED

    def as_json(self) -> dict[str, Any]:
        """The plan with its numbers."""
        body = {"plan": self.plan.as_json(), "outcome": self.outcome.value, "refused": self.refused}
        if self.refused:
            return body
        numbers = {"distance_from_sum": round(self.off, 4), "forecast": round(self.forecast, 4)}
        return (
            body
            | numbers
            | {
                "adapter": self.adapter,
                "scores": dict(self.scores),
                "worst_retention_on_choosing_items": round(self.chosen_by, 4),
                "verdicts": [one.as_json() for one in self.verdicts],
            }
        )


@dataclass(frozen=True, kw_only=True)
class Composed:
    """The whole answer."""

    conflicts: tuple[Verdict, ...]
    alone: Mapping[str, Mapping[str, float]]  # adapter (empty: the base) -> skill -> score on the gate items
    disagreement: Mapping[str, float]
    tried: tuple[Tried, ...]
    chosen: Tried | None  # by the choosing items; None: nothing could be asked
    written: Path | None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of the chosen plan; conflicts inform and do not decide."""
        return self.chosen.verdicts if self.chosen else ()

    @property
    def outcome(self) -> Outcome:
        """That of the chosen plan; a doubt where plans were named and none could be made."""
        if self.chosen is not None:
            return self.chosen.outcome
        return Outcome.UNSURE if self.tried else Outcome.SKIPPED

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "outcome": self.outcome.value,
            "conflicts": [one.as_json() for one in self.conflicts],
            "alone": {name or "base": dict(scores) for name, scores in self.alone.items()},
            "disagreement": dict(self.disagreement),
            "plans": [one.as_json() for one in self.tried],
            "chosen": self.chosen.plan.name if self.chosen else "",
            "verdicts": [one.as_json() for one in self.verdicts],
        }


def compose(request: Request, advance: Advance = silent) -> Composed:
    """Measures every plan and writes the chosen one where a folder is given and it passes.

    Raises:
        Refused: an adapter that is not plain or not of this base, a skill that cannot be read, or an occupied folder.
    """
    _must_be_whole(request)
    fingerprint = fingerprint_of(request.base)
    for folder in request.adapters.values():
        must_belong(folder, request.base, fingerprint)
    factors = {name: read_factors(folder) for name, folder in request.adapters.items()}
    conflicts = tuple(
        judge_conflict(conflict(one, factors[one], other, factors[other])) for one, other in combinations(factors, 2)
    )
    skills = [_skill(name, suite, request) for name, suite in request.skills.items()]
    if not skills:
        return Composed(conflicts=conflicts, alone={}, disagreement={}, tried=(), chosen=None, written=None)
    asking = Asking(f"local:{request.base}", None, request.max_tokens, advance)
    singles: dict[str, Path | None] = {BASE: None, **request.adapters}
    alone = {pool: {name: asking.scores(one, skills, pool) for name, one in singles.items()} for pool in (CHOOSE, GATE)}
    with tempfile.TemporaryDirectory(prefix="headgate-compose-") as work:
        bench = _Bench(request, fingerprint, factors, skills, alone, asking, Path(work))
        tried = tuple(bench.try_plan(plan) for plan in request.plans)
        usable = [one for one in tried if not one.refused]
        chosen = max(usable, key=lambda one: one.chosen_by, default=None)
        written = bench.write(chosen) if chosen is not None and request.out is not None else None
    gate = alone[GATE]
    return Composed(
        conflicts=conflicts,
        alone={name: {skill: one.mean for skill, one in scores.items()} for name, scores in gate.items()},
        disagreement=disagreement(alone[CHOOSE], skills),
        tried=tried,
        chosen=chosen,
        written=written,
    )


class _Bench:
    """Tries plans one after the other."""

    def __init__(
        self, request: Request, fingerprint: Fingerprint, factors: Mapping[str, Mapping[str, Factors]],
        skills: Sequence[Skill], alone: Mapping[str, Mapping[str, Mapping[str, Scores]]], asking: Asking, work: Path,
    ) -> None:  # fmt: skip
        self._request, self._fingerprint, self._factors, self._skills = request, fingerprint, factors, skills
        self._alone, self._asking, self._work = alone, asking, work
        self._merger: Any = None

    def try_plan(self, plan: Plan) -> Tried:
        """One plan; one that cannot be made says why."""
        if plan.type == ROUTE:
            return self._routed(plan)
        folder = self._work / plan.name
        try:
            self._make(plan, folder)
        except Closed as error:
            return Tried(plan=plan, refused=f"{error.what}: {error.found}" if error.found else error.what)
        if plan.type == JOINT:  # no merge of updates, so there is no sum to be far from
            scores = {pool: self._asking.scores(folder, self._skills, pool) for pool in (CHOOSE, GATE)}
            return self._asked(plan, scores, adapter=adapter_mark(folder).digest)
        merged = read_factors(folder)
        every = list(self._factors.values())
        return self._asked(
            plan,
            {pool: self._asking.scores(folder, self._skills, pool) for pool in (CHOOSE, GATE)},
            adapter=adapter_mark(folder).digest,
            off=distance(merged, weighted_sum(every, plan.weight)),
            forecast=forecast(merged, self._factors),
        )

    def write(self, chosen: Tried) -> Path | None:
        """Puts the chosen plan's folder in its place in one step, if it passed."""
        out = self._request.out
        if out is None or chosen.outcome is not Outcome.PASS:
            return None
        made = self._work / chosen.plan.name
        if chosen.plan.type == ROUTE:
            made.mkdir()
            self._router().save(made / "router.json")
        place_folder(made, out)
        return out

    def _make(self, plan: Plan, folder: Path) -> None:
        if plan.type == JOINT:
            if self._request.train is None:
                raise Closed("joint retraining needs the ledger of the adapters' runs")
            self._request.train(folder)
            return
        if self._merger is None:
            self._merger = open_door(MERGER).open_merger(self._request.base, self._factors)
        self._merger.merge(plan, folder, self._request.seed)
        with refusing(folder):
            seal(folder, plan, self._request, self._fingerprint)

    def _router(self) -> Router:
        examples: dict[str, list[str]] = {name: [] for name in self._request.adapters}
        for skill in self._skills:
            if skill.adapter:
                examples[skill.adapter] += [item.question for item in skill.items(CHOOSE)]
        return fit(examples)

    def _routed(self, plan: Plan) -> Tried:
        try:
            router = self._router()
        except Refused as error:
            return Tried(plan=plan, refused=f"{error.what}: {error.found}")
        return self._asked(plan, {p: routed(router, self._skills, p, self._alone[p]) for p in (CHOOSE, GATE)})

    def _asked(self, plan: Plan, scores: Mapping[str, Mapping[str, Scores]], **numbers: Any) -> Tried:
        request = self._request
        verdicts = judged(
            plan, self._skills, GATE, scores[GATE], self._alone[GATE], request.protected, request.keep, request.margin
        )
        return Tried(
            plan=plan,
            scores={name: one.mean for name, one in scores[GATE].items()},
            chosen_by=self._worst(scores[CHOOSE]),
            verdicts=tuple(verdicts),
            **numbers,
        )

    def _worst(self, scores: Mapping[str, Scores]) -> float:
        """The smallest share of a gain that is kept on the choosing items; a skill without a gain says nothing."""
        alone, kept = self._alone[CHOOSE], []
        for skill in self._skills:
            if skill.adapter:
                base, single = (alone[one][skill.name].mean for one in (BASE, skill.adapter))
                kept += [(scores[skill.name].mean - base) / (single - base)] if single > base else []
            else:
                kept.append(1.0 + min(0.0, scores[skill.name].mean - alone[BASE][skill.name].mean))
        return min(kept, default=0.0)


def _skill(name: str, settings: SuiteSettings, request: Request) -> Skill:
    suite = load_suite(name, settings, request.folder)
    for pool in (CHOOSE, GATE):
        if len(suite.pools[pool]) < 2:
            raise Refused(f"too few items of the skill {name!r}", found=f"{len(suite.pools[pool])} for {pool}")
    return Skill(name=name, suite=suite, adapter=name if name in request.adapters else "")


def _must_be_whole(request: Request) -> None:
    if len(request.adapters) < 2:
        raise Refused("there is nothing to compose", found=f"{len(request.adapters)} adapters", wanted="two or more")
    if unknown := set(request.protected) - set(request.adapters):
        raise Refused("no such adapter", found=", ".join(sorted(unknown)), wanted=", ".join(request.adapters))
    if request.out is not None and request.out.exists():
        raise Refused("the folder is there already", file=str(request.out), next_step="choose another with --out")
    if request.skills and not set(request.skills) & set(request.adapters):
        raise Refused(
            "no skill is an adapter's",
            found=", ".join(request.skills),
            wanted="--skill NAME=FILE with an adapter's NAME",
        )
