"""Rows that were polished or distilled and are less factual than their originals.

## What it checks
Each row is held against what it was rewritten from (`--before`): the row that its `parents` name, whose id it has,
or, if only one fits, of the same conversation or prompt. Two scores are compared by pairs and never mixed: factuality,
and how well formed the text is. With `--reference`, both sides are held against their sources; without, the original
counts as true.

## Why it matters
Rewriting makes rows more fluent and less true: numbers are rounded, names replaced, reservations dropped. A score that
reads for style goes up while the facts go down, and whoever looks at that score releases the worse set.

## How it is measured
Factuality of an original is the share of its facts (quantities, identifiers, names that are no words) that sources bear
out. That of a row is its facts that are borne out, over these, those it invented and those of the original it
lost. Well-formedness is the mean share of sentences that begin and end as such, words spelt right, and words that do
not repeat. The verdict is on factuality: not more than `margin` lower, by the interval of paired differences, clustered
by original; the summary says what fluency did meanwhile.

## When it cannot tell
Rows without an original, and pairs without facts on both sides, are left out and counted. Facts that were put in other
words (a third for 33 %, a decade for 10 years) count as lost and as invented. Well-formedness says nothing of style. A
summary loses facts on purpose: set `lost` to false. Under `least` pairs, unsure.

## What to do
Drop the rows with invented facts and keep their originals; tell the rewriter to keep every number and name.

## References
Paired comparison with cluster-robust errors as in Miller 2024, "Adding Error Bars to Evals".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.given import Given
from headgate.rules.originals import BesideOriginals, Changed, Rewritten
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_difference
from headgate.stats.paired import PairedComparison, compare_paired
from headgate.stats.verdict import Finding, Findings, Verdict

BEFORE = "before-rows"
QUOTED = 3  # facts that a finding names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of lost-facts."""

    margin: float = 0.02  # factuality, 0..1, that rewriting may cost
    lost: bool = True  # whether facts of the original that are gone count, or only invented ones
    least: int = 50  # pairs with facts from which on something can be said


@rule(
    "SYN009",
    failure="domain-synthetic",
    needs=("training-rows", BEFORE),
    options=Options,
    level="warn",
    status="trial",
    since="0.3",
    asks=(),
)
def lost_facts(given: Given, options: Options) -> Verdict:
    """Compares rows with their originals: factuality and fluency, each by pairs."""
    rows = given.rows("training-rows")
    reference = given.rows("reference-rows") if given.has("reference-rows") else Corpus([])
    found: Rewritten = rows.ask(BesideOriginals.among(given.rows(BEFORE), reference, lost=options.lost))
    details = {
        "rows_with_original": found.matched,
        "pairs_with_facts": len(found.before),
        "facts_invented": found.invented,
        "facts_lost": found.lost,
    }
    if len(found.before) < options.least:
        return cannot_tell(
            summary="rows cannot be held against their originals",
            reason=f"{found.matched:,} of {found.rows:,} rows have an original, {len(found.before):,} of these "
            f"pairs have facts; needs {options.least:,}",
            details=details,
        )
    factual = compare_paired(found.before, found.after, clusters=found.original)
    fluent = compare_paired(found.fluent_before, found.fluent_after, clusters=found.original)
    return judge_difference(
        factual,
        kind="non-inferiority",
        margin=options.margin,
        name="factuality, after minus before",
        summary=_summary(factual, fluent),
        findings=_findings(rows, found.changed),
        details={**details, "fluency": fluent.as_json()},
    )


def _summary(factual: PairedComparison, fluent: PairedComparison) -> str:
    told = f"factuality {factual.reference:.1%} before, {factual.candidate:.1%} after; fluency "
    if fluent.high < 0:
        return f"{told}falls too, by {-fluent.d:.1%}"
    return f"{told}{'rises' if fluent.low > 0 else 'holds'} ({fluent.reference:.1%}, {fluent.candidate:.1%})"


def _findings(rows: Corpus, changed: Sequence[Changed]) -> Findings:
    places = np.array([one.row for one in changed], dtype=np.int64)
    remedies = {_remedy(one) for one in changed}
    return findings_of(rows, places, lambda position: _finding(changed[position], rows), remedies)


def _remedy(one: Changed) -> str:
    return "drop" if one.invented else "review"


def _finding(one: Changed, rows: Corpus) -> Finding:
    row = rows[one.row]
    told = []
    if one.invented:
        quotes = ", ".join(repr(row.answer_text[start:end]) for start, end in one.invented[:QUOTED])
        told.append(f"invented: {quotes}")
    if one.lost:
        told.append(f"lost: {', '.join(map(repr, one.lost[:QUOTED]))}")
    message = "; ".join(told) or "fewer of its facts are borne out than of its original's"
    return Finding(message=message, place=row.place, row=row.id, remedy=_remedy(one))
