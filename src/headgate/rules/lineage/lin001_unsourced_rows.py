"""Rows of which nobody can say where they came from, under which terms, or whom they are about.

## What it checks
Training rows without a source, without a licence, or without a subject key.
The licence of a row may stand on the row or be claimed for its source; `NOASSERTION`, `unknown` and
`none` are no licence. A subject key is not needed where a consent claim in force covers the whole
source (all of it was written by staff, say), nor with `subject = false`.

## Why it matters
When a person withdraws, or a licence changes, the question is which rows and which adapters. A row
without these facts cannot be found again, so it can be neither taken out nor defended.

## How it is measured
Every row is looked at. The measure is the share of rows that lack a fact, with a 95 % Wilson
interval; none is tolerated unless `tolerated` says so. The details count what is lacking, by source.

## When it cannot tell
With no rows there is nothing to judge: unsure. Whether a stated licence is true is another question;
this rule reads what is written down.

## What to do
Name source and licence when the rows are brought in (`headgate capture`), map the column that holds
the subject (`--columns subject=customer`), or claim consent for the whole source.

## References
Longpre and others 2024, "A large-scale audit of dataset licensing and attribution in AI", Nature
Machine Intelligence: over 70 % of licences missing. SPDX 3 on NOASSERTION.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import findings_of
from headgate.rules.given import Claims, Given
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict

NO_LICENCE = frozenset({"", "noassertion", "unknown", "none", "n/a", "other"})


TYPES = {list: "a list", dict: "an object", bool: "true or false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of unsourced-rows."""

    tolerated: float = 0.0  # share of rows, 0..1, that may lack a fact
    licence: bool = True  # whether a licence is needed
    subject: bool = True  # whether a subject key is needed where no consent covers the source


def terms_of(row: Row) -> tuple[Any, ...]:
    """Source and licence of a row, and whether it names a subject."""
    return row.side.source, row.side.licence, bool((row.side.subject or "").strip())


@rule(
    "LIN001",
    failure="provenance",
    needs=("training-rows",),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(terms_of,),
)
def unsourced_rows(given: Given, options: Options) -> Verdict:
    """Counts rows that lack a source, a licence or a subject."""
    rows = given.rows("training-rows")
    claims: Claims | None = given.get("claims")
    terms = rows.coded(terms_of)
    missing = [tuple(_missing(told, claims, options)) for told in terms.values]
    lacking: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for told, names, count in zip(terms.values, missing, terms.counts, strict=True):
        if names and count:
            lacking.update(dict.fromkeys(names, count))
            sources[told[0] or "no source"] += count
    lost = np.fromiter(map(bool, missing), dtype=bool, count=len(missing))
    places = np.flatnonzero(lost[terms.codes]) if len(missing) else np.zeros(0, dtype=np.int64)

    def made(position: int) -> Finding:
        row, names = rows[int(places[position])], missing[terms.codes[places[position]]]
        told = [f"no {name}" + _other_type(row, name) for name in names]
        return Finding(message=", ".join(told), place=row.place, row=row.id, remedy="review")

    findings = findings_of(rows, places, made, ["review"])
    return judge_share(
        len(findings),
        len(rows),
        name="rows that lack source, licence or subject",
        at_most=options.tolerated,
        summary=_summary(len(findings), len(rows), lacking),
        findings=findings,
        zero_tolerance=options.tolerated == 0.0,
        details={"lacking": dict(_ranked(lacking)), "by_source": dict(_ranked(sources))},
    )


def _other_type(row: Row, name: str) -> str:
    """What stands there instead of a text, such as the keys of two people."""
    kind = TYPES.get(type(row.side.extra.get(name)))
    return f" ({kind} stands there; wanted: one text)" if kind else ""


def _missing(told: tuple[Any, ...], claims: Claims | None, options: Options) -> Iterator[str]:
    """What rows of these terms lack."""
    source, licence, subject = (told[0] or "").strip(), told[1], told[2]
    about = f"source:{source}"
    if not source:
        yield "source"
    if options.licence:
        claimed = claims.value(about, "licence") if claims and source else None
        if not (_is_licence(licence) or _is_licence(claimed)):
            yield "licence"
    if options.subject and not subject:
        covered = claims is not None and bool(source) and claims.value(about, "consent") is not None
        if not covered:
            yield "subject"


def _is_licence(value: object) -> bool:
    return value is not None and str(value).strip().lower() not in NO_LICENCE


def _summary(hits: int, of: int, lacking: Counter[str]) -> str:
    if not of:
        return "there are no rows"
    if not hits:
        return f"each of {of:,} rows has what is needed to find it again"
    parts = ", ".join(f"{count:,} without {name}" for name, count in _ranked(lacking))
    return f"{hits:,} of {of:,} rows cannot be traced: {parts}"


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first; ties by name, so that the order of the rows does not show."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
