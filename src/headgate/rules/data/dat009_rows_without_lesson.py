"""Rows from which no token of an answer can be learned.

## What it checks
Rows that cost training steps and teach nothing: an answer that is empty, whose loss weight is 0,
or that is masked from end to end; a demonstration without an assistant turn; a preference row whose
chosen and rejected answers are the same, or of which one is missing.
With the token counts of the trainer's pre-flight it also finds rows that look fine as text and lose
their lesson on the way to the model: no supervised token at all, an answer that is cut off at the
longest sequence, an end token that is not supervised (a model that never sees the end of an answer
does not learn to stop).

## Why it matters
Such rows are counted in every report, fill batches and dilute the gradient, and hide a mistake in a
template or in the columns of a file. One file with the wrong column name can be all of them.

## How it is measured
Every row that is meant for learning is looked at (rows of kind prompt, trace and item are not).
The measure is the share of those rows that teach nothing, with a 95 % Wilson interval.
It is a census: no row is tolerated unless `tolerated` says so.

## When it cannot tell
When no row is meant for learning there is nothing to judge, and the verdict is unsure.
Without token counts, cutting and templates are not seen; the verdict says so in its details.

## What to do
Drop the rows (`headgate check FILE --fix OUT`), or mend what made them: a column that was not mapped,
a mask that is too wide, a longest sequence that is too short, a template without an end token.

## References
Transformers and TRL mask labels with -100; a batch of which every label is -100 has no defined loss.
Rafailov and others 2023, "Direct Preference Optimization": equal alternatives give a constant loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.kit.errors import Broken
from headgate.rows.row import Kind, Message, Row
from headgate.rules.corpus import Coded, findings_of
from headgate.rules.given import Given, TokenCount
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict

NOT_FOR_LEARNING = (Kind.PROMPT, Kind.TRACE, Kind.ITEM)
CUT, NO_END = "the answer is cut off", "the end of the answer is not supervised"
MENDABLE = (CUT, NO_END)  # better mended in the trainer's settings than dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of rows-without-lesson."""

    tolerated: float = 0.0  # share of rows, 0..1, that may teach nothing
    end_token: bool = True  # whether a row whose end token is unsupervised counts, where tokens are given


def lesson_of(row: Row) -> str | None:
    """Why a row teaches nothing by its words; empty when it teaches something, None when it is not meant to."""
    if row.kind in NOT_FOR_LEARNING:
        return None
    # Nearly every row is a dialogue whose last turn says something: no more need be looked at.
    if row.kind is Kind.DEMONSTRATION and (texts := row.plain_answer) is not None and texts.strip():
        return ""
    return next(_reasons(row), "")


@rule(
    "DAT009",
    failure="method-matrix",
    needs=("training-rows",),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(lesson_of,),
)
def rows_without_lesson(given: Given, options: Options) -> Verdict:
    """Counts rows that teach nothing, by reason."""
    rows = given.rows("training-rows")
    tokens: Sequence[TokenCount] | None = given.get("tokens")
    if tokens is not None and len(tokens) != len(rows):
        raise Broken("token counts do not fit the rows", found=f"{len(tokens)} counts", wanted=f"{len(rows)}")
    lessons = rows.coded(lesson_of)
    judged = int(lessons.having(lambda lesson: lesson is not None).sum())
    places, reasons_of = _without(lessons, tokens, options)
    reasons = Counter(reasons_of)

    def made(position: int) -> Finding:
        row, reason = rows[int(places[position])], reasons_of[position]
        return Finding(message=reason, place=row.place, row=row.id, remedy=_remedy(reason))

    findings = findings_of(rows, places, made, set(map(_remedy, reasons)))
    return judge_share(
        len(findings),
        judged,
        name="rows without a lesson",
        at_most=options.tolerated,
        summary=_summary(judged, reasons),
        findings=findings,
        zero_tolerance=options.tolerated == 0.0,
        details={"reasons": dict(_ranked(reasons)), "tokens_given": tokens is not None},
    )


def _remedy(reason: str) -> str:
    return "review" if reason in MENDABLE else "drop"


def _summary(judged: int, reasons: Counter[str]) -> str:
    if not judged:
        return "no row is meant for learning"
    if not reasons:
        return f"each of {judged:,} rows has something to teach"
    (reason, most), *others = _ranked(reasons)
    rest = f", {len(others)} more reason{'s' * (len(others) > 1)}" if others else ""
    return f"{reasons.total():,} of {judged:,} rows teach nothing: {reason} ({most:,}){rest}"


def _ranked(reasons: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first; ties by name, so that the order of the rows does not show."""
    return sorted(reasons.items(), key=lambda each: (-each[1], each[0]))


def _without(
    lessons: Coded, tokens: Sequence[TokenCount] | None, options: Options
) -> tuple[NDArray[np.int64], list[str]]:
    """The rows that teach nothing, and why."""
    if tokens is None:
        places = np.flatnonzero(lessons.having(bool))
        return places, [lessons.values[code] for code in lessons.codes[places].tolist()]
    found = {}
    for place, (code, count) in enumerate(zip(lessons.codes.tolist(), tokens, strict=True)):
        lesson = lessons.values[code]
        if lesson is not None and (reason := lesson or next(_lost(count, options), "")):
            found[place] = reason
    return np.fromiter(found, dtype=np.int64, count=len(found)), list(found.values())


def _reasons(row: Row) -> Iterator[str]:
    """Why a row teaches nothing, by its words."""
    if row.kind is Kind.PREFERENCE:
        yield from _preference(row)
    elif row.kind is Kind.STEPWISE:
        if not any(text.strip() for text, _ in row.steps):
            yield "no step has any text"
    elif row.kind is Kind.TEXT:
        if not row.text.strip():
            yield "the text is empty"
    else:
        said = (*row.messages, *row.chosen)  # the answer of an unpaired row stands apart, as that of a preference row
        yield from _turns([message for message in said if message.role == "assistant"])


def _lost(count: TokenCount, options: Options) -> Iterator[str]:
    """Why a row teaches nothing, by what the trainer would do with it."""
    if count.supervised_tokens <= 0:
        yield CUT if count.answer_cut else "no token is supervised"
    if count.answer_cut:
        yield CUT
    if options.end_token and not count.end_token_supervised:
        yield NO_END


def _preference(row: Row) -> Iterator[str]:
    if not _says_something(row.chosen):
        yield "the chosen answer is empty"
    elif not row.rejected:
        yield "there is no rejected answer"
    elif all(_spoken(one) == _spoken(row.chosen) for one in row.rejected):
        yield "chosen and rejected are the same"


def _turns(turns: Sequence[Message]) -> Iterator[str]:
    if not turns:
        yield "no assistant turn"
    elif not any(_has_words(turn) for turn in turns):
        yield "the answer is empty"
    elif all(turn.weight == 0 for turn in turns if _has_words(turn)):
        yield "every assistant turn has weight 0"
    elif all(_all_masked(turn) for turn in turns if _has_words(turn) and turn.weight != 0):
        yield "the whole answer is masked"


def _says_something(turns: Sequence[Message]) -> bool:
    return any(_has_words(turn) for turn in turns)


def _has_words(turn: Message) -> bool:
    return bool(turn.content.strip() or turn.tool_calls or turn.reasoning.strip() or turn.parts)


def _spoken(turns: Sequence[Message]) -> list[tuple[object, ...]]:
    return [(turn.role, turn.content.strip(), turn.tool_calls, turn.reasoning, turn.parts) for turn in turns]


def _all_masked(turn: Message) -> bool:
    if turn.tool_calls or turn.reasoning.strip() or turn.parts:
        return False
    left = list(turn.content)
    for start, end in turn.masked:
        left[start:end] = " " * len(left[start:end])
    return not "".join(left).strip()
