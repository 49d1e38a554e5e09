"""Training rows that were made from an evaluation item.

## What it checks
Whether a row's declared parents, or their parents, are an evaluation item: a synthetic row grown from a test
question, a note on a failed item that was turned into a row, a translation. What a row says does not matter, and
what was said of it does.

## Why it matters
Everything made from an item carries it: a model that learned ten variations of a question has learned the question.
No search through words finds a variation that changed them all, and the row itself knows where it came from.

## How it is measured
`parents` of a row name other rows by address, by content address or by their own id. From every row the parents are
walked to the root, through training rows and through rows that are known and not trained on (input
`known-rows`, such as those of a ledger). A row is tainted when the walk meets an evaluation item. The
measure is the share of tainted rows among those that name a parent; all are walked, and by default none may be.

## When it cannot tell
It believes what rows declare. A row without parents counts as a root; rows that a model wrote (`generator`) without
naming a parent are counted in `details`. A parent that nobody knows ends the walk: when that happens and no tainted
row was found, the verdict is unsure. Where no row names a parent, the rule is skipped.

## What to do
Drop the rows that are named, or retire the item they came from and write a fresh sibling. Hand the
rows that the unknown parents name along with the others.

## References
Myers and Liskov 1997, "A decentralized model for information flow control" (labels that follow what is
derived). Yang and others 2023, "Rethinking benchmark and contamination for language models with rephrased
samples", arXiv 2311.04850.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headgate.rows.row import Row
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of derived-leak."""

    tolerated: float = 0.0  # share of rows that name a parent, 0..1, that may come from an item


@dataclass(frozen=True, slots=True)
class _Walk:
    item: int  # -1: none was met
    steps: int  # generations from the row to the item
    unknown: tuple[str, ...]  # parents that nobody knows


@rule(
    "DAT016",
    failure="self-leak",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
)
def derived_leak(given: Given, options: Options) -> Verdict:
    """Walks from every row with parents to its roots."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    children = [place for place, row in enumerate(rows) if row.side.parents]
    if not children:
        return derived_leak.skipped("not given: parents of any row")
    known: dict[str, Row] = {}
    for row in (*(given.rows("known-rows") if given.has("known-rows") else ()), *rows):
        known |= dict.fromkeys(_names(row), row)
    item_of = {name: place for place in reversed(range(len(items))) for name in _names(items[place])}
    walks = {place: _walk(rows[place], known, item_of) for place in children}
    tainted = {place: walk for place, walk in walks.items() if walk.item >= 0}
    lost = {name for walk in walks.values() for name in walk.unknown}
    details = {
        "rows_with_parents": len(children),
        "unknown_parents": len(lost),
        "written_by_a_model_without_parents": sum(bool(row.side.generator) and not row.side.parents for row in rows),
        "deepest": max((walk.steps for walk in tainted.values()), default=0),
    }
    verdict = judge_share(
        len(tainted),
        len(children),
        name="rows made from an item",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(tainted), len(children), len({walk.item for walk in tainted.values()})),
        findings=[_finding(rows[place], items[walk.item], walk) for place, walk in tainted.items()],
        details=details,
    )
    if lost and verdict.outcome is not Outcome.FAIL:
        return cannot_tell(
            summary=f"{len(lost):,} parents of training rows are known to nobody",
            reason=f"the walk ends at {', '.join(sorted(lost)[:3])}{' and others' * (len(lost) > 3)}",
            next_step="hand the rows that are named as parents along with the others",
            details=details,
        )
    return verdict


def _names(row: Row) -> Iterable[str]:
    return (name for name in (row.id, row.content_id, row.side.id) if name)


def _walk(row: Row, known: dict[str, Row], item_of: dict[str, int]) -> _Walk:
    """Breadth first, so that the nearest item is the one that is named."""
    seen, unknown, steps = set[str](), list[str](), 0
    reached: list[str] = list(row.side.parents)
    while reached:
        steps += 1
        following: list[str] = []
        for name in reached:
            if name in seen:
                continue
            seen.add(name)
            if name in item_of:
                return _Walk(item_of[name], steps, ())
            if name in known:
                following += known[name].side.parents
            else:
                unknown.append(name)
        reached = following
    return _Walk(-1, steps, tuple(unknown))


def _finding(row: Row, item: Row, walk: _Walk) -> Finding:
    which = f"evaluation item {walk.item + 1}"
    way = "as its parents say" if walk.steps == 1 else f"through {walk.steps - 1} other rows"
    way = "through another row" if walk.steps == 2 else way
    return Finding(
        message=f"was made from {which}, {way}",
        place=row.place,
        row=row.id,
        other=item.place,
        other_row=item.id,
        remedy="drop",
    )


def _summary(tainted: int, judged: int, items: int) -> str:
    if not tainted:
        return f"none of {judged:,} rows that name a parent comes from an evaluation item"
    from_items = "1 evaluation item" if items == 1 else f"{items:,} evaluation items"
    return f"{tainted:,} of {judged:,} rows that name a parent come from {from_items}"
