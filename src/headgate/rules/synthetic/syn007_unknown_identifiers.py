"""Identifiers in the answers that no registry of real ones has.

## What it checks
Every identifier of an answer is looked up in a registry (`--registry`): addresses on the web, DOIs and mail, names
of functions and modules, product and part codes, statutes and cases, papers by author and year, quoted titles.
One that resembles an entry is a near miss; one that resembles none is not in the registry. Names of people and
things are looked up for near misses only. What the row's own prompt says is no invention of the answer.

## Why it matters
An invented endpoint or case number reads as well as a real one. A model that is trained on some learns that
names are made up where they are wanted, and whoever looks for them finds nothing.

## How it is measured
Share of answers with identifiers of which one is not in the registry, against `tolerated`, by the 95 % Wilson
interval. A near miss is one edit from an entry, has its parts in another order, other digits, or another ending.
It is a rule beside `ungrounded-facts` because a registry says what exists and a source what is true of one row:
each can be had without the other, and a list of part numbers holds no numbers to look up.

## When it cannot tell
Of kinds, packages and shapes of codes that the registry does not have it says nothing, except of near misses. A real
identifier in the wrong place is known: see `unsupported-sentences`. An invention that is a whole part of an entry is
known as well. A registry that lacks real identifiers makes them look invented. Under `least` answers, unsure.

## What to do
Drop rows with invented identifiers; put a near miss right by the entry that it resembles. Add what is real to the list.

## References
Patil and others 2023, "Gorilla", count a called name that is in no documentation as an invention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.given import Given
from headgate.rules.identified import Identified, InRegistry, Strange, Unknown
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Findings, Verdict
from headgate.text.identifiers import KINDS, NAME
from headgate.text.registry import Registry

REGISTRY = "registry"
QUOTED = 3  # identifiers that a finding names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of unknown-identifiers."""

    tolerated: float = 0.02  # share of answers with identifiers, 0..1, that may hold one that is not in the registry
    kinds: tuple[str, ...] = (*KINDS, NAME)  # kinds of identifiers to look up
    least: int = 50  # answers with identifiers from which on something can be said


@rule(
    "SYN007",
    failure="domain-synthetic",
    needs=("training-rows", REGISTRY),
    options=Options,
    level="warn",
    status="stable",
    since="0.3",
    asks=(),
)
def unknown_identifiers(given: Given, options: Options) -> Verdict:
    """Looks every identifier of an answer up in a registry of real ones."""
    rows = given.rows("training-rows")
    registry: Registry = given.get(REGISTRY)
    found: Identified = rows.ask(InRegistry.among(registry, tuple(options.kinds)))
    strange = [one for each in found.unknown for one in each.strange]
    details = {
        "entries": len(registry),
        "answers_with_identifiers": found.held,
        "identifiers": found.looked_up,
        "near_misses": sum(bool(one.resembles) for one in strange),
        "not_in_registry": sum(not one.resembles for one in strange),
    }
    if found.held < options.least:
        return cannot_tell(
            summary="identifiers cannot be looked up",
            reason=f"{found.held:,} of {len(rows):,} answers hold an identifier of a kind that the registry has; "
            f"needs {options.least:,}",
            details=details,
        )
    return judge_share(
        len(found.unknown),
        found.held,
        name="answers with an identifier that is not in the registry",
        at_most=options.tolerated,
        summary=_summary(found, rows, details),
        findings=_findings(rows, found.unknown),
        details=details,
    )


def _summary(found: Identified, rows: Corpus, details: Mapping[str, int]) -> str:
    if not found.unknown:
        return f"each of {found.looked_up:,} identifiers in {found.held:,} answers is in the registry"
    first = found.unknown[0]
    one = first.strange[0]
    quote = rows[first.row].answer_text[one.start : one.end]
    kinds = f"{details['not_in_registry']:,} unknown identifiers and {details['near_misses']:,} near misses"
    return f"{len(found.unknown):,} of {found.held:,} answers hold {kinds}, such as {quote!r}"


def _findings(rows: Corpus, unknown: Sequence[Unknown]) -> Findings:
    places = np.array([one.row for one in unknown], dtype=np.int64)
    return findings_of(rows, places, lambda position: _finding(unknown[position], rows), ["drop", "review"])


def _finding(one: Unknown, rows: Corpus) -> Finding:
    row = rows[one.row]
    told = "; ".join(_told(strange, row.answer_text) for strange in one.strange[:QUOTED])
    more = f"; and {len(one.strange) - QUOTED} more" if len(one.strange) > QUOTED else ""
    remedy = "drop" if one.invented else "review"
    return Finding(message=f"{told}{more}", place=row.place, row=row.id, remedy=remedy)


def _told(one: Strange, answer: str) -> str:
    quote = repr(answer[one.start : one.end])
    if not one.resembles:
        return f"{quote} is not in the registry"
    return f"{quote} is a near miss of {one.resembles!r} ({one.how})"
