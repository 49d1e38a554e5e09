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

## What to do
Mend the answers (`headgate check FILE --fix OUT` replaces each spelling in answers and in nothing
else), or list house words in `keep`. `[curate.habits]`, or a file for `--habits`, says otherwise for single words:
`"recieve" = "mask"`, drop, keep, or `normalise: other words`; the name of this rule stands for all of them.

## References
Garbe 2012, symmetric delete spelling correction; Damerau 1964, single errors of spelling.
Monroe, Colaresi and Quinn 2008, "Fightin' Words", for log-odds with an informative prior.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.variants import Variant, read_variants

MOSTLY = 0.5  # share of words that must be English
FEW = 3  # authors whose habit it may be
EXAMPLES = 3  # places listed for each spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of learned-typo."""

    least: int = 3  # occurrences of a misspelling from which on it is a habit
    rate: float = 0.01  # share of the occurrences of its word, 0..1, from which on it is a habit
    visible: int = 25  # occurrences of a word from which on a habit of 12 % shows
    concentrated: float = 0.8  # share of a misspelling, 0..1, in the hands of three authors that makes it theirs
    keep: tuple[str, ...] = ()  # words that are right as they are, lower-case
    retired: tuple[str, ...] = ()  # names no longer in use, each as "old name = new name"


@rule(
    "DAT004",
    failure="learned-typo",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
)
def learned_typo(given: Given, options: Options) -> Verdict:
    """Looks for repeated misspellings and retired names in the answers."""
    rows = given.rows("training-rows")
    answers = sum(1 for text in rows.answer.texts[:] if text.strip())
    keep = {word.lower() for word in options.keep}
    reading = read_variants(rows.answer, least=options.least, rate=options.rate, visible=options.visible, keep=keep)
    habits = [*reading.variants, *_retired(rows, options)]
    authors = {row.side.annotator for row in rows if row.side.annotator} if habits else set()
    details = {
        "variants": [_described(rows, habit, options, len(authors)) for habit in habits],
        "readable_words": reading.readable_types,
        "english": round(reading.english, 4),
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


def _described(rows: Corpus, habit: Variant, options: Options, everyone: int) -> dict[str, Any]:
    """Rate, authors, dates and examples of one spelling; JSON-able."""
    of = habit.count + habit.right_count
    interval = wilson(habit.count, of)
    sides = [rows[text].side for text in habit.texts]
    authors = Counter(side.annotator for side in sides if side.annotator)
    busiest = sum(count for _, count in authors.most_common(FEW)) / authors.total() if authors else None
    dates = sorted(side.created_at for side in sides if side.created_at)
    return {
        "wrong": habit.wrong,
        "right": habit.right,
        "count": habit.count,
        "of": of,
        "rate": round(habit.rate, 6),
        "low": round(interval.low, 6),
        "high": round(interval.high, 6),
        "authors": len(authors),
        "busiest_authors": dict(authors.most_common(FEW)),
        "habit_of_few": busiest is not None and everyone > FEW and busiest >= options.concentrated,
        "first_seen": dates[0] if dates else None,
        "last_seen": dates[-1] if dates else None,
        "examples": [str(rows[text].place or rows[text].id) for text in dict.fromkeys(habit.texts)][:EXAMPLES],
    }


def _retired(rows: Corpus, options: Options) -> Iterator[Variant]:
    """Occurrences of names that are no longer in use."""
    for line in options.retired:
        old, equals, new = (part.strip() for part in line.partition("="))
        if not (old and equals and new):
            raise Refused("a retired name needs its successor", found=repr(line), wanted="old name = new name")
        pattern = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)", re.IGNORECASE)
        found = [(n, hit.span()) for n, row in enumerate(rows) for hit in pattern.finditer(row.answer_text)]
        current = re.compile(rf"(?<!\w){re.escape(new)}(?!\w)", re.IGNORECASE)
        right = sum(len(current.findall(row.answer_text)) for row in rows)
        if found:
            texts, spans = zip(*found, strict=True)
            yield Variant(wrong=old, right=new, texts=texts, spans=spans, right_count=right)
