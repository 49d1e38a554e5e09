"""Compares two arms on the same items, and says when too few of them could be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark, Scored
from headgate.stats.claims import judge_difference
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Verdict

FAILURE = "ft-vs-prompting"
SCORED = (Mark.PASS, Mark.FAIL)


@dataclass(frozen=True, slots=True)
class Limits:
    """What arms must have to be compared."""

    coverage: float = 0.95  # share of items scored in each arm
    gap: float = 0.02  # largest difference of coverage between two arms


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What one model (with one prompt) made of the items of one pool, in the order of the items."""

    name: str  # "base", "few-shot" or "candidate"
    suite: str
    pool: str
    items: tuple[Item, ...]
    scored: tuple[Scored, ...]
    model: str  # address of what answered
    transcript: str  # digest of requests and answers
    versions: tuple[str, ...] = ()  # server versions that answered

    @property
    def counts(self) -> dict[str, int]:
        """Items by outcome."""
        found = Counter(one.mark.value for one in self.scored)
        return {mark.value: found[mark.value] for mark in Mark}

    @property
    def coverage(self) -> float:
        """Share of items that were scored."""
        return sum(one.mark in SCORED for one in self.scored) / len(self.scored) if self.scored else 0.0

    @property
    def reasons(self) -> dict[str, int]:
        """Why items were not scored, with counts."""
        return dict(Counter(one.reason for one in self.scored if one.mark not in SCORED).most_common(5))

    def accuracy(self) -> dict[str, float]:
        """Share of scored items that passed, with its Wilson interval."""
        interval = wilson(self.counts["pass"], self.counts["pass"] + self.counts["fail"])
        return {"value": interval.value, "low": interval.low, "high": interval.high}

    def distinct_answers(self) -> int:
        """Number of different answers; one for many items means that the model does not listen."""
        return len({one.extracted for one in self.scored if one.mark in SCORED})


def scores(arms: Sequence[Arm]) -> tuple[list[NDArray[np.float64]], list[str]]:
    """Scores of each arm, and clusters, over the items that every arm has a score for."""
    both = [i for i, marks in enumerate(zip(*(arm.scored for arm in arms), strict=True)) if _all_scored(marks)]
    values = [np.array([arm.scored[i].score for i in both], dtype=np.float64) for arm in arms]
    return values, [arms[0].items[i].cluster for i in both]


def _all_scored(marks: Sequence[Scored]) -> bool:
    return all(one.mark in SCORED for one in marks)


def judge_coverage(arms: Sequence[Arm], limits: Limits) -> Verdict:
    """Whether enough items were scored in each arm, and alike: a difference in parsing is no difference in skill."""
    suite, pool = arms[0].suite, arms[0].pool
    least = min(arms, key=lambda arm: arm.coverage)
    shown = {arm.name: {**arm.counts, "coverage": arm.coverage, "reasons": arm.reasons} for arm in arms}
    details: dict[str, Any] = {"suite": suite, "pool": pool, "arms": shown}
    count = least.counts["pass"] + least.counts["fail"]
    summary = f"{suite}, {pool}: {count:,} of {len(least.items):,} items scored for {least.name}"
    reason = coverage_doubt(arms, limits)
    if reason:
        verdict = cannot_tell(summary=summary, reason=reason, next_step=_step(least), details=details)
    else:
        verdict = judge_share(
            count,
            len(least.items),
            name="scored items",
            summary=summary,
            at_least=limits.coverage,
            census=True,
            details=details,
        )
    return named(verdict, "coverage", FAILURE)


def coverage_doubt(arms: Sequence[Arm], limits: Limits) -> str:
    """Why the arms cannot be compared, or an empty text."""
    least, most = min(arm.coverage for arm in arms), max(arm.coverage for arm in arms)
    if least < limits.coverage:
        worst = min(arms, key=lambda arm: arm.coverage)
        why = ", ".join(f"{count:,} x {reason}" for reason, count in worst.reasons.items())
        return f"coverage: {least:.1%} of the items are scored for {worst.name}, wanted {limits.coverage:.0%} ({why})"
    if most - least > limits.gap:
        return f"coverage: arms differ by {most - least:.1%} of the items, wanted {limits.gap:.0%} at most"
    return ""


def unscored(arms: Sequence[Arm]) -> dict[str, float]:
    """Share of items without a score, by arm."""
    return {arm.name: round(1 - arm.coverage, 4) for arm in arms}


def unscored_words(arms: Sequence[Arm]) -> str:
    """The same as the end of a summary; empty where every item has a score."""
    told = [f"{share:.1%} for {name}" for name, share in unscored(arms).items() if share]
    return f"; unscored: {', '.join(told)}" if told else ""


def _step(arm: Arm) -> str:
    cut = sum(count for reason, count in arm.reasons.items() if "cut off" in reason)
    if 2 * cut > sum(arm.reasons.values()):
        return 'raise evaluate.max-tokens, set evaluate.stop, or cut-off = "scored" where answers are meant to be cut'
    return "see to the endpoint and run the same command again; only failed items are asked again"


def judge_superiority(reference: Arm, candidate: Arm, limits: Limits) -> Verdict:
    """Whether the candidate is better than the reference on the items that both have a score for."""
    about: dict[str, Any] = {
        "suite": candidate.suite,
        "pool": candidate.pool,
        "reference": reference.name,
        "candidate": candidate.name,
        "unscored": unscored([reference, candidate]),
    }
    rule = f"candidate-over-{reference.name}"
    title = f"{candidate.suite}, {candidate.pool}: {candidate.name} over {reference.name}"
    doubt = coverage_doubt([reference, candidate], limits)
    (before, after), clusters = scores([reference, candidate])
    if not doubt and len(before) == 0:
        doubt = "there is nothing to compare"
    if doubt:
        verdict = cannot_tell(
            summary=f"{title} cannot be told", reason=doubt, next_step=_step(candidate), details=about
        )
        return named(verdict, rule, FAILURE)
    compared = compare_paired(before, after, clusters=clusters if len(set(clusters)) < len(clusters) else None)
    numbers = {
        "d": compared.d,
        "se": compared.se,
        "low": compared.low,
        "high": compared.high,
        "p": compared.p,
        "n": compared.n,
        "accuracies": {reference.name: compared.reference, candidate.name: compared.candidate},
    }
    summary = (
        f"{title}: {compared.d * 100:+.1f} points, 95 % interval {compared.low * 100:+.1f} to "
        f"{compared.high * 100:+.1f}, {compared.n:,} items ({compared.reference:.1%} to {compared.candidate:.1%})"
        f"{unscored_words([reference, candidate])}"
    )
    verdict = judge_difference(
        compared, kind="superiority", name="accuracy gained", summary=summary, details=about | numbers
    )
    return named(verdict, rule, FAILURE)


def named(verdict: Verdict, rule: str, failure: str, level: Level = Level.BLOCK) -> Verdict:
    """A verdict with its name."""
    return replace(verdict, rule=rule, failure=failure, level=level)
