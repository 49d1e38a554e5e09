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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Outcome, Verdict
from headgate.text.clusters import components
from headgate.text.ngrams import exact_hashes
from headgate.text.tape import tape_of

OPENING = "opening turn"


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
)
def group_leak(given: Given, options: Options) -> Verdict:
    """Looks for components that hold training rows and evaluation items."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    keys = [*_keys(rows, options), *_keys(items, options)]
    train = len(rows)
    labels = _labels(keys)
    keyed_rows, keyed_items = sum(map(bool, keys[:train])), sum(map(bool, keys[train:]))
    first_item: dict[int, int] = {}
    for item in range(len(items)):
        first_item.setdefault(labels[train + item], item)
    training = set(labels[:train])
    leaking = [item for item in range(len(items)) if labels[train + item] in training]
    direct = _direct(keys[train:])
    findings, ties = [], Counter[str]()
    for row in range(train):
        if labels[row] not in first_item:
            continue
        tie, item = next(((k, direct[k, v]) for k, v in keys[row].items() if (k, v) in direct), ("", -1))
        ties[tie or "through other rows"] += 1
        findings.append(_finding(tie, rows[row], items, item if tie else first_item[labels[row]]))
    details = {
        "ties": dict(ties.most_common()),
        "training_rows_with_a_key": keyed_rows,
        "items_with_a_key": keyed_items,
        "mixed_components": len(training & set(labels[train:])),
    }
    verdict = judge_share(
        len(leaking),
        keyed_items,
        name="items tied to training rows",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(leaking), keyed_items, ties),
        findings=tuple(findings),
        next_step="split again by conversation, person and group: headgate curate" if leaking else "",
        details=details,
    )
    if verdict.outcome is not Outcome.FAIL and _few(keyed_rows, train, keyed_items, len(items), options.keyed):
        reason = f"{keyed_items:,} of {len(items):,} items and {keyed_rows:,} of {train:,} training rows carry a key"
        step = "map a column: --columns conversation=..., subject=..., group=..."
        return cannot_tell(
            summary="too few rows say what they belong to", reason=reason, next_step=step, details=details
        )
    return verdict


def _keys(corpus: Corpus, options: Options) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = [dict(_own(row)) for row in corpus]
    if not options.opening_turn:
        return keys
    openings = [_opening(row) for row in corpus]
    tape = tape_of(openings)
    for key, digest, words in zip(keys, exact_hashes(tape).tolist(), tape.lengths.tolist(), strict=True):
        if words >= options.opening_words:
            key[OPENING] = str(digest)
    return keys


def _own(row: Row) -> Iterator[tuple[str, str]]:
    side = row.side
    for name, value in (
        ("conversation", side.conversation),
        ("group", side.group),
        ("subject", side.subject),
        ("user", side.user),
    ):
        if value:
            yield name, value


def _opening(row: Row) -> str:
    said = [message.content for message in row.messages if message.role == "user"]
    return said[0] if len(said) > 1 else ""


def _kind(name: str) -> str:
    # The one who typed here may be the subject there: both are persons.
    return "person" if name in ("subject", "user") else name


def _labels(keys: Sequence[Mapping[str, str]]) -> list[int]:
    seen: dict[tuple[str, str], int] = {}
    left, right = [], []
    for node, own in enumerate(keys):
        for name, value in own.items():
            left.append(seen.setdefault((_kind(name), value), node))
            right.append(node)
    pairs = np.array([left, right], dtype=np.int64)
    return [int(label) for label in components(len(keys), pairs[0], pairs[1])]


def _direct(keys: Sequence[Mapping[str, str]]) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for item, own in enumerate(keys):
        for name, value in own.items():
            for alias in ("subject", "user") if _kind(name) == "person" else (name,):
                found.setdefault((alias, value), item)
    return found


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
