"""Feedback of which a person who looked at a sample says that too little is what it is taken for.

## What it checks
Rows that came from feedback and were looked at by a person (`reviewed`: true or `correction` where the row is a
real correction; false, `comment`, `test`, ... where it is not): the purity of the whole, estimated from this
sample.

## Why it matters
How much of an old dump is labels nobody knows until somebody looks. Two hundred rows are an afternoon, and give
a number.

## How it is measured
Share of reviewed rows that are pure, with a 95 % Wilson interval, at least `purity`. Where no row has been
reviewed, the rule draws `drawn` rows at random, always the same for the same rows, and names them in its
details. The sample must be the one drawn: rows that were reviewed because they looked odd say nothing about the
rest.

## When it cannot tell
Without reviewed rows, or when the interval lies on both sides of `purity`: unsure, with the rows still needed.

## What to do
Review the drawn rows, write `reviewed` into them, check again. Below `purity`, filter by what the review found,
and draw anew.

## References
Wilson 1927. Cochran 1977, "Sampling techniques", chapter 3.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.signals import Feedback, rows_of_feedback
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict

PURE = frozenset({"true", "yes", "1", "pure", "correction", "replacement", "correct", "ok", "label"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of impure-labels."""

    purity: float = 0.9  # share of rows, 0..1, that must be what they are taken for
    drawn: int = 200  # rows drawn for a person
    least: int = 30  # reviewed rows from which on something can be said


@rule(
    "LIN006",
    failure="accidental-dataset",
    needs=("training-rows",),
    options=Options,
    status="stable",
    since="0.2",
    asks=(Feedback,),
)
def impure_labels(given: Given, options: Options) -> Verdict:
    """Estimates the purity of feedback from a sample that a person reviewed."""
    held = rows_of_feedback(given.rows("training-rows"))
    if not held:
        return impure_labels.skipped("not given: rows that came from feedback (signal, purpose, original_answer, ...)")
    reviewed = [(row, signal) for row, signal in held if signal.reviewed]
    if len(reviewed) < options.least:
        names = sorted(str(row.place or row.side.id or row.id) for row, signal in held if not signal.reviewed)
        wanted = min(options.drawn, len(names))
        return cannot_tell(
            summary=f"how pure {len(held):,} rows of feedback are cannot be seen",
            reason=f"{len(reviewed):,} rows were reviewed by a person; needs {options.least - len(reviewed):,} more",
            next_step="review the rows in details.to_review, and write reviewed = true or false into them",
            details={"to_review": random.Random(0).sample(names, wanted)},
        )
    impure = [(row, signal) for row, signal in reviewed if signal.reviewed.lower() not in PURE]
    pure = len(reviewed) - len(impure)
    return judge_share(
        pure,
        len(reviewed),
        name="reviewed rows that are pure",
        at_least=options.purity,
        summary=f"{pure:,} of {len(reviewed):,} reviewed rows are pure, of {len(held):,} rows of feedback",
        findings=[
            Finding(message=f"reviewed: {signal.reviewed}", place=row.place, row=row.id, remedy="review")
            for row, signal in impure
        ],
        details={"impure": dict(Counter(signal.reviewed.lower() for _, signal in impure).most_common(20))},
    )
