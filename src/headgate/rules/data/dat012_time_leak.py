"""Training rows from after the evaluation.

## What it checks
Whether training rows were created later than the evaluation items of their group: the model then learned from the
future of what it is asked. With `cutoff`, also whether items are older than what the base model was trained on.

## Why it matters
In use a model meets what comes after its training. Rows from after an item hold its outcome, the reply to
the same outage, the price that was asked for, and the score says how well the model remembers instead of how well it
foresees. A random split of dated rows has this leak in nearly every group.

## How it is measured
A row's time is `created_at`, or the latest of it and of the further dates that `also` names (when a label was
given, say). A group is what a row belongs to (`by`: its group, or else its conversation or subject; all rows
without one are one group). An item leaks when a training row of its group was created more than `gap` days after
it. A negative gap asks for a pause: with -7, training has to end a week before the evaluation begins. The measure is
the share of dated items that leak, with a 95 % Wilson interval; all are looked at, and by default none may. A date
without a time stands for the whole day, so that two rows of one day are no inversion.

## When it cannot tell
Rows and items without a date, or with one that is not ISO 8601, are counted in `details`. When fewer than `dated` of
the items or of the training rows have a date and no leak was found, the verdict is unsure; without any date on
either side the rule is skipped. A date that says when a row was exported says nothing about its words.

## What to do
Split by time: train on what is older than the oldest item of each group, less a gap as long as a case takes to
settle. Or take newer items.

## References
Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in machine-learning-based science", Patterns 4
(temporal leakage). Roberts and others 2017, "Cross-validation strategies for data with temporal, spatial,
hierarchical, or phylogenetic structure", Ecography 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from headgate.kit.errors import Refused
from headgate.rules.dates import DATED, DAY, MICROSECOND, MISSING, UNREADABLE, Created, Dated, moment_of
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Outcome, Verdict

WAYS = ("group", "conversation", "subject", "source", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of time-leak."""

    tolerated: float = 0.0  # share of dated evaluation items, 0..1, that may have later training rows
    gap: float = 0.0  # days by which a training row may be later than an item of its group; below 0: must be earlier
    by: str = "group"  # group (or else conversation, or subject), conversation, subject, source, all, or slice.NAME
    also: tuple[str, ...] = ()  # further dates of a training row, such as labelled_at
    cutoff: str = ""  # date up to which the base model knows the world; items before it leak; empty: not asked
    dated: float = 0.9  # share of items and of rows, 0..1, that must have a date before a pass


@rule(
    "DAT012",
    failure="continuous-contamination",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
    asks=(Created,),
)
def time_leak(given: Given, options: Options) -> Verdict:
    """Compares the latest training rows of each group with its items."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    if options.by not in WAYS and not options.by.startswith("slice."):
        raise Refused("no such way to group", found=repr(options.by), wanted=", ".join(WAYS) + " or slice.NAME")
    trained: Dated = rows.ask(Created.of(options))
    asked: Dated = items.ask(Created(options.by))
    if not trained.known.any() or not asked.known.any():
        return time_leak.skipped("not given: created_at on " + ("any row" if asked.known.any() else "any item"))
    latest = _latest(trained, asked)
    gap, cutoff = timedelta(days=options.gap) // MICROSECOND, moment_of(options.cutoff) if options.cutoff else None
    late: dict[int, int] = {}
    older = []
    for item in np.flatnonzero(asked.known).tolist():
        row = latest.get(int(asked.groups[item]))
        if row is not None and trained.first[row] > asked.last[item] + gap:
            late[item] = row
        elif cutoff is not None and asked.last[item] < cutoff:
            older.append(item)
    rows.fetch(late.values())
    findings = [_later(rows, items, item, row, trained, asked) for item, row in late.items()]
    findings += [_older(items, item, options.cutoff) for item in older]
    details = {
        "items_with_later_rows": len(late),
        "items_before_the_cutoff": len(older),
        "rows_after_the_first_item": int((trained.first[trained.known] > asked.last[asked.known].min() + gap).sum()),
        "without_a_date": {"rows": trained.count(MISSING), "items": asked.count(MISSING)},
        "with_an_unreadable_date": {"rows": trained.count(UNREADABLE), "items": asked.count(UNREADABLE)},
    }
    verdict = judge_share(
        len(late) + len(older),
        asked.count(DATED),
        name="items with later training rows",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(late), len(older), asked.count(DATED)),
        findings=findings,
        next_step="split by time: train on what is older than the items" if late else "",
        details=details,
    )
    few = _few((asked, items, "items"), (trained, rows, "training rows"), share=options.dated)
    if few and verdict.outcome is not Outcome.FAIL:
        return cannot_tell(
            summary="too few rows say when they were created",
            reason=" and ".join(few),
            next_step="map a column: --columns created_at=...",
            details=details,
        )
    return verdict


def _few(*sides: tuple[Dated, Corpus, str], share: float) -> list[str]:
    return [
        f"{dates.count(DATED):,} of {len(corpus):,} {name} have a date that can be read"
        for dates, corpus, name in sides
        if dates.count(DATED) < share * len(corpus)
    ]


def _latest(trained: Dated, asked: Dated) -> dict[int, int]:
    """The latest row of each group that has items; the first of them in the file where several are."""
    there = np.flatnonzero(trained.known & np.isin(trained.groups, asked.groups[asked.known]))
    order = there[np.lexsort((there, -trained.first[there], trained.groups[there]))]
    groups = trained.groups[order]
    heads = order[np.append(True, groups[1:] != groups[:-1])] if len(order) else order
    return dict(zip(trained.groups[heads].tolist(), heads.tolist(), strict=True))


def _later(rows: Corpus, items: Corpus, item: int, row: int, trained: Dated, asked: Dated) -> Finding:
    days = int(trained.first[row] - asked.last[item]) / DAY
    return Finding(
        message=f"is {_length(days)} later than evaluation item {item + 1} of its group",
        place=rows[row].place,
        row=rows[row].id,
        other=items[item].place,
        other_row=items[item].id,
        remedy="review",
    )


def _older(items: Corpus, item: int, cutoff: str) -> Finding:
    message = f"evaluation item {item + 1} is older than what the base knows (up to {cutoff})"
    return Finding(message=message, other=items[item].place, other_row=items[item].id, remedy="review")


def _length(days: float) -> str:
    if abs(days) < 1:
        return f"{days * 24:.1f} hours"
    return f"{days:,.0f} days" if abs(days) >= 1.5 else "a day"


def _summary(late: int, older: int, dated: int) -> str:
    known = f"{older:,} are older than the cut-off of the base" if older else ""
    if not late:
        first = f"no training row is later than the items of its group ({dated:,} dated items)"
        return f"{first}; {known}" if known else first
    first = f"{late:,} of {dated:,} dated evaluation items have later training rows in their group"
    return f"{first}; {known}" if known else first
