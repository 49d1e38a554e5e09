"""Slices that a curation took away: rare ones first, as near-duplicate filters do.

## What it checks
Training rows before a curation against the rows it selected. For each slice (each value of each
slice name that rows carry) it compares how many different rows there were and how many are left.
Protected are the slices that you name in `protect`, and every slice with fewer than `rare` rows: 80 %
of them must be kept, and `least` rows where there were as many. Of every other slice half must be kept.

## Why it matters
Removing near-duplicates is a sampling decision. It eats the rare and messy slices first and keeps the
cleanest phrasing, while the report says only how much smaller the set became.

## How it is measured
Rows of one content count once, so that taking out exact duplicates is no loss.
Retention of a slice = different rows selected / different rows before; both are counted in full, so
there is no sampling error and the floors are absolute. The measure is the share of slices under their
floor. The details list every slice, and bands of length (short, middle, long: thirds of the rows
before, by characters), with what was kept of it.

## When it cannot tell
When more than half of the removed rows carry no slice, or the selected rows have lost theirs, nothing
says what went away: unsure. When no row carries a slice at all, the rule is skipped.
A slice that nobody recorded cannot be protected.

## What to do
Keep up to a few rows of each cluster instead of one, give the slice to the curation as protected, or
weight its rows instead of deleting others. Then freeze again.

## References
Slyman and others 2024, "FairDeDup": plain semantic deduplication harms subgroups.
Compare the four-fifths rule of the Uniform Guidelines on Employee Selection Procedures, 1978.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict

BANDS = ("short", "middle", "long")
SHOWN = 200  # slices listed in the details, those with the lowest retention first


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of erased-slice."""

    floor: float = 0.8  # share of a protected slice, 0..1, that must be kept
    common: float = 0.5  # share of any other slice, 0..1, that must be kept
    least: int = 0  # rows that must be left of a protected slice that had as many
    rare: int = 50  # rows; slices with fewer are protected without being named
    protect: tuple[str, ...] = ()  # slices by name ("intent") or by name and value ("tone=hostile")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a curation kept of one slice, in different rows."""

    slice: str  # "name=value"
    before: int
    after: int
    lost: tuple[Row, ...] = field(compare=False)  # rows before of which nothing is left

    @property
    def retention(self) -> float:
        """Share that is left, 0..1; above 1 when rows were added."""
        return self.after / self.before


@rule(
    "DAT010",
    failure="dedup-hard-example",
    needs=("training-rows", "selected-rows"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
)
def erased_slice(given: Given, options: Options) -> Verdict:
    """Compares what is left of each protected slice with its floor."""
    before, after = given.rows("training-rows"), given.rows("selected-rows")
    named, left = _slices(before), _slices(after)
    if not named:
        return erased_slice.skipped("not given: a slice on any row, such as --columns slice.intent=category")
    survivors = {row.content_id for row in after} | {parent for row in after for parent in row.side.parents}
    kept = [_kept(name, rows, left.get(name, ()), survivors) for name, rows in named.items()]
    kept.sort(key=lambda each: (each.retention, each.slice))
    details = {
        "slices": [_described(each) | {"floor": _floor(each, options)} for each in kept[:SHOWN]],
        "lengths": [_described(each) for each in _lengths(before, survivors)],
    }
    doubt = _doubt(before, left, survivors)
    if doubt:
        return cannot_tell(summary="what the selection took away cannot be seen", reason=doubt, details=details)
    erased = [each for each in kept if _is_under(each, options)]
    return judge_share(
        len(erased),
        len(kept),
        name="slices under their floor",
        summary=_summary(erased, len(kept)),
        findings=[_finding(each, row) for each in erased for row in each.lost],
        zero_tolerance=True,
        details=details,
    )


def _doubt(before: Corpus, left: Mapping[str, Sequence[Row]], survivors: Collection[str]) -> str:
    """Why slices do not show what was removed; empty when they do."""
    removed = [row for row in before if row.content_id not in survivors and row.id not in survivors]
    bare = sum(not row.side.slices for row in removed)
    if removed and not left:
        return "the selected rows carry no slice, the rows before do"
    if 2 * bare > len(removed):
        return f"{bare:,} of {len(removed):,} removed rows carry no slice"
    return ""


def _slices(rows: Corpus) -> dict[str, list[Row]]:
    """Rows of each slice, by "name=value"."""
    held: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for name, value in row.side.slices.items():
            held[f"{name}={value}"].append(row)
    return held


def _kept(name: str, before: Sequence[Row], after: Sequence[Row], survivors: Collection[str]) -> Kept:
    lost = [row for row in before if row.content_id not in survivors and row.id not in survivors]
    return Kept(
        slice=name,
        before=len({row.content_id for row in before}),
        after=len({row.content_id for row in after}),
        lost=tuple(lost),
    )


def _floor(kept: Kept, options: Options) -> float:
    named = kept.slice in options.protect or kept.slice.partition("=")[0] in options.protect
    return options.floor if named or kept.before < options.rare else options.common


def _is_under(kept: Kept, options: Options) -> bool:
    floor = _floor(kept, options)
    too_few = floor == options.floor and kept.after < min(options.least, kept.before)
    return too_few or kept.retention < floor


def _lengths(rows: Corpus, survivors: Collection[str]) -> list[Kept]:
    """Thirds of the rows by length, as slices of their own."""
    ordered = sorted(rows, key=lambda row: len(row.text))
    cuts = [round(len(ordered) * third / len(BANDS)) for third in range(len(BANDS) + 1)]
    bands = zip(BANDS, pairwise(cuts), strict=True)
    out = []
    for band, (first, last) in bands:
        before = ordered[first:last]
        after = [row for row in before if row.content_id in survivors or row.id in survivors]
        if before:
            out.append(_kept(f"length={band}", before, after, survivors))
    return out


def _summary(erased: Sequence[Kept], slices: int) -> str:
    if not erased:
        return f"each of {slices:,} slices kept its floor"
    worst = erased[0]
    others = f" and {len(erased) - 1} more" if len(erased) > 1 else ""
    return (
        f"{len(erased):,} of {slices:,} slices fell under their floor: "
        f"{worst.slice!r} kept {worst.after} of {worst.before} rows{others}"
    )


def _finding(kept: Kept, row: Row) -> Finding:
    return Finding(
        message=f"removed from {kept.slice!r}, which kept {kept.after} of {kept.before} rows",
        place=row.place,
        row=row.id,
        slice=kept.slice,
        remedy="keep",
    )


def _described(kept: Kept) -> dict[str, Any]:
    retention = round(kept.retention, 4)
    return {"slice": kept.slice, "before": kept.before, "after": kept.after, "retention": retention}
