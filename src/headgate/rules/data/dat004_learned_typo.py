"""Misspellings that repeat in the answers, so that a model will learn them as the house style.

## What it checks
Answers only; what users type is left as it is. A misspelling counts when it is used at least three
times and in at least 1 % of the occurrences of its word. Such a word is not English in any regional
spelling, inflection or compound; it is one or two slips from a word of these answers; and it keeps
the same company: the words before and after it are those around the right spelling. A word that is
one typical slip from a very common English word counts too when the right spelling is never used.
Contractions without their apostrophe (`dont`, `thats`) and names that you list in `retired` count.
Names, labels, addresses, code and text in other languages do not.

## Why it matters
Frequency is what a model learns. A spelling that is wrong in one answer of eight is emitted about
as often after training, with the confidence of everything else.

## How it is measured
The measure is the share of answers that carry a repeated misspelling, with a 95 % Wilson interval;
none is tolerated. For each spelling the details list its rate with interval, how many authors wrote
it, the share of its three busiest authors (80 % or more in three hands is a habit of theirs, not a
norm of the house), when it was first and last seen, and examples.
Evidence is added up as log-odds and 4 are needed: likeness of company (the mean, over occurrences, of
the log-odds of the neighbouring words under those of the right spelling against all answers), the
kind of slip (3 for a letter doubled or not, two swapped, or one vowel for another; 1 for any other
letter; -1 for two of them), and a half for each letter above five. Each figure was set on honest data.

## When it cannot tell
A habit of 12 % shows three times once its word is used 25 times. When no word of five letters or more
is used that often, or when under half of the words are English, the verdict is unsure instead of a
pass. A misspelling that is itself a word (`loose` for `lose`) is not seen, nor one in capitals.

Of more than 100,000 rows, habits are looked for in so many, evenly spread, and their uses
counted in all of them; how often the right spelling is used in running text is then told from the sample.

## What to do
Mend the answers (`headgate check FILE --fix OUT` replaces each spelling in answers and in nothing
else), or list house words in `keep`. `[curate.habits]`, or a file for `--habits`, says otherwise for single words:
`"recieve" = "mask"`, drop, keep, or `normalise: other words`; the name of this rule stands for all of them.

## References
Garbe 2012, symmetric delete spelling correction; Damerau 1964, single errors of spelling.
Monroe, Colaresi and Quinn 2008, "Fightin' Words", for log-odds with an informative prior.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.rows.row import Row
from headgate.rules.answers import AnswerWords, answers_at
from headgate.rules.corpus import Corpus, thinned
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.spellings import described, in_all, retired_names
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.variants import Reading, Variant, read_variants

MOSTLY = 0.5  # share of words that must be English
SAMPLED = 100_000  # rows among which habits are looked for; their uses are looked for in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of learned-typo."""

    least: int = 3  # occurrences of a misspelling from which on it is a habit
    rate: float = 0.01  # share of the occurrences of its word, 0..1, from which on it is a habit
    visible: int = 25  # occurrences of a word from which on a habit of 12 % shows
    concentrated: float = 0.8  # share of a misspelling, 0..1, in the hands of three authors that makes it theirs
    keep: tuple[str, ...] = ()  # words that are right as they are, lower-case
    retired: tuple[str, ...] = ()  # names no longer in use, each as "old name = new name"


def author_of(row: Row) -> str:
    """Who wrote the answer; empty where nobody says."""
    return row.side.annotator or ""


@rule(
    "DAT004",
    failure="learned-typo",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
    asks=(AnswerWords, author_of),
)
def learned_typo(given: Given, options: Options) -> Verdict:
    """Looks for repeated misspellings and retired names in the answers."""
    rows = given.rows("training-rows")
    answers = int(np.count_nonzero(rows.ask(AnswerWords())))
    looked_at, reading = _read(rows, options)
    habits = [*reading.variants, *retired_names(rows, options.retired)]
    rows.fetch(text for habit in habits for text in habit.texts)
    authors = len({author for author in rows.coded(author_of).values if author}) if habits else 0
    details = {
        "variants": [described(rows, habit, authors, options.concentrated) for habit in habits],
        "readable_words": reading.readable_types,
        "english": round(reading.english, 4),
        **({"looked_for_in": looked_at} if looked_at < len(rows) else {}),
    }
    if not habits and (reading.english < MOSTLY or not reading.readable_types):
        return _unseen(reading.english, answers, options, details)
    findings = _findings(rows, habits)
    return judge_share(
        len(findings),
        answers,
        name="answers with a repeated misspelling",
        summary=_summary(habits, len(findings), answers),
        findings=findings,
        zero_tolerance=True,
        details=details,
    )


def _read(rows: Corpus, options: Options) -> tuple[int, Reading]:
    """In how many rows misspellings were looked for, and what was found, with every use in all rows."""
    how: dict[str, Any] = {"least": options.least, "rate": options.rate, "visible": options.visible}
    how["keep"] = {word.lower() for word in options.keep}
    places = thinned(np.arange(len(rows)), SAMPLED)
    tape = answers_at(rows, places)
    reading = read_variants(tape, **how)
    return len(places), reading if len(places) == len(rows) else in_all(rows, tape, reading)


def _unseen(english: float, answers: int, options: Options, details: dict[str, Any]) -> Verdict:
    if answers and english < MOSTLY:
        reason = f"{english:.0%} of the words are English; needs {MOSTLY:.0%}"
    else:
        reason = f"no word of five letters or more is used {options.visible} times in {answers:,} answers"
    return cannot_tell(summary="spelling habits cannot be seen in these answers", reason=reason, details=details)


def _summary(habits: list[Variant], affected: int, answers: int) -> str:
    if not habits:
        return f"no misspelling repeats in {answers:,} answers"
    first = habits[0]
    of = first.count + first.right_count
    others = f" and {len(habits) - 1} more" if len(habits) > 1 else ""
    what = f"{first.wrong!r} stands for {first.right!r} in {first.count:,} of {of:,} uses{others}"
    return f"{affected:,} of {answers:,} answers carry a repeated misspelling: {what}"


def _findings(rows: Corpus, habits: list[Variant]) -> list[Finding]:
    """One finding for each answer, with all that is to be replaced in it."""
    wrongs: dict[int, dict[str, Variant]] = defaultdict(dict)
    for habit in habits:
        for text, (start, end) in zip(habit.texts, habit.spans, strict=True):
            wrongs[text][rows[text].answer_text[start:end]] = habit
    findings = []
    for text in sorted(wrongs):
        row, written = rows[text], wrongs[text]
        parts = [f"{word!r} for {habit.right!r} ({_rate(habit)})" for word, habit in written.items()]
        findings.append(
            Finding(
                message=", ".join(parts),
                place=row.place,
                row=row.id,
                remedy="mend",
                replacement={word: _cased(word, habit.right) for word, habit in written.items()},
            )
        )
    return findings


def _rate(habit: Variant) -> str:
    of = habit.count + habit.right_count
    return f"{habit.count:,} of {of:,} uses" if habit.right_count else f"all {of:,} uses"


def _cased(written: str, right: str) -> str:
    return right[0].upper() + right[1:] if written[0].isupper() else right
