"""Reversion: of what tuning installed, the share of other wordings in which the base's behaviour is back.

Installed is what the candidate does right in the plain wording and the base does not. What was never installed cannot
revert. A wording reverts when the answer is wrong and is the base's answer, or is more like it than like the
candidate's own answer to the plain wording.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.evaluate.comparing import SCORED, named
from headgate.evaluate.extractors import normalised
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.shadow.variants import Variants
from headgate.stats.intervals import mean_interval, share_interval
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.paired import compare_paired
from headgate.stats.power import mde
from headgate.stats.verdict import Finding, Level, Measure, Verdict

RULE, FAILURE = "shadow-reversion", "pretraining-shadow"
LEAST = 20  # installed items, below which nothing passes
ONE_SIDED = 0.9
COVERAGE = 0.95  # share of wordings that must have a score


@dataclass(frozen=True, slots=True)
class Told:
    """What a model said to a wording: how it was scored, and its words."""

    scored: Scored
    text: str

    @property
    def arrived(self) -> bool:
        """Whether there is a whole answer that could be scored."""
        return self.scored.mark in SCORED


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """Plain wordings and others, of base and candidate."""

    suite: str
    variants: Variants
    base: Sequence[Told]
    candidate: Sequence[Told]
    base_changed: Mapping[str, Sequence[Told]]
    candidate_changed: Mapping[str, Sequence[Told]]

    @property
    def installed(self) -> set[int]:
        """Items that the candidate gets right and the base gets wrong."""
        pairs = zip(self.base, self.candidate, strict=True)
        return {i for i, (b, c) in enumerate(pairs) if (b.scored.mark, c.scored.mark) == (Mark.FAIL, Mark.PASS)}

    @property
    def lost(self) -> float:
        """Share of plain wordings without a score from one model or the other."""
        pairs = list(zip(self.base, self.candidate, strict=True))
        return sum(not (b.arrived and c.arrived) for b, c in pairs) / len(pairs) if pairs else 0.0

    def reverted(self, operator: str, place: int, item: int) -> bool:
        """Whether a wording of an installed item brings the base's behaviour back."""
        said = self.candidate_changed[operator][place]
        if said.scored.mark is not Mark.FAIL:
            return False
        theirs = [one.text for one in (self.base[item], self.base_changed[operator][place]) if one.arrived]
        own = _likeness(said.text, self.candidate[item].text)
        return any(_same(said.text, one) or _likeness(said.text, one) > own for one in theirs)


def judge_reversion(
    shadow: Shadow, *, margin: float, level: Level, prior: Mapping[str, Any], coverage: float = COVERAGE
) -> Verdict:
    """Whether other wordings bring the base back more often than allowed; `prior` goes into the details.

    An answer that did not arrive or could not be scored is neither back nor away: it is left out and counted.
    """
    installed = shadow.installed
    asked = [
        (name, place, item)
        for name, some in shadow.variants.changed.items()
        for place, (item, _) in enumerate(some)
        if item in installed
    ]
    pairs = [one for one in asked if shadow.candidate_changed[one[0]][one[1]].arrived]
    details: dict[str, Any] = {"suite": shadow.suite, "items": len(shadow.variants.items), "installed": len(installed)}
    details["unscored"] = round(1 - len(pairs) / len(asked), 4) if asked else 0.0
    if max(shadow.lost, details["unscored"]) > 1 - coverage:
        return named(_uncovered(shadow, coverage, details), RULE, FAILURE, level)
    if not pairs:
        verdict = cannot_tell(
            summary=f"{shadow.suite}: nothing was installed that could revert",
            reason="no item is right in the candidate and wrong in the base",
            details=details,
        )
        return named(verdict, RULE, FAILURE, level)
    back = np.array([shadow.reverted(*one) for one in pairs], dtype=float)
    clusters = [shadow.variants.items[item].cluster for _, _, item in pairs]
    told = mean_interval(back, clusters=clusters, level=ONE_SIDED)
    low, high = told.low, told.high
    if told.se == 0:
        low, high = (0.0, share_interval(0, told.clusters, ONE_SIDED).high) if not back.any() else (low, high)
    details |= {"wordings": len(pairs), "by_operator": _by_operator(shadow, pairs, back), **_robustness(shadow)}
    details["prior"] = dict(prior)
    worst = max(details["by_operator"].items(), key=lambda one: one[1]["reverted"])
    verdict = judge_interval(
        Measure(
            name="reverted wordings", value=told.value, low=max(0.0, low), high=min(1.0, high), unit="share",
            n=told.clusters, smallest_visible=mde(told.se), level=ONE_SIDED,
        ),
        summary=f"{shadow.suite}: the base is back in {told.value:.1%} of {len(pairs):,} other wordings of "
        f"{len(installed):,} installed items, most with {worst[0]} ({worst[1]['reverted']:.0%})",
        at_most=margin,
        minimum=LEAST,
        findings=_findings(details["by_operator"], margin),
        next_step="train on varied wordings of the same rows, then evaluate again",
        details=details,
    )  # fmt: skip
    return named(verdict, RULE, FAILURE, level)


def _uncovered(shadow: Shadow, coverage: float, details: Mapping[str, Any]) -> Verdict:
    """Too many answers never came."""
    return cannot_tell(
        summary=f"{shadow.suite}: reversion cannot be told",
        reason=f"coverage: {shadow.lost:.1%} of plain and {details['unscored']:.1%} of other wordings have no score, "
        f"wanted {1 - coverage:.0%} at most",
        next_step="see to the endpoint and run the same command again; only failed items are asked again",
        details=details,
    )


def _findings(operators: Mapping[str, Mapping[str, float]], margin: float) -> list[Finding]:
    return [
        Finding(message=f"{name}: {one['reverted']:.0%} of {one['n']:,} wordings revert", remedy="review")
        for name, one in sorted(operators.items(), key=lambda one: -one[1]["reverted"])
        if one["reverted"] > margin
    ]


def _by_operator(shadow: Shadow, pairs: Sequence[tuple[str, int, int]], back: Any) -> dict[str, dict[str, float]]:
    out = {}
    for name in shadow.variants.changed:
        mine = [value for (operator, _, _), value in zip(pairs, back, strict=True) if operator == name]
        right = [
            shadow.candidate_changed[name][place].scored.mark is Mark.PASS
            for operator, place, _ in pairs
            if operator == name
        ]
        if mine:
            out[name] = {"n": len(mine), "reverted": float(np.mean(mine)), "right": float(np.mean(right))}
    return out


def _robustness(shadow: Shadow) -> dict[str, Any]:
    """Over all items: accuracy plain and in other wordings on the same items, all right, one answer throughout."""
    plain, other, clusters = [], [], []
    every: dict[int, list[Told]] = {}
    for name, some in shadow.variants.changed.items():
        for place, (item, one) in enumerate(some):
            said = shadow.candidate_changed[name][place]
            if not (said.arrived and shadow.candidate[item].arrived):
                continue
            every.setdefault(item, [shadow.candidate[item]]).append(said)
            plain.append(float(shadow.candidate[item].scored.mark is Mark.PASS))
            other.append(float(said.scored.mark is Mark.PASS))
            clusters.append(one.cluster)
    if not plain:
        return {}
    gap = compare_paired(plain, other, clusters=clusters)
    right = [all(one.scored.mark is Mark.PASS for one in said) for said in every.values()]
    same = [len({normalised(one.scored.extracted or one.text) for one in said}) == 1 for said in every.values()]
    return {
        "accuracy": {"plain": gap.reference, "other": gap.candidate},
        "gap": {"d": -gap.d, "low": -gap.high, "high": -gap.low},
        "performance_drop": 1 - gap.candidate / gap.reference if gap.reference else 0.0,
        "worst_case": float(np.mean(right)),
        "consistency": float(np.mean(same)),
    }


def _same(one: str, other: str) -> bool:
    return normalised(one) == normalised(other)


def _likeness(one: str, other: str) -> float:
    """Share of words that two answers have in common."""
    first, second = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(first & second) / len(first | second) if first | second else 1.0
