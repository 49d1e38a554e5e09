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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.descent import Bearers, Family, Parents, names_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Findings, Outcome, Verdict


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
    asks=(Parents,),
)
def derived_leak(given: Given, options: Options) -> Verdict:
    """Walks from every row with parents to its roots."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    family: Family = rows.ask(Parents())
    if not family.children:
        return derived_leak.skipped("not given: parents of any row")
    item_of = {name: place for place in reversed(range(len(items))) for name in names_of(items[place])}
    known = _known(given, family)
    walks = {
        place: _walk(parents, known, item_of) for place, parents in zip(family.children, family.parents, strict=True)
    }
    tainted = {place: walk for place, walk in walks.items() if walk.item >= 0}
    lost = {name for walk in walks.values() for name in walk.unknown}
    details = {
        "rows_with_parents": len(family.children),
        "unknown_parents": len(lost),
        "written_by_a_model_without_parents": family.written_alone,
        "deepest": max((walk.steps for walk in tainted.values()), default=0),
    }
    verdict = judge_share(
        len(tainted),
        len(family.children),
        name="rows made from an item",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(tainted), len(family.children), len({walk.item for walk in tainted.values()})),
        findings=_findings(rows, items, tainted),
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


def _known(given: Given, family: Family) -> dict[str, tuple[str, ...]]:
    """The parents of whatever is named: of rows that are known, and of training rows."""
    known: dict[str, tuple[str, ...]] = {}
    for row in given.rows("known-rows") if given.has("known-rows") else ():
        known |= dict.fromkeys(names_of(row), row.side.parents)
    parents = dict(zip(family.children, family.parents, strict=True))
    bearers: list[tuple[int, str]] = given.rows("training-rows").ask(Bearers.named(family.names))
    return known | {name: parents.get(place, ()) for place, name in bearers}


def _walk(parents: Iterable[str], known: Mapping[str, Iterable[str]], item_of: Mapping[str, int]) -> _Walk:
    """Breadth first, so that the nearest item is the one that is named."""
    seen, unknown, steps = set[str](), list[str](), 0
    reached = list(parents)
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
                following += known[name]
            else:
                unknown.append(name)
        reached = following
    return _Walk(-1, steps, tuple(unknown))


def _findings(rows: Corpus, items: Corpus, tainted: Mapping[int, _Walk]) -> Findings:
    walks = list(tainted.values())
    places = np.array(list(tainted), dtype=np.int64)

    def made(position: int) -> Finding:
        walk = walks[position]
        return _finding(rows[int(places[position])], items[walk.item], walk)

    return findings_of(rows, places, made, ["drop"])


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
