"""Rows that were judged by the model that wrote them, or by one that is made from it.

## What it checks
Rows of which both are known: the model that wrote the answer (`generator`) and who judged or labelled it (`annotator`).
Same model, or one made from the other: not allowed. Same family: reported.

## Why it matters
A judge prefers what it would have said itself. On one benchmark a related judge gave its student 28.7 points more than
an unrelated one; filters and preferences by such a judge teach its taste, and its errors pass unseen.

## How it is measured
Names are compared without vendor, date, packaging and quantisation; families and what they were made from are
known for common models, and `kin` adds yours ("our-judge=llama-3-8b": made from). Every row is looked at; none
may be judged by its own kin unless `tolerated` says so.

## When it cannot tell
A name that tells no model is related to itself only. Rows that lack one of the two names are left alone; without
any row that has both, the rule is skipped.

## What to do
Have these rows judged by another family or by people, and declare your own models in `kin`.

## References
Li and others 2025, "Preference leakage", arXiv 2502.01534. Panickssery and others 2024 on self-preference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import findings_of
from headgate.rules.given import Given
from headgate.rules.models import Kin, Kinship
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict

FORBIDDEN = (Kinship.SAME, Kinship.INHERITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of related-judge."""

    kin: tuple[str, ...] = ()  # what names do not tell: "ours=llama-3-8b" (made from)
    tolerated: float = 0.0  # share of judged rows, 0..1, that kin may have judged


def writer_and_judge(row: Row) -> tuple[str, str]:
    """The model that wrote the answer, and who judged it; empty where unknown."""
    return row.side.generator or "", row.side.annotator or ""


@rule(
    "JDG006",
    failure="annotator-qc",
    needs=("training-rows",),
    options=Options,
    level="block",
    status="stable",
    since="0.2",
    asks=(writer_and_judge,),
)
def related_judge(given: Given, options: Options) -> Verdict:
    """Counts rows that were judged by kin of the model that wrote them."""
    rows = given.rows("training-rows")
    kin = Kin(options.kin)
    pairs = rows.coded(writer_and_judge)
    related = [kin.between(*pair) if all(pair) else None for pair in pairs.values]
    judged = sum(count for each, count in zip(related, pairs.counts, strict=True) if each is not None)
    if not judged:
        return related_judge.skipped("not given: rows with a generator and an annotator")
    known: Counter[str] = Counter()
    for each, count in zip(related, pairs.counts, strict=True):
        if each is not None:
            known[each.value] += count
    wrong = np.array([each in FORBIDDEN for each in related], dtype=bool)
    places = np.flatnonzero(wrong[pairs.codes])

    def made(position: int) -> Finding:
        place = int(places[position])
        row, code = rows[place], pairs.codes[place]
        writer, judge = pairs.values[code]
        told = f"written by {writer}, judged by {judge}: {related[code]}"
        return Finding(message=told, place=row.place, row=row.id, remedy="review")

    findings = findings_of(rows, places, made, ["review"])
    return judge_share(
        len(findings),
        judged,
        name="rows judged by kin of their writer",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=f"{len(findings):,} of {judged:,} judged rows were judged by kin of the model that wrote them"
        if len(findings)
        else f"no row of {judged:,} was judged by kin of the model that wrote it",
        findings=findings,
        details={"kinship": dict(known.most_common())},
    )
