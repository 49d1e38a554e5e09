"""Rows written by the model that is to be trained on them, or by one of its line.

## What it checks
Who wrote each synthetic row: the base that is to be trained, a model that was made from it, or one that was made from
the same. And whether earlier versions of the dataset had another teacher, and this one has one of our own.

## Why it matters
Using our own tune as the next teacher saves money and closes a loop: the model learns its own habits back, what it
never says disappears, and no step of it shows in a test. An independent teacher brings in what the model lacks.

## How it is measured
`generator` of each row is looked up in the ledger, by name, address, digest and fingerprint: every run, adapter,
release and alias leads to its base. Names are compared without vendor, date and packaging, and `kin` declares what
they do not tell ("helper-v3=helper-v2": made from). The model to be trained is `base` (for files: `--base`), or the
base of the flow's last run. Rows of one's own line fail unless real rows are at least `floor` of all (their count is
that of deep-generation). Where they are, a switch from other teachers to our own still warns. Same family is told.

## When it cannot tell
Without a base, or a row that names its teacher, the rule is skipped. Synthetic rows without a `generator` may be
anybody's, and rows of unknown origin may or may not be real: unsure where that decides. A tune that was served under
a name that nobody recorded or declared looks unrelated. Whether rows were verified is not asked.

## What to do
Ask a teacher of another family, or hold a share of real rows in every version. Declare what your models are made from.

## References
Alemohammad and others 2023, "Self-consuming generative models go MAD", arXiv 2307.01850. Gerstgrasser and others
2024, arXiv 2404.01413.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.descent import Parents
from headgate.rules.generations import Generations, generations, origin_of, teacher_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.teachers import LINES, Ancestry, Lines
from headgate.stats.judging import cannot_tell, judge_interval, judge_share
from headgate.stats.verdict import Finding, Findings, Level, Measure, Verdict

NEXT = "ask a teacher of another family, or keep at least {floor:.0%} real rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of own-teacher."""

    base: str = ""  # name of the model to be trained; empty: that of the flow's last run
    kin: tuple[str, ...] = ()  # what names do not tell: "helper-v3=helper-v2" (made from)
    floor: float = 0.1  # share of real rows, 0..1, from which on rows of one's own line are allowed
    human: tuple[str, ...] = ()  # names of sources that people wrote


@rule(
    "SYN005",
    failure="synthetic-feedback-collapse",
    needs=("training-rows",),
    options=Options,
    level="block",
    status="stable",
    since="0.3",
    asks=(origin_of, Parents),
)
def own_teacher(given: Given, options: Options) -> Verdict:
    """Looks every teacher up in the line of the model to be trained."""
    rows, lines = given.rows("training-rows"), Lines.of(given.get(LINES))
    found = generations(given, options.human)
    if not found.synthetic:
        return own_teacher.skipped("not given: generator or depth of any row that a model wrote")
    ancestry = Ancestry(options.base or str(given.get("base", "")), lines, options.kin)
    if not ancestry.known:
        return own_teacher.skipped("not given: the model to be trained (--base NAME, or own-teacher.base)")
    own = {teacher: count for teacher, count in found.teachers.items() if ancestry.is_own(teacher)}
    switched = _switched(lines, ancestry) if own else ""
    details = found.as_json() | {
        "base": sorted(ancestry.names),
        "own_teachers": own,
        "same_family": [name for name in found.teachers if name not in own and ancestry.is_family(name)],
        "switched_from": switched,
    }
    if not own:
        return _independent(found, details)
    low, high = found.real
    count = sum(own.values())
    findings = _findings(rows, own)
    summary = f"{count:,} of {found.synthetic:,} synthetic rows were written by the line of the model to be trained "
    summary += f"({', '.join(list(own)[:3])})"
    if switched:
        summary += f"; version {switched} had other teachers"
    if low < options.floor <= high:
        return _doubted(found, options, summary, details)
    if high < options.floor or switched:
        told = f"{summary}; {_range(low, high)} of all rows are real"
        verdict = judge_share(
            count,
            found.synthetic,
            name="synthetic rows of one's own line",
            at_most=0.0,
            zero_tolerance=True,
            summary=told,
            findings=findings,
            next_step=NEXT.format(floor=options.floor),
            details=details,
        )
        return verdict if high < options.floor else verdict.at_level(Level.WARN)
    return judge_interval(
        _real(found), at_least=options.floor, summary=f"{summary}, held by {low:.0%} real rows", details=details
    )


def _independent(found: Generations, details: Mapping[str, Any]) -> Verdict:
    named = sum(found.teachers.values())
    if unnamed := found.synthetic - named:
        return cannot_tell(
            summary=f"nobody says which model wrote {unnamed:,} of {found.synthetic:,} synthetic rows",
            reason=f"{unnamed:,} rows have a depth and no generator",
            next_step="name the model that wrote each row in `generator`",
            details=details,
        )
    return judge_share(
        0,
        found.synthetic,
        name="synthetic rows of one's own line",
        at_most=0.0,
        zero_tolerance=True,
        summary=f"none of {found.synthetic:,} synthetic rows was written by the line of the model to be trained",
        details=details,
    )


def _doubted(found: Generations, options: Options, summary: str, details: Mapping[str, Any]) -> Verdict:
    verdict = judge_interval(_real(found), at_least=options.floor, summary=summary, details=details)
    reason = (
        f"nothing says who wrote {found.unknown:,} of {len(found.depths):,} rows; {options.floor:.0%} real ones are"
    )
    return replace(verdict, reason=f"{reason} wanted", next_step="own-teacher.human names sources that people wrote")


def _real(found: Generations) -> Measure:
    low, high = found.real
    return Measure(
        name="real rows", value=low, low=low, high=high, unit="share", n=len(found.depths), smallest_visible=0.0
    )


def _switched(lines: Lines, ancestry: Ancestry) -> str:
    """The newest earlier version whose teachers were all of other lines; empty where there is none."""
    for version, teachers in reversed(lines.earlier):
        if teachers:
            return "" if any(map(ancestry.is_own, teachers)) else version
    return ""


def _findings(rows: Corpus, own: Mapping[str, int]) -> Findings:
    places: NDArray[Any] = np.flatnonzero(rows.coded(origin_of).having(lambda origin: teacher_of(origin) in own))

    def made(position: int) -> Finding:
        row = rows[int(places[position])]
        told = f"was written by {row.side.generator}, of the line of the model to be trained"
        return Finding(message=told, place=row.place, row=row.id, remedy="drop")

    return findings_of(rows, places, made, ["drop"])


def _range(low: float, high: float) -> str:
    return f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
