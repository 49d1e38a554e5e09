"""Asks base and candidate general skills, and judges each as one that must not be lost; churn and style beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.batteries import ForgettingSettings
from headgate.evaluate.comparing import Arm, Limits, coverage_doubt, named, scores, unscored, unscored_words
from headgate.evaluate.forgetting.skills import SCORERS, items
from headgate.evaluate.forgetting.style import drift
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Scorer
from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.suites import Suite, load_suite
from headgate.kit.hashing import digest
from headgate.stats.claims import corrected, judge_difference
from headgate.stats.intervals import share_interval
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.paired import PairedComparison, compare_paired
from headgate.stats.verdict import Level, Outcome, Verdict

FAILURE, PRETENCE = "continuous-contamination", "pretraining-shadow"
STYLE, SUBSTANCE = "style-drift", "style-over-substance"
ARMS = ("base", "candidate")
FLOOR, LEAST = 0.10, 20
POOL = "gate"


@dataclass
class Kept:
    """What the battery brought."""

    verdicts: list[Verdict] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def skills_of(settings: ForgettingSettings, folder: Path) -> list[Suite]:
    """The skills of the section as suites with a gate pool only.

    Raises:
        Refused: a file cannot be read, or an item cannot be scored.
    """
    out = [_built_in(name, settings) for name in settings.asked]
    for name, files in settings.files.items():
        told = SuiteSettings(
            gate=files, columns=settings.columns, scorer=settings.scorer, max_tokens=settings.max_tokens,
            cut_off="scored",
        )  # fmt: skip
        out.append(load_suite(name, told, folder))
    return out


def _built_in(name: str, settings: ForgettingSettings) -> Suite:
    scorer = SCORERS[name]
    made = tuple(
        Item(
            id=digest(f"{name}\n{question}".encode()),
            suite=name,
            pool=POOL,
            messages=({"role": "user", "content": question},),
            question=question,
            target=answer,
            cluster=question,
        )
        for question, answer in items(name, settings.items)
    )
    told = SuiteSettings(
        gate="built-in", scorer=cast(Any, scorer), max_tokens=settings.max_tokens, cut_off="scored"
    )  # fmt: skip
    pools = {"dev": (), POOL: made, "sealed": ()}
    return Suite(name=name, settings=told, pools=pools, scorer=Scorer(scorer, [], labels=[], cut_off="scored"))


def check_forgetting(
    skills: Sequence[Suite],
    settings: ForgettingSettings,
    asker: Asker,
    models: tuple[Address, Address],
    limits: Limits,
) -> Kept:
    """One verdict for each skill, corrected together, and one on style."""
    out = Kept()
    arms: dict[str, dict[str, Arm]] = {suite.name: {} for suite in skills}
    words: dict[str, list[str | None]] = {name: [] for name in ARMS}
    for name, address in zip(ARMS, models, strict=True):
        for suite in skills:
            arm, said = asker.ask(name, address, suite, POOL, suite.pools[POOL])
            arms[suite.name][name] = arm
            words[name] += [one.text if one.outcome == "ok" else None for one in said]
    judged = [_judged(arms[suite.name], settings, limits) for suite in skills]
    asked = [one for one in judged if one.outcome is not Outcome.SKIPPED]
    fixed = iter(corrected(asked))
    out.verdicts = [next(fixed) if one.outcome is not Outcome.SKIPPED else one for one in judged]
    if skills:
        out.verdicts.append(_style(words))
        out.facts = {"skills": {name: _facts(both) for name, both in arms.items()}}
    return out


def _facts(both: Mapping[str, Arm]) -> dict[str, Any]:
    return {name: arm.accuracy() for name, arm in both.items()}


def _judged(both: Mapping[str, Arm], settings: ForgettingSettings, limits: Limits) -> Verdict:
    base, candidate = both["base"], both["candidate"]
    rule, level = f"forgetting-{base.suite}", Level(settings.level)
    details: dict[str, Any] = {"axis": base.suite, "items": len(base.items), "margin": settings.margin}
    details["unscored"] = unscored([base, candidate])
    if doubt := coverage_doubt([base, candidate], limits):
        verdict = cannot_tell(summary=f"{base.suite}: forgetting cannot be told", reason=doubt, details=details)
        return named(verdict, rule, FAILURE, level)
    (before, after), clusters = scores([base, candidate])
    if len(before) >= LEAST and share_interval(float(before.sum()), len(before)).high < FLOOR:
        verdict = cannot_tell(
            summary=f"{base.suite}: the base has next to none of this skill",
            reason=f"{before.sum():.0f} of {len(before):,} items right; nothing can be forgotten",
            details=details,
        )
        return named(replace(verdict, outcome=Outcome.SKIPPED), rule, FAILURE, level)
    compared = compare_paired(before, after, clusters=clusters if len(set(clusters)) < len(clusters) else None)
    gains, losses = compared.discordant
    churn = share_interval(gains + losses, compared.n)
    details |= {
        "flips": {"gained": gains, "lost": losses},
        "churn": {"value": churn.value, "low": churn.low, "high": churn.high},
        "lost_items": [
            item.id
            for item, b, c in zip(base.items, base.scored, candidate.scored, strict=True)
            if (b.mark.value, c.mark.value) == ("pass", "fail")
        ][:200],
    }
    low, high = compared.interval(0.9)
    verdict = judge_difference(
        compared,
        kind="non-inferiority",
        margin=settings.margin,
        name="accuracy kept",
        summary=f"{base.suite}: {compared.d * 100:+.1f} points, 90 % interval {low * 100:+.1f} to {high * 100:+.1f}, "
        f"{compared.n:,} items, {gains:,} gained and {losses:,} lost (churn {churn.value:.1%})"
        f"{unscored_words([base, candidate])}",
        details=details,
    )
    return named(verdict, rule, FAILURE, level)


def _style(words: Mapping[str, Sequence[str | None]]) -> Verdict:
    """What moved in how things are said; a warning, since style is no error. What did not arrive has no style."""
    pairs = [(b, c) for b, c in zip(words["base"], words["candidate"], strict=True) if b is not None and c is not None]
    if not pairs:
        return named(cannot_tell(summary="style cannot be told", reason="no answer arrived from both"),
                     STYLE, PRETENCE, Level.WARN)  # fmt: skip
    found = drift([b for b, _ in pairs], [c for _, c in pairs])
    moved = [name for name, one in found.items() if one.moved]
    told = {
        name: {"base": round(one.base, 4), "candidate": round(one.candidate, 4), "d_z": one.d_z}
        for name, one in found.items()
    }
    what = ", ".join(f"{name} {found[name].base:.3g} to {found[name].candidate:.3g}" for name in moved)
    verdict = judge_count(
        len(moved),
        name="styles that moved",
        unit="features",
        looked_at=len(pairs),
        at_most=0,
        summary=f"style of {len(pairs):,} answers: {what or 'nothing moved'}",
        details={"features": told},
    )
    return named(verdict, STYLE, PRETENCE, Level.WARN)


def judge_substance(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A candidate that judges prefer while it gets less right has won by style."""
    preferred = [one for one in verdicts if one.rule == "preferred-over-base" and one.outcome is Outcome.PASS]
    worse = [
        one
        for one in verdicts
        if one.rule.startswith(("candidate-over-base", "forgetting-")) and _lost(one.details.get("comparison"))
    ]
    if not preferred or not worse:
        return []
    verdict = judge_count(
        len(worse),
        name="accuracies lost",
        unit="suites",
        looked_at=len(worse),
        at_most=0,
        summary=f"preferred on {preferred[0].details.get('suite')}, and less right: {worse[0].summary}",
        details={"preferred": [one.summary for one in preferred], "worse": [one.summary for one in worse]},
    )
    return [named(verdict, SUBSTANCE, PRETENCE, Level.BLOCK)]


def _lost(numbers: Any) -> bool:
    """Whether a recorded comparison surely fell."""
    return isinstance(numbers, Mapping) and PairedComparison.from_json(numbers).high < 0
