"""Items on which every annotator agrees, and every one is wrong.

## What it checks
Of the items to which all annotators gave the same label: how many of those with a gold label are wrong. Where
too few have one, it draws a random sample of unanimous items for a person to label, and adds the
items on which annotators are divided most: that is where a person's time tells something.

## Why it matters
Agreement stops review: nobody looks at an item on which three models agree. When they learned from the same
web, that is where their shared errors are, and no vote can show them.

## How it is measured
Share of wrong labels among unanimous items with gold, with a 95 % Wilson interval, against `tolerated`. Gold is
taken for a random sample of unanimous items: label what the rule drew, not what looked odd.

## When it cannot tell
Without gold labels on `least` unanimous items, unsure; the findings are the sample to be labelled, always the
same for the same items. Items with one label are not unanimous.

## What to do
Have a person label the sample, hand it in by `--reference`, and, where unanimous items are wrong, have an annotator of
another kind label them all.

## References
Kim and others 2025, arXiv 2506.07962: two models that both err choose the same wrong answer 60 % of the time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from headgate.rows.labels import Labels
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.stats.votes import Floats, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of unanimous-errors."""

    tolerated: float = 0.02  # share of unanimous items, 0..1, that may be wrong
    least: int = 30  # unanimous items with gold from which on something can be said
    drawn: int = 200  # unanimous items drawn for a person to label
    divided: int = 50  # divided items proposed beside them


@rule("JDG003", failure="annotator-qc", needs=("labels",), options=Options, status="stable", since="0.2")
def unanimous_errors(given: Given, options: Options) -> Verdict:
    """Counts unanimous items that gold says are wrong."""
    labels: Labels = given.get("labels")
    counts = labels.votes.first().per_item()
    total = counts.sum(axis=1)
    unanimous = np.flatnonzero((total >= 2) & (counts.max(axis=1) == total))
    said = counts.argmax(axis=1)
    known = unanimous[labels.gold[unanimous] >= 0]
    wrong = known[said[known] != labels.gold[known]]
    details = {
        "items": labels.votes.n_items,
        "unanimous": len(unanimous),
        "unanimous_with_gold": len(known),
        "divided": int(((total >= 2) & (counts.max(axis=1) < total)).sum()),
    }
    if len(known) < options.least:
        return cannot_tell(
            summary=f"whether {len(unanimous):,} unanimous items are right cannot be seen",
            reason=f"{len(known):,} of them have a gold label; needs {options.least - len(known):,} more",
            next_step="have the listed items labelled, then headgate check LABELS --reference GOLD",
            details={**details, "to_label": _to_label(labels, unanimous, counts, options)},
        )
    return judge_share(
        len(wrong),
        len(known),
        name="unanimous items that are wrong",
        at_most=options.tolerated,
        summary=f"{len(wrong):,} of {len(known):,} unanimous items with gold are wrong",
        findings=[_finding(labels, int(item), int(said[item])) for item in wrong],
        details=details,
    )


def _to_label(labels: Labels, unanimous: Integers, counts: Floats, options: Options) -> dict[str, list[str]]:
    """Items for a person: a random sample of unanimous ones, and the most divided ones."""
    open_items = [int(item) for item in unanimous if labels.gold[item] < 0]
    names = sorted(labels.items[item] for item in open_items)
    drawn = random.Random(0).sample(names, min(options.drawn, len(names)))
    total = counts.sum(axis=1)
    share = np.divide(counts.max(axis=1), total, out=np.ones_like(total), where=total > 1)
    order = [int(item) for item in np.lexsort((-total, share)) if share[item] < 1 and labels.gold[item] < 0]
    return {"unanimous": drawn, "divided": [labels.items[item] for item in order[: options.divided]]}


def _finding(labels: Labels, item: int, said: int) -> Finding:
    gold = labels.labels[labels.gold[item]]
    return Finding(
        message=f"{labels.items[item]}: all say {labels.labels[said]!r}, gold says {gold!r}",
        place=labels.item_place(item),
        row=f"item:{labels.items[item]}",
        remedy="review",
    )
