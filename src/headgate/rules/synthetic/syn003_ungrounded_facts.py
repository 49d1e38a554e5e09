"""Numbers and identifiers in the answers that no source has.

## What it checks
Every number and every identifier (API path, model or part number, case number, address on the web) of
an answer is looked up: numbers in the row's own source, identifiers in all sources. A row's source is the
reference row (`--reference`) that its `group` or `parents` name; without one, all reference rows. What the
row's own system and user turns say always counts as a source.

## Why it matters
Synthetic rows about a domain keep the fluency and lose the facts: an invented endpoint, a dose from
another drug. The model learns that inventing is what the house does, and a judge that reads for style sees nothing.

## How it is measured
Share of answers with facts that hold at least one that no source has, against `tolerated`, by the 95 %
Wilson interval. Whole numbers up to ten, numbers of lists, and numbers that follow an equals sign are not
looked up. A finding names the fact and, for identifiers, the known one that it resembles.

## When it cannot tell
Numbers that were worked out ("so 14 of 20, that is 70 %") are not in any source and look invented: use the
rule where answers restate sources. A fact of the wrong row of the right source, a wrong name in plain words
and a false sentence of true words are not seen. Without sources, or under `least` answers with facts, unsure.

## What to do
Drop the row, or mend the fact where the finding names what was meant. Name the source of every synthetic row.

## References
Typed extraction as in Min and others 2023, "FActScore", reduced to what can be looked up without a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rules.answers import Grounding, LookedUp, Ungrounded
from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Findings, Verdict

QUOTED = 3  # facts that a finding names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of ungrounded-facts."""

    tolerated: float = 0.02  # share of answers with facts, 0..1, that may hold one without a source
    numbers: bool = True  # whether numbers are looked up
    least: int = 50  # answers with facts from which on something can be said


@rule(
    "SYN003",
    failure="domain-synthetic",
    needs=("training-rows", "reference-rows"),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
    asks=(),
)
def ungrounded_facts(given: Given, options: Options) -> Verdict:
    """Looks every number and identifier of an answer up in its sources."""
    rows = given.rows("training-rows")
    grounding: Grounding = rows.ask(LookedUp.among(given.rows("reference-rows"), numbers=options.numbers))
    held, looked_up, found = grounding.held, grounding.facts, grounding.ungrounded
    details = {
        "answers_with_facts": held,
        "facts": looked_up,
        "numbers_without_source": sum(fact.kind == "number" for one in found for fact in one.facts),
        "identifiers_without_source": sum(fact.kind == "identifier" for one in found for fact in one.facts),
        "near_misses": sum(len(one.meant) for one in found),
    }
    if held < options.least:
        return cannot_tell(
            summary="facts cannot be looked up",
            reason=f"{held:,} of {len(rows):,} answers hold a number or an identifier; needs {options.least:,}",
            details=details,
        )
    return judge_share(
        len(found),
        held,
        name="answers with a fact that no source has",
        at_most=options.tolerated,
        summary=_summary(found, held, rows, details),
        findings=_findings(rows, found),
        details=details,
    )


def _summary(found: Sequence[Ungrounded], held: int, rows: Corpus, details: Mapping[str, int]) -> str:
    if not found:
        return f"each of {details['facts']:,} facts in {held:,} answers has a source"
    first = found[0].facts[0]
    quote = rows[found[0].row].answer_text[first.start : first.end]
    return f"{len(found):,} of {held:,} answers hold a fact that no source has, such as {quote!r}"


def _findings(rows: Corpus, found: Sequence[Ungrounded]) -> Findings:
    places = np.array([one.row for one in found], dtype=np.int64)
    return findings_of(rows, places, lambda position: _finding(found[position], rows), ["review"])


def _finding(one: Ungrounded, rows: Corpus) -> Finding:
    row = rows[one.row]
    quotes = ", ".join(repr(row.answer_text[fact.start : fact.end]) for fact in one.facts[:QUOTED])
    more = f" and {len(one.facts) - QUOTED} more" if len(one.facts) > QUOTED else ""
    meant = f"; near to {', '.join(map(repr, one.meant[:QUOTED]))}" if one.meant else ""
    return Finding(message=f"no source has {quotes}{more}{meant}", place=row.place, row=row.id, remedy="review")
