"""Sentences of answers that no passage bears out, and citations that point to nothing.

## What it checks
Each sentence of an answer that states a fact is held against a passage: the one that the row carries (side data such
as `context` or `passages`, a tool's turn, a marked part of the prompt), else the reference row (`--reference`) that
its `group` or `parents` name, else the nearest passages of the reference. Facts are quantities with their unit,
identifiers, and names that are no words of the language. A numbered citation such as [3] must have a third source.

## Why it matters
An answer can be fluent and of the right topic and say what its source does not. What is trained on without a
source is trained as knowledge, and an unverifiable row is worth less than none.

## How it is measured
Share of answers with facts or citations of which one sentence is not borne out, against `tolerated`, by the 95 %
Wilson interval. A sentence is borne out when every fact of it stands in its passage. Passages are found by TF-IDF with
the weights of the reference alone; numbers may be in words, and a number may stand there without its unit. Each
finding also has a score, the share of the sentence's content words that the best passage has: to sort by, not to judge.

## When it cannot tell
A false sentence of true facts is not seen, nor is a number that was swapped for another one of the same passage. Names
that are words too (Paris, Kennedy) are not looked up. Worked-out numbers look invented, and so do quantities in
another form: 50% for half, 60 minutes for an hour. Retrieval may miss the right passage: name it. Under `least`
answers with facts, unsure; without any passage, skipped.

## What to do
Drop the rows: what cannot be verified is not weighed down but left out. Or name their sources, and look again.

## References
Min and others 2023, "FActScore", judge facts one by one; Wu and others 2023, "Fine-Grained Human Feedback", have people
mark what passages do not bear out; a missing number told such sentences with a precision of 0.74 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.supported import Sentence, Support, Supported, Unsupported, carries_passage
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Findings, Verdict

QUOTED = 3  # facts that a finding names
NOTHING = "not given: reference-rows, or a passage on any row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of unsupported-sentences."""

    tolerated: float = 0.02  # share of answers with facts, 0..1, of which a sentence may lack its passage
    least: int = 50  # answers with facts from which on something can be said


@rule(
    "SYN008",
    failure="domain-synthetic",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="trial",
    since="0.3",
    asks=(carries_passage,),
)
def unsupported_sentences(given: Given, options: Options) -> Verdict:
    """Holds every sentence with facts against its passage."""
    rows = given.rows("training-rows")
    reference = given.rows("reference-rows") if given.has("reference-rows") else Corpus([])
    if not len(reference) and not rows.coded(carries_passage).having(bool).any():
        return unsupported_sentences.skipped(NOTHING)
    found: Support = rows.ask(Supported.among(reference))
    details = {
        "answers_with_facts": found.held,
        "sentences_with_facts": found.sentences,
        "sentences_borne_out": found.borne_out,
        "words_covered": round(found.cover, 4),
        "held_against": dict(found.by),
        "citations_to_nothing": sum(not one.against for each in found.unsupported for one in each.sentences),
    }
    if found.held < options.least:
        return cannot_tell(
            summary="sentences cannot be verified",
            reason=f"{found.held:,} of {len(rows):,} answers state a fact; needs {options.least:,}",
            details=details,
        )
    return judge_share(
        len(found.unsupported),
        found.held,
        name="answers with a sentence that no passage bears out",
        at_most=options.tolerated,
        summary=_summary(found),
        findings=_findings(rows, found.unsupported),
        details=details,
    )


def _summary(found: Support) -> str:
    covered = f"passages have {found.cover:.0%} of their words"
    if not found.unsupported:
        return f"each of {found.sentences:,} sentences with facts is borne out; {covered}"
    told = f"{len(found.unsupported):,} of {found.held:,} answers hold a sentence that no passage bears out"
    return f"{told}; {found.borne_out:,} of {found.sentences:,} sentences are borne out, {covered}"


def _findings(rows: Corpus, unsupported: Sequence[Unsupported]) -> Findings:
    places = np.array([one.row for one in unsupported], dtype=np.int64)
    return findings_of(rows, places, lambda position: _finding(unsupported[position], rows), ["drop"])


def _finding(one: Unsupported, rows: Corpus) -> Finding:
    row = rows[one.row]
    first, *others = one.sentences
    more = f"; and {len(others)} more sentences" if others else ""
    return Finding(message=_told(first, row.answer_text) + more, place=row.place, row=row.id, remedy="drop")


def _told(one: Sentence, answer: str) -> str:
    quotes = ", ".join(repr(answer[start:end]) for start, end in one.missing[:QUOTED])
    if not one.against:
        return f"{quotes} points to nothing"
    return f"no {quotes} in {one.against} (words covered: {one.cover:.0%})"
