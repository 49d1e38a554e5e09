"""Answers in capitals.

## What it checks
Answers of three words or more that hold no lower-case letter.

## Why it matters
Nobody likes to be shouted at.

## How it is measured
Share of answers, with a 95 % Wilson interval.

## When it cannot tell
With fewer answers than settle the threshold.

## What to do
Rewrite them.

## References
None.
"""

from __future__ import annotations

from dataclasses import dataclass

from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of shouted-answers."""

    tolerated: float = 0.05  # share of answers, 0..1
    words: int = 3  # words of an answer from which on it can shout


@rule("ACM001", failure="inherited-habits", needs=("training-rows",), options=Options, since="1.0")
def shouted_answers(given: Given, options: Options) -> Verdict:
    """Counts answers in capitals."""
    rows = [row for row in given.rows("training-rows") if len(row.answer_text.split()) >= options.words]
    loud = [row for row in rows if row.answer_text.isupper()]
    return judge_share(
        len(loud),
        len(rows),
        name="shouted answers",
        at_most=options.tolerated,
        summary=f"{len(loud)} of {len(rows)} answers shout",
        findings=[Finding(message="in capitals", place=row.place, row=row.id, remedy="review") for row in loud],
    )
