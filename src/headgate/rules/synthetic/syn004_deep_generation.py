"""Rows made from rows that a model made, and too few rows that people wrote.

## What it checks
The depth of every training row: 0 for a row that people wrote, 1 more than its deepest parent for a row that a model
wrote, 1 for one that names no parent. And the share of rows that people wrote, which holds the rest in place.

## Why it matters
Each generation of rows made from rows loses the rare first, and what it lost no later generation can know.
Where real rows stay and synthetic ones are added, the loss is bounded; where they are replaced, it is not.

## How it is measured
`generator` (the model that wrote a row), `depth` and `parents` of the side data are walked to the root, through
training rows and, in a flow, through every ancestor in the ledger. Where `depth` says less, parents count.
Every row is looked at: one deeper than `deepest` fails unless a waiver covers it. Then the share of real rows: below
`floor` fails, below `wanted` warns. Real are rows of depth 0, of a `generator` such as "human", and of the sources
in `human`. A copy that curation changed (redacted, mended, weighted) is as deep as the row that it was made from.

## When it cannot tell
A row that says nothing of its origin is unknown: it counts neither as real nor as synthetic, and the share of real
rows is a range; where the range holds a threshold, unsure. A synthetic row whose parents nobody knows may be deeper
than it looks: unsure. Where no row says that a model wrote it, the rule is skipped. It believes what rows declare.

## What to do
Generate from rows that people wrote; add to them and never replace them. Name the sources that people wrote in
`human`, or set `depth` to 0. To go deeper once, with a reason: `headgate gate waive`.

## References
Shumailov and others 2024, "AI models collapse when trained on recursively generated data", Nature: with a tenth of
real rows kept, little was lost. Gerstgrasser and others 2024, "Is model collapse inevitable?", arXiv 2404.01413.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.descent import Parents
from headgate.rules.generations import Generations, generations, origin_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_interval, judge_share
from headgate.stats.verdict import Finding, Findings, Level, Measure, Outcome, Verdict

NAME_HUMANS = "say which sources people wrote: deep-generation.human, or depth 0 of their rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of deep-generation."""

    deepest: int = 1  # generations of synthesis that a row may be away from people
    floor: float = 0.1  # share of real rows, 0..1, below which it fails
    wanted: float = 0.25  # share of real rows, 0..1, below which it warns
    human: tuple[str, ...] = ()  # names of sources that people wrote


@rule(
    "SYN004",
    failure="synthetic-pipelines-no-collapse",
    needs=("training-rows",),
    options=Options,
    level="block",
    status="stable",
    since="0.3",
    asks=(origin_of, Parents),
)
def deep_generation(given: Given, options: Options) -> Verdict:
    """Walks from every row to its roots, and counts the rows that people wrote."""
    rows, found = given.rows("training-rows"), generations(given, options.human)
    if not found.synthetic:
        return deep_generation.skipped("not given: generator or depth of any row that a model wrote")
    details = found.as_json()
    deep = np.flatnonzero(found.depths > options.deepest)
    if len(deep):
        share = "" if found.real[1] >= options.floor else f", and {_share(found)} of all rows are real"
        return judge_share(
            len(deep),
            found.synthetic,
            name="synthetic rows that are too deep",
            at_most=0.0,
            zero_tolerance=True,
            summary=f"{len(deep):,} of {found.synthetic:,} synthetic rows are {options.deepest + 1} or more "
            f"generations away from people{share}",
            findings=_findings(rows, found, deep),
            next_step="make them again from rows that people wrote, or drop them",
            details=details,
        )
    verdict = _real(found, options, details)
    if found.lost and verdict.outcome is not Outcome.FAIL:
        return cannot_tell(
            summary=f"{len(found.lost):,} parents of synthetic rows are known to nobody",
            reason=f"the walk ends at {', '.join(found.lost[:3])}{' and others' * (len(found.lost) > 3)}",
            next_step="hand the rows that are named as parents along with the others",
            details=details,
        )
    return verdict


def _real(found: Generations, options: Options, details: dict[str, object]) -> Verdict:
    low, high = found.real
    measure = Measure(
        name="real rows", value=low, low=low, high=high, unit="share", n=len(found.depths), smallest_visible=0.0
    )
    summary = f"{_share(found)} of {len(found.depths):,} rows are real"
    told = {"summary": summary, "details": details, "next_step": NAME_HUMANS if found.unknown else ""}
    floor = judge_interval(measure, at_least=options.floor, **told)  # type: ignore[arg-type]
    if floor.outcome is Outcome.PASS:
        wanted = judge_interval(measure, at_least=options.wanted, **told)  # type: ignore[arg-type]
        return wanted if wanted.outcome is Outcome.PASS else _doubted(wanted.at_level(Level.WARN), found)
    return _doubted(floor, found)


def _doubted(verdict: Verdict, found: Generations) -> Verdict:
    if verdict.outcome is not Outcome.UNSURE:
        return verdict
    return replace(
        verdict,
        reason=f"nothing says who wrote {found.unknown:,} of {len(found.depths):,} rows; wanted at least "
        f"{verdict.threshold['at_least']:.0%} real ones",
    )


def _share(found: Generations) -> str:
    low, high = found.real
    return f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"


def _findings(rows: Corpus, found: Generations, deep: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Findings:
    def made(position: int) -> Finding:
        row, depth = rows[int(deep[position])], int(found.depths[deep[position]])
        who = f"by {row.side.generator}, " if row.side.generator else ""
        told = f"was made {who}{depth} generations away from people"
        return Finding(message=told, place=row.place, row=row.id, remedy="drop")

    return findings_of(rows, deep, made, ["drop"])
