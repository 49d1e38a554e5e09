"""The same conversation, person or document on both sides of the split.

## What it checks
Whether evaluation items are tied to training rows by what they come from: the same conversation, the
same subject or user, the same group (document, thread, template). Ties chain: a user who wrote in a
conversation ties every row of both. With `opening_turn` rows of several user turns that open with the
same words count as one conversation, as in preference data where each turn became a row.

## Why it matters
Rows of one conversation repeat its facts, names and turns of phrase. A model that has learned one half
knows the other; the score says how well it remembers these people and not how well it serves new ones.

## How it is measured
Rows and items are nodes; a shared conversation, group or person (subject and user are one kind of key)
joins them. An item leaks when its connected component holds a training row. The measure is the share
of leaking items among the items that carry a key, with a 95 % Wilson interval. All items are looked at;
by default none may leak.

## When it cannot tell
Only keys are compared, as they stand: one person under two keys is not seen, and a key that every row
carries ties everything. When fewer than half (`keyed`) of the items or of the training rows carry a key
and no leak was found, the verdict is unsure. `details` says which keys were there.

## What to do
Split again by component: `headgate curate` keeps conversations, persons and groups on one side. Or
drop the training rows that are named here, or retire the items.

## References
Roberts and others 2017, "Cross-validation strategies for data with temporal, spatial, hierarchical, or
phylogenetic structure", Ecography 40. Bai and others 2022, "Training a helpful and harmless assistant",
whose pairs share opening turns (264 of 2,312 rows of the harmless test set share theirs with another row).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.corpus import KEYS, OPENING, Corpus, Keys, findings_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Outcome, Verdict
from headgate.text.clusters import components

PERSONS = ("subject", "user")  # the one who typed here may be the subject there: both are persons


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of group-leak."""

    tolerated: float = 0.0  # share of evaluation items, 0..1, that may be tied to a training row
    keyed: float = 0.5  # share of items and of rows, 0..1, that must carry a key before a pass
    opening_turn: bool = False  # whether rows that open with the same user turn are one conversation
    opening_words: int = 8  # words; a shorter opening ("Hi, I need help") ties nothing


@rule(
    "DAT008",
    failure="continuous-contamination",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(KEYS,),
)
def group_leak(given: Given, options: Options) -> Verdict:
    """Looks for components that hold training rows and evaluation items."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    opening = options.opening_words if options.opening_turn else None
    ours, theirs = rows.keys(opening), items.keys(opening)
    train = len(rows)
    labels = _labels(ours, theirs)
    keyed_rows, keyed_items = int(ours.keyed.sum()), int(theirs.keyed.sum())
    of_rows, of_items = labels[:train], labels[train:]
    leaking = np.flatnonzero(np.isin(of_items, of_rows))
    places = np.flatnonzero(np.isin(of_rows, of_items))
    tied = _ties(ours, theirs, places)
    through = {int(label): item for item, label in reversed(list(enumerate(of_items.tolist())))}
    ties = Counter(tie or "through other rows" for tie, _ in tied)

    def made(position: int) -> Finding:
        row, (tie, item) = int(places[position]), tied[position]
        return _finding(tie, rows[row], items, item if tie else through[int(of_rows[row])])

    findings = findings_of(rows, places, made, {"drop" if tie else "review" for tie, _ in tied})
    details = {
        "ties": dict(ties.most_common()),
        "training_rows_with_a_key": keyed_rows,
        "items_with_a_key": keyed_items,
        "mixed_components": len(np.intersect1d(of_rows, of_items)),
    }
    verdict = judge_share(
        len(leaking),
        keyed_items,
        name="items tied to training rows",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(leaking), keyed_items, ties),
        findings=findings,
        next_step="split again by conversation, person and group: headgate curate" if len(leaking) else "",
        details=details,
    )
    if verdict.outcome is not Outcome.FAIL and _few(keyed_rows, train, keyed_items, len(items), options.keyed):
        reason = f"{keyed_items:,} of {len(items):,} items and {keyed_rows:,} of {train:,} training rows carry a key"
        step = "map a column: --columns conversation=..., subject=..., group=..."
        return cannot_tell(
            summary="too few rows say what they belong to", reason=reason, next_step=step, details=details
        )
    return verdict


def _labels(ours: Keys, theirs: Keys) -> NDArray[np.int64]:
    """The component of each row, then of each item: its least member. The first with a key is tied to all others."""
    left, right = [], []
    for kinds in (("conversation",), ("group",), PERSONS, (OPENING,)):
        hashes, nodes = [], []
        for keys, first in ((ours, 0), (theirs, ours.count)):
            for name in kinds:
                own = keys.hashes.get(name, np.zeros(0, dtype=np.uint64))
                held = np.flatnonzero(own)
                hashes.append(own[held])
                nodes.append(held + first)
        values, members = np.concatenate(hashes), np.concatenate(nodes)
        order = np.lexsort((members, values))
        values, members = values[order], members[order]
        heads = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else members
        left.append(np.repeat(members[heads], np.diff(np.append(heads, len(members)))))
        right.append(members)
    return components(ours.count + theirs.count, np.concatenate(left), np.concatenate(right))


def _ties(ours: Keys, theirs: Keys, places: NDArray[np.int64]) -> list[tuple[str, int]]:
    """For each place of a row, the first of its keys that an item has, and the first such item."""
    found: dict[str, dict[int, int]] = {}
    for name in theirs.names:
        held = [
            theirs.hashes[one].tolist() for one in (PERSONS if name in PERSONS else (name,)) if one in theirs.hashes
        ]
        first = found.setdefault(name, {})
        for item, values in enumerate(zip(*held, strict=True)):
            for value in values:
                if value:
                    first.setdefault(value, item)
    keys = [(name, ours.hashes[name][places].tolist()) for name in theirs.names if name in ours.hashes]
    out = []
    for at in range(len(places)):
        direct = ((name, found[name][values[at]]) for name, values in keys if values[at] in found[name])
        out.append(next(direct, ("", -1)))
    return out


def _finding(tie: str, row: Row, items: Corpus, item: int) -> Finding:
    which = f"evaluation item {item + 1}"
    message = f"same {tie} as {which}" if tie else f"tied to {which} through other rows"
    remedy = "drop" if tie else "review"
    other = items[item]
    return Finding(message=message, place=row.place, row=row.id, other=other.place, other_row=other.id, remedy=remedy)


def _few(rows_keyed: int, rows: int, items_keyed: int, items: int, share: float) -> bool:
    return not items_keyed or not rows_keyed or items_keyed < share * items or rows_keyed < share * rows


def _summary(leaking: int, keyed: int, ties: Counter[str]) -> str:
    if not leaking:
        return f"none of {keyed:,} evaluation items shares a conversation, person or group with the training rows"
    kinds = ", ".join(f"{tie} ({count:,} rows)" for tie, count in ties.most_common())
    return f"{leaking:,} of {keyed:,} evaluation items are tied to training rows: {kinds}"
