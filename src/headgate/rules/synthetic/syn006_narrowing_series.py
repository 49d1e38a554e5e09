"""Versions of a dataset whose answers narrow a little each time.

## What it checks
The variety of the answers over all frozen versions of a dataset, by the eight measures of narrowed-answers: what the
line through all versions has lost, what the newest has lost against the first (generation 0), and shifts of level.

## Why it matters
A loop that trains on what it wrote loses a few per cent a round, inside the noise of any one comparison. Each version
passes against its parent; four rounds later the model is uniform, and nobody decided it.

## How it is measured
The answers of each version are cut at random into up to 20 disjoint blocks of one size, a sixteenth of the first
version, and each block is measured. In a flow the tables are kept in the ledger as evidence, so that nothing is
computed twice; for files, `--earlier` names the versions before, oldest first. For each measure the ratio of two
levels has an interval over blocks, wide enough for all eight to hold at once (95 %, Bonferroni): last against first
point of the fitted line, newest against first version, and, where Page's cumulative sum of falls crosses its limit,
after against before the shift.
The rule fails when the whole interval of any lies below `keeps` (0.9). The details list all of them, the p-value of
each single step (Holm over measures), and from six versions on a rank trend of the means.

## When it cannot tell
With one earlier version there is no line yet, and without any the rule is skipped. Versions of fewer than `least`
answers are left out. A version that changed its task varies otherwise for good reasons: begin a new name for it.
Blocks count as independent: answers that come in groups make intervals too narrow. A gain of variety never fails.

## What to do
Go back to the version before the fall; keep every real row and add to it; ask another teacher. If the first version
was broader than what is needed, freeze the dataset under a new name with a reason.

## References
Page 1954, "Continuous inspection schemes". Gerstgrasser and others 2024, arXiv 2404.01413. Shumailov and others 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from headgate.rules.answers import AnswerWords
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.variety_series import LEAST_ANSWERS, Variety, comparable, model_of, series_of
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.multiplicity import holm
from headgate.stats.series import LEAST, Kept, cusum, fitted_share, share_of_first
from headgate.stats.trends import rank_trend
from headgate.stats.verdict import Measure, Verdict
from headgate.text.diversity import MEASURES

LEVEL = 1 - 0.05 / len(MEASURES)  # of one interval, so that all eight hold at once
TREND, ORIGIN, SHIFT = "over all versions", "against the first version", "after a shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of narrowing-series."""

    keeps: float = 0.9  # share of the first version's variety, 0..1, that must be kept
    least: int = LEAST_ANSWERS  # answers of a version from which on it counts


@dataclass(frozen=True, slots=True)
class _Look:
    measure: str
    how: str
    kept: Kept


@rule(
    "SYN006",
    failure="synthetic-feedback-collapse",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.3",
    asks=(AnswerWords,),
)
def narrowing_series(given: Given, options: Options) -> Verdict:
    """Follows the variety of answers over all versions."""
    earlier = _earlier(given)
    if not earlier:
        return narrowing_series.skipped("not given: earlier versions of the dataset (--earlier FILE, oldest first)")
    rows = given.rows("training-rows")
    now: Variety = given.get("this-version") or Variety.of(rows, rows.name or "this version", model_of(earlier))
    large = [each for each in (*earlier, now) if each.answers >= options.least]
    versions = comparable(large)
    details: dict[str, Any] = {
        "versions": {each.name: len(each.blocks) for each in versions},
        "left_out": [each.name for each in (*earlier, now) if each not in versions],
        "answers_a_block": earlier[0].texts,
        "words_a_block": earlier[0].words,
    }
    if len(versions) < 2 or versions[-1] is not now:
        return cannot_tell(
            summary="the variety of the versions cannot be compared",
            reason=f"{len(versions)} of {len(earlier) + 1} versions have {options.least:,} answers; this one has "
            f"{now.answers:,}",
            next_step="give earlier versions of about the same size",
            details=details,
        )
    looks = _looks(versions)
    return _judged(looks, versions, options, details | _details(looks, versions))


def _earlier(given: Given) -> list[Variety]:
    if given.has("earlier-versions"):
        return list(given.get("earlier-versions"))
    return series_of(given.rows("earlier-rows")) if given.has("earlier-rows") else []


def _looks(versions: Sequence[Variety]) -> list[_Look]:
    found = []
    for name in MEASURES:
        groups = [version.measure(name) for version in versions]
        if groups[0].mean() <= 0:
            continue  # what is not there cannot be lost
        found.append(_Look(name, ORIGIN, share_of_first(groups, level=LEVEL)))
        if len(groups) < LEAST:
            continue
        found.append(_Look(name, TREND, fitted_share(groups, level=LEVEL)))
        if (began := cusum(groups).began) is not None:
            found.append(_Look(name, SHIFT, share_of_first(groups, since=began, level=LEVEL)))
    return found


def _judged(looks: Sequence[_Look], versions: Sequence[Variety], options: Options, details: dict[str, Any]) -> Verdict:
    # A measure in which the loss of a tenth would not show says nothing, either way.
    sharp = [look for look in looks if look.kept.high - look.kept.low <= 2 * (1 - options.keeps)]
    lost = [look for look in sharp if look.kept.high < options.keeps]
    if not sharp:
        return cannot_tell(
            summary="the variety of the versions cannot be compared",
            reason=f"no measure is known to within {1 - options.keeps:.0%}; needs more answers a version",
            details=details,
        )
    worst = min(lost, key=lambda look: look.kept.high) if lost else min(sharp, key=lambda look: look.kept.value)
    kept = worst.kept
    measure = Measure(
        name=f"{worst.measure}, {worst.how}",
        value=kept.value,
        low=kept.low,
        high=kept.high,
        unit="ratio",
        n=sum(len(version.blocks) for version in versions),
        smallest_visible=kept.high - kept.value,
        level=LEVEL,
    )
    fallen = len({look.measure for look in lost})
    told = f"{worst.measure}: {kept.value:.2f} {worst.how}"
    summary = f"answers of {len(versions)} versions narrow in {fallen} of {len(MEASURES)} measures, most in {told}"
    if not lost:
        summary = f"answers of {len(versions)} versions vary alike; least kept is {told}"
    return judge_interval(measure, at_least=options.keeps, summary=summary, details=details)


def _details(looks: Sequence[_Look], versions: Sequence[Variety]) -> dict[str, Any]:
    table: dict[str, dict[str, Any]] = {}
    for look in looks:
        told = {"kept": round(look.kept.value, 4), "low": round(look.kept.low, 4), "high": round(look.kept.high, 4)}
        table.setdefault(look.measure, {})[look.how] = told | {"p": round(look.kept.p, 6)}
    for name, row in table.items():
        groups = [version.measure(name) for version in versions]
        row["sums"] = [round(each, 2) for each in cusum(groups).sums]
        row["rank_trend_p"] = rank_trend([float(group.mean()) for group in groups])
    steps = []
    for before, after in pairwise(versions):
        p = [share_of_first([before.measure(name), after.measure(name)]).p for name in table]
        steps.append({"from": before.name, "to": after.name, "p": round(float(min(holm(p))), 4)})
    return {"measures": table, "steps": steps}
