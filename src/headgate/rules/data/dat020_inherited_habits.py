"""Answers that do what the deployed model may not do: grant, hand over, claim an action, say sorry for nothing.

## What it checks
What each assistant turn does, sentence by sentence: apologies, concessions (refunds, credits, waivers,
discounts), escalations to people, claimed actions ("I have cancelled it"), promises, internal references,
delays and blame. A concession or an escalation is a violation unless it is listed in `may`. A claimed
action is one when no tool was called in the row before it; that is judged where rows carry tool calls or
`tools` is given. An apology is needless when the person complained of nothing and the reply refuses nothing.

## Why it matters
Transcripts record what an organisation does together with what it knows. People had the right to grant a
credit and a queue to hand over to; the model that imitates them has neither.

## How it is measured
The share of answers with a violation against `tolerated`, by its 95 % Wilson interval. Needless apologies
count once they are a habit: more than `apologies` of the answers to people who complained of nothing, with
the whole interval. The details give, for each behaviour, how many answers show it, the rate with and
without a grievance, the three busiest authors and their share, and three places to read.
A question, a condition, a denial and what somebody else does are not acts: "would you like a refund",
"if it is late we refund you", "we cannot offer a discount", "your bank refunded you".

## When it cannot tell
Patterns of English; in other languages nothing is found, so under `least` answers that hold an English
function word the verdict is unsure. Irony, and grants in words that no pattern has, are missed.

## What to do
List what the model is entitled to in `may` and its tools in `tools`. Of the rest, drop the row, or mask
the sentence: a masked span keeps the row's knowledge and teaches nothing (`masked` of a message).
Keep apologies where there is something to be sorry for.

## References
Raji and others 2020, "Closing the AI accountability gap", on capability and authority of deployed systems.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.rows.row import Row, ToolCall
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.behaviours import PATTERNS, acts, unexplained
from headgate.text.hints import grieved, shown, texts_with

FEW = 3  # authors and places listed
LISTED = ("concession", "escalation")  # kinds that need leave
ENGLISH = re.compile(r"\b(?:the|is|you|your|to|and|of|for|i|it|please)\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of inherited-habits."""

    may: tuple[str, ...] = ()  # acts that the deployed model is entitled to, such as "escalation"
    tools: tuple[str, ...] = ()  # names of the tools that it has; "*" for any
    tolerated: float = 0.01  # share of answers, 0..1, with a violation
    apologies: float = 0.05  # share of answers without a grievance, 0..1, that may hold a needless apology
    least: int = 50  # English answers from which on something can be said


@dataclass(frozen=True, slots=True)
class _Seen:
    row: int
    kind: str  # of the act; "needless apology" for an apology without a reason
    quote: str
    violation: bool


@rule(
    "DAT020",
    failure="inherited-habits",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
)
def inherited_habits(given: Given, options: Options) -> Verdict:
    """Holds what answers do against what the deployed model may do."""
    rows = given.rows("training-rows")
    answers = np.flatnonzero(texts_with(rows.answer, ENGLISH)).tolist()
    calm = set(np.flatnonzero(~grieved(rows.prompt)).tolist()).intersection(answers)
    judged = bool(options.tools) or any(called for row in rows for _, _, called in _turns(row))
    seen = list(_all_seen(rows, answers, calm, options, judged))
    sorry = {one.row for one in seen if one.kind == "needless apology"}
    habit = bool(calm) and wilson(len(sorry), len(calm)).low > options.apologies
    found = [one for one in seen if one.violation or (habit and one.kind == "needless apology")]
    details = {"behaviours": _inventory(rows, seen, answers, calm), "actions_judged": judged, "apology_habit": habit}
    if len(answers) < options.least:
        return cannot_tell(
            summary="habits cannot be seen in these answers",
            reason=f"{len(answers):,} of {len(rows):,} answers are English; needs {options.least:,}",
            details=details,
        )
    affected = {one.row for one in found}
    return judge_share(
        len(affected),
        len(answers),
        name="answers that do what the model may not",
        at_most=options.tolerated,
        summary=_summary(found, len(affected), len(answers)),
        findings=_findings(rows, found),
        details=details,
    )


def _all_seen(
    rows: Corpus, answers: Sequence[int], calm: Collection[int], options: Options, judged: bool
) -> Iterator[_Seen]:
    kinds = shown(rows.answer)
    some = np.any(list(kinds.values()), axis=0)
    for number in answers:
        if some[number]:
            among = [kind for kind, texts in kinds.items() if texts[number]]
            yield from _seen(number, rows[number], among, number in calm, options, judged)


def _seen(number: int, row: Row, among: Sequence[str], calm: bool, options: Options, judged: bool) -> Iterator[_Seen]:
    called: list[str] = []
    for role, text, calls in _turns(row):
        called += [call.name for call in calls]
        if role != "assistant":
            continue
        for act in acts(text, among):
            kind, violation = act.kind, act.kind in LISTED and act.kind not in options.may
            if kind in ("action", "concession", "escalation") and _backed(called, options):
                violation = False  # a tool did it, so the model can do it as well
            elif kind == "action":
                violation = judged and kind not in options.may
            elif kind == "apology" and calm and unexplained(text):
                kind = "needless apology"
            yield _Seen(number, kind, text[act.start : act.end], violation)


def _turns(row: Row) -> Iterable[tuple[str, str, Sequence[ToolCall]]]:
    """Role, text and tool calls of each turn."""
    if (plain := row.plain_turns) is not None:
        return ((role, text, ()) for role, text in plain)
    return ((turn.role, turn.content, turn.tool_calls) for turn in (*row.messages, *row.chosen))


def _backed(called: Sequence[str], options: Options) -> bool:
    if not options.tools or "*" in options.tools:
        return bool(called)
    return any(name in options.tools for name in called)


def _inventory(
    rows: Corpus, seen: Sequence[_Seen], answers: Sequence[int], calm: set[int]
) -> dict[str, Mapping[str, Any]]:
    by_kind: dict[str, dict[int, str]] = defaultdict(dict)
    for one in seen:
        by_kind[one.kind].setdefault(one.row, one.quote)
    out: dict[str, Mapping[str, Any]] = {}
    for kind in (*PATTERNS, "needless apology"):
        if kind not in by_kind:
            continue
        held = by_kind[kind]
        authors = Counter(rows[row].side.annotator for row in held if rows[row].side.annotator)
        share = sum(count for _, count in authors.most_common(FEW)) / authors.total() if authors else None
        grieved = len(answers) - len(calm)
        out[kind] = {
            "answers": len(held),
            "rate": round(len(held) / len(answers), 5),
            "rate_without_grievance": round(sum(row in calm for row in held) / max(len(calm), 1), 5),
            "rate_with_grievance": round(sum(row not in calm for row in held) / max(grieved, 1), 5),
            "busiest_authors": dict(authors.most_common(FEW)),
            "their_share": round(share, 4) if share is not None else None,
            "examples": [
                {"place": str(rows[row].place or row), "sentence": quote} for row, quote in [*held.items()][:FEW]
            ],
        }
    return out


def _summary(found: Sequence[_Seen], affected: int, answers: int) -> str:
    if not found:
        return f"none of {answers:,} answers does what the model may not do"
    kinds = Counter(one.kind for one in {(one.row, one.kind): one for one in found}.values())
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{affected:,} of {answers:,} answers do what the model may not do: {told}"


def _findings(rows: Corpus, found: Sequence[_Seen]) -> tuple[Finding, ...]:
    by_row: dict[int, list[_Seen]] = defaultdict(list)
    for one in found:
        by_row[one.row].append(one)
    out = []
    for number in sorted(by_row):
        row = rows[number]
        told = "; ".join(dict.fromkeys(f"{one.kind}: {one.quote}" for one in by_row[number]))
        out.append(Finding(message=told, place=row.place, row=row.id, remedy="review"))
    return tuple(out)
