"""Terms that the answers write in more than one way, so that a model will mix them too.

## What it checks
Answers only. One run of letters that is written solid, with a hyphen or with a space ("email", "e-mail", "e mail"),
or with other capitals inside a name ("PayPal", "paypal"), each way in at least `least` answers; and names that
your glossary gives up (`deprecated`). None of the ways is a misspelling: those are for learned-typo.
Both ways must be right in the same place. A hyphen before a noun ("real-time updates") and none elsewhere ("in real
time") are two places, and so are a verb and its noun ("log in", "your login"): a pair with a small word is never
a term. Names of two words, which may be those of people, count only when somebody writes them otherwise than as a
name. Capitals that begin a sentence or a heading, ALL CAPITALS, code, addresses, quotations, identifiers, plurals,
and what the question of the same row writes in that way do not count, nor what countries differ in ("co-operate").

## Why it matters
A model that learned three ways of one product name uses all three, in one conversation. Search, links and other
programs that look for the name miss two of them.

## How it is measured
The measure is the share of answers that write a term otherwise than the house mostly does, with a 95 % Wilson
interval; none is tolerated. For each way of writing the details list its rate with interval, among places where the
other way could stand, how many authors wrote it, the share of its three busiest authors (80 % or more in three
hands is a habit of theirs, not a norm of the house), when it was first and last seen, and examples.
A place is the word before, where that is a small word, and the word after or the end of the sentence. Ways with a
space count only in places where the other one stands too; a name that is also a word ("paypal" is, by now), or that
is mostly written without capitals inside, needs half of its uses there. A term of which a fifth stands in code is
an identifier and left alone.

## When it cannot tell
A way of writing that 12 % use shows three times once its term is used 25 times: under `visible` answers the
verdict is unsure. Terms of three parts, of digits or under four letters are not looked at, nor different words
for one thing ("basket", "cart"), unless `deprecated` names them. Two words and one that never stand in the same
place ("life forms", "lifeforms") are not told to be one term: of real terms, the rarer half is missed.
Of more than 100,000 rows, terms are looked for in so many, evenly spread, and their uses counted in all.

## What to do
`headgate check FILE --fix OUT` writes the way that the house mostly uses, in answers and in nothing else, where that
is a norm: `norm` of the uses or more, or your glossary (`prefer`). Other rows are left for review. List what may
stay in `keep`. `[curate.habits]`, or a file for `--habits`, says otherwise for single ways of writing
(`"e mail" = "keep"`); the name of this rule stands for all of them.

## References
Strunk and others agree on little here but that one text should keep to one way. The polynomial hash by which
two words are compared with one is that of Karp and Rabin 1987.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.rows.row import Row
from headgate.rules.answers import AnswerWords
from headgate.rules.corpus import Corpus
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.spellings import described, retired_names
from headgate.rules.written_terms import written_terms
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.phrases import QUOTED
from headgate.text.term_forms import term_forms
from headgate.text.terms import TermUses
from headgate.text.variants import Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of mixed-terms."""

    least: int = 3  # answers with a way of writing from which on it is a habit
    rate: float = 0.01  # share of the uses of its term, 0..1, from which on it is a habit
    visible: int = 25  # answers from which on a habit of 12 % shows
    norm: float = 0.6  # share of the uses of a term, 0..1, from which on the most frequent way is the norm
    concentrated: float = 0.8  # share of a way of writing, 0..1, in the hands of three authors that makes it theirs
    keep: tuple[str, ...] = ()  # terms that may be written in any way
    prefer: tuple[str, ...] = ()  # terms as they are to be written, whatever is more frequent
    deprecated: tuple[str, ...] = ()  # names given up, each as "old name = new name"


def author_of(row: Row) -> str:
    """Who wrote the answer; empty where nobody says."""
    return row.side.annotator or ""


@rule(
    "DAT022",
    failure="learned-typo",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.3",
    asks=(AnswerWords, author_of),
)
def mixed_terms(given: Given, options: Options) -> Verdict:
    """Looks for terms that the answers write in more than one way."""
    rows = given.rows("training-rows")
    answers = int(np.count_nonzero(rows.ask(AnswerWords())))
    looked_at, found = written_terms(rows, options.least, options.prefer)
    forms = term_forms(found, least=options.least, rate=options.rate, keep=options.keep, prefer=options.prefer)
    habits = [_variant(one.wrong, one.right, found, one.uses, one.right_count) for one in forms]
    habits += _given_up(rows, options.deprecated)
    if not habits and answers < options.visible:
        reason = f"{answers:,} answers; a habit of 12 % shows in {options.visible:,}"
        return cannot_tell(summary="ways of writing cannot be compared in these answers", reason=reason)
    rows.fetch(text for habit in habits for text in habit.texts)
    authors = len({author for author in rows.coded(author_of).values if author}) if habits else 0
    findings = _findings(rows, habits, options)
    details = {
        "variants": [described(rows, habit, authors, options.concentrated) for habit in habits],
        **({"looked_for_in": looked_at} if looked_at < len(rows) else {}),
    }
    return judge_share(
        len(findings),
        answers,
        name="answers with a term written otherwise",
        summary=_summary(habits, len(findings), answers),
        findings=findings,
        zero_tolerance=True,
        details=details,
    )


def _variant(wrong: str, right: str, found: TermUses, uses: Sequence[int], right_count: int) -> Variant:
    texts = tuple(found.texts[list(uses)].tolist())
    spans = tuple((start, end) for start, end in found.spans[list(uses)].tolist())
    return Variant(wrong=wrong, right=right, texts=texts, spans=spans, right_count=right_count)


def _given_up(rows: Corpus, deprecated: Sequence[str]) -> Iterator[Variant]:
    """Uses of names that the glossary gives up, but for those that are quoted, code, or repeated from the prompt."""
    for habit in retired_names(rows, deprecated):
        rows.fetch(habit.texts)
        kept = []
        for text, (start, end) in zip(habit.texts, habit.spans, strict=True):
            row = rows[text]
            quoted = any(hit.start() < end and start < hit.end() for hit in QUOTED.finditer(row.answer_text))
            if not quoted and habit.wrong.lower() not in row.prompt_text.lower():
                kept.append((text, (start, end)))
        if kept:
            yield replace(habit, texts=tuple(text for text, _ in kept), spans=tuple(span for _, span in kept))


def _summary(habits: list[Variant], affected: int, answers: int) -> str:
    if not habits:
        return f"no term is written in two ways in {answers:,} answers"
    first = habits[0]
    others = f" and {len(habits) - 1} more" if len(habits) > 1 else ""
    of = first.count + first.right_count
    what = f"{first.wrong!r} for {first.right!r} in {first.count:,} of {of:,} uses{others}"
    return f"{affected:,} of {answers:,} answers write a term otherwise than the house: {what}"


def _findings(rows: Corpus, habits: list[Variant], options: Options) -> list[Finding]:
    """One finding for each answer, with all that is written otherwise in it."""
    held: dict[int, dict[Variant, list[tuple[int, int]]]] = defaultdict(dict)
    for habit in habits:
        for text, span in zip(habit.texts, habit.spans, strict=True):
            held[text].setdefault(habit, []).append(span)
    known = {*options.prefer, *(line.partition("=")[2].strip() for line in options.deprecated)}
    findings = []
    for text in sorted(held):
        row = rows[text]
        mends = {
            habit.wrong: habit.right
            for habit, spans in held[text].items()
            if (habit.right in known or habit.rate <= 1 - options.norm) and _all_meant(row.answer_text, habit, spans)
        }
        parts = [f"{one.wrong!r} for {one.right!r} ({_rate(one)})" for one in held[text]]
        whole = len(mends) == len(held[text])
        proposal: dict[str, Any] = {"remedy": "mend", "replacement": mends} if whole else {"remedy": "review"}
        findings.append(Finding(message=", ".join(parts), place=row.place, row=row.id, **proposal))
    return findings


def _all_meant(text: str, habit: Variant, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether every place in an answer that a mend would touch is one of those that were counted."""
    touched = re.finditer(rf"\b{re.escape(habit.wrong)}\b", text, re.IGNORECASE)
    return all(hit.span() in spans or hit[0] == habit.right for hit in touched)


def _rate(habit: Variant) -> str:
    of = habit.count + habit.right_count
    return f"{habit.count:,} of {of:,} uses" if habit.right_count else f"all {of:,} uses"
