"""The skill-retention matrix: every plan asked every skill, beside the base and each adapter alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark
from headgate.evaluate.suites import Suite, prompt_of
from headgate.fleet.composition.plans import Plan
from headgate.kit.errors import Refused
from headgate.kit.progress import Advance
from headgate.models.model import AnswerBook, Completion, Model, Sampling
from headgate.models.opening import open_model
from headgate.models.routing import Router
from headgate.stats.claims import judge_difference
from headgate.stats.paired import compare_paired
from headgate.stats.retention import judge_retention, retention
from headgate.stats.verdict import Verdict

KEEP = 0.9  # share of a skill's gain that a plan must keep
SAFETY_MARGIN = 0.02  # loss on a safety suite that is still none
BASE = ""  # key of the base among answers
FAILURE = "lora-composition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """What one adapter can do, as items."""

    name: str
    suite: Suite
    adapter: str  # whose skill it is; empty: the base's own, such as safety

    def items(self, pool: str) -> tuple[Item, ...]:
        """Items of a pool."""
        return self.suite.pools[pool]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores and answers of one model on one pool of one skill."""

    values: tuple[float, ...]
    texts: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Share of right answers."""
        return sum(self.values) / len(self.values)


class Asking:
    """Asks models and scores what they say; one model in memory at a time."""

    def __init__(self, base: str, journal: AnswerBook | None, max_tokens: int, advance: Advance) -> None:
        self._base, self._journal, self._advance = base, journal, advance
        self._sampling = Sampling(max_tokens=max_tokens)

    def scores(self, adapter: Path | None, skills: Sequence[Skill], pool: str) -> dict[str, Scores]:
        """Scores of base (or base with adapter) on every skill."""
        model = open_model(self._base, adapter=adapter)
        try:
            return {skill.name: self._one(model, skill, pool) for skill in skills}
        finally:
            model.close()

    def _one(self, model: Model, skill: Skill, pool: str) -> Scores:
        items = skill.items(pool)
        prompts = [prompt_of(item, skill.suite) for item in items]
        said: list[Completion] = asyncio.run(
            model.complete(prompts, settings=self._sampling, journal=self._journal, advance=self._advance)  # type: ignore[arg-type]
        )
        marks = [skill.suite.scorer.score(one, item.target) for one, item in zip(said, items, strict=True)]
        if failed := next((one for one, mark in zip(said, marks, strict=True) if mark.mark is Mark.ERROR), None):
            raise Refused(f"an item of {skill.name} cannot be asked", found=failed.error)
        # What cannot be scored, such as an answer that was cut off, is no skill.
        values = tuple(float(mark.mark is Mark.PASS) for mark in marks)
        return Scores(values, tuple(one.text for one in said))


def routed(
    router: Router, skills: Sequence[Skill], pool: str, alone: Mapping[str, Mapping[str, Scores]]
) -> dict[str, Scores]:
    """Scores where a router chooses per request among adapters that were each asked everything."""
    found = {}
    for skill in skills:
        texts = [item.question for item in skill.items(pool)]
        from_ = [alone[router.choose(text).adapter][skill.name] for text in texts]
        found[skill.name] = Scores(
            tuple(one.values[n] for n, one in enumerate(from_)), tuple(one.texts[n] for n, one in enumerate(from_))
        )
    return found


def disagreement(alone: Mapping[str, Mapping[str, Scores]], skills: Sequence[Skill]) -> dict[str, float]:
    """Share of each skill's items on which its adapter and another answer differently: `json/tone` is on json's."""
    found = {}
    for skill in skills:
        for other in alone:
            if skill.adapter and other not in (BASE, skill.adapter):
                own, theirs = alone[skill.adapter][skill.name].texts, alone[other][skill.name].texts
                found[f"{skill.name}/{other}"] = sum(a != b for a, b in zip(own, theirs, strict=True)) / len(own)
    return found


def judged(
    plan: Plan, skills: Sequence[Skill], pool: str, scores: Mapping[str, Scores],
    alone: Mapping[str, Mapping[str, Scores]], protected: Sequence[str], keep: float = KEEP,
    margin: float = SAFETY_MARGIN,
) -> list[Verdict]:  # fmt: skip
    """One verdict for each skill: what is kept of its adapter's gain, or for safety, that nothing is lost."""
    found = []
    for skill in skills:
        clusters = [item.cluster for item in skill.items(pool)]
        details = {"plan": plan.name, "skill": skill.name, "adapter": skill.adapter, "score": scores[skill.name].mean}
        told = f"{plan.name}: {skill.name}"
        if skill.adapter:
            base, single = (alone[one][skill.name].values for one in (BASE, skill.adapter))
            kept = retention(base, single, scores[skill.name].values, clusters=clusters)
            details |= {"base": alone[BASE][skill.name].mean, "single": alone[skill.adapter][skill.name].mean}
            words = f"keeps {kept.value:.0%} of the gain" + (", perhaps nothing" if kept.like_base else "")
            verdict = judge_retention(
                kept, at_least=keep, name="retention", summary=f"{told} {words}", details=details,
                next_step="another plan, or headgate serve with one adapter a request",
            )  # fmt: skip
        else:
            reference = alone[BASE][skill.name]
            compared = compare_paired(reference.values, scores[skill.name].values, clusters=clusters)
            verdict = judge_difference(
                compared, kind="non-inferiority", margin=margin, name="change on a safety suite",
                summary=f"{told} {compared.d:+.1%} beside the base", details=details,
            )  # fmt: skip
        found.append(replace(verdict, rule="skill-retention", failure=FAILURE))
    return found + [_averaged(plan, name) for name in protected if plan.averages]


def _averaged(plan: Plan, adapter: str) -> Verdict:
    from headgate.stats.judging import judge_count

    verdict = judge_count(
        1, name="adapters with safety behaviour that are merged", looked_at=1, unit="adapters", at_most=0,
        summary=f"{plan.name} merges {adapter}, which carries safety behaviour",
        next_step="--plan route, or --plan joint", details={"plan": plan.name, "adapter": adapter},
    )  # fmt: skip
    return replace(verdict, rule="safety-averaged", failure=FAILURE)
