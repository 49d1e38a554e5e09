"""Corrections that are none: comments about the answer, its own words turned, or nothing.

## What it checks
Rows that came from feedback (they carry an `original_answer`, a `signal`, a `purpose`, ...): whether the text
in the place of the answer is a new answer, or a comment ("fine, but I dislike the wording"), the original in
other words' clothes (case, punctuation, order), or empty.

## Why it matters
A comment field and a correction field look alike in a dump. Trained on, the model answers customers with "too
long".

## How it is measured
Sentences whose words speak of texts and opinions, and not of the question, the old answer or a fact, are
comments; where they make up most of a text, the rules call it one. Remarks on what an answer is about ("who put Leeds
in there?") use no such words, so a logistic model of the words, of where they stand, and of what the rules say,
decides; it is set to take no more honest corrections for comments than the rules alone do. Short corrections ("No: 30
days") hold a fact and are answers. The share of rows that are no replacement, with a 95 % Wilson interval, against
`tolerated`.

## When it cannot tell
English only. Of comments by somebody whose texts it has never seen it finds half (the table below): it sees that a
field is misused, and not each misuse. Without the original answer it knows less, and small talk ("that is good!")
looks like a comment. Under `least` rows with feedback, unsure; without any, skipped. Whether a replacement is right
it does not ask.

## What to do
Move comments to where a person rewrites the answer; drop rows that are empty; mark style changes as taste.

## References
Data statement of the FineGrainedRLHF feedback (Wu and others 2023), where people corrected answers sentence by
sentence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.signals import Feedback, corrected_text, rows_of_feedback
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.corrections import Form, form_of

QUOTED = 60  # characters of a text that a finding quotes
TOLD = {
    Form.COMMENT: "a comment about the answer",
    Form.STYLE: "the original in other clothes",
    Form.EMPTY: "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of comments-as-corrections."""

    tolerated: float = 0.05  # share of rows with feedback, 0..1, that may be no replacement
    least: int = 20  # rows with feedback from which on something can be said


@rule(
    "LIN004",
    failure="accidental-dataset",
    needs=("training-rows",),
    options=Options,
    status="stable",
    since="0.2",
    asks=(Feedback,),
)
def comments_as_corrections(given: Given, options: Options) -> Verdict:
    """Tells replacements from comments, turned words and nothing."""
    forms: Counter[str] = Counter()
    findings = []
    for row, signal in rows_of_feedback(given.rows("training-rows")):
        text = corrected_text(row)
        form = form_of(text, signal.original, row.prompt_text)
        forms[form.value] += 1
        if form is not Form.REPLACEMENT:
            quote = text if len(text) <= QUOTED else text[:QUOTED] + "…"
            message = f"{TOLD[form]}: {quote!r}"
            findings.append(Finding(message=message, place=row.place, row=row.id, remedy="review"))
    held = forms.total()
    if not held:
        return comments_as_corrections.skipped(
            "not given: rows that came from feedback (signal, purpose, original_answer, ...)"
        )
    details = {"forms": {form.value: forms[form.value] for form in Form}}
    if held < options.least:
        reason = f"{held:,} rows came from feedback; needs {options.least - held:,} more"
        return cannot_tell(summary="corrections cannot be told from comments", reason=reason, details=details)
    told = ", ".join(f"{count:,} {form}" for form, count in forms.most_common() if form != Form.REPLACEMENT)
    return judge_share(
        len(findings),
        held,
        name="corrections that are no replacement",
        at_most=options.tolerated,
        summary=f"{len(findings):,} of {held:,} corrections are no replacement" + (f": {told}" if told else ""),
        findings=findings,
        details=details,
    )
