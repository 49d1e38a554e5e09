"""Answers that do what the deployed model may not: grant, hand over, claim an action, be sorry for nothing, abbreviate.

## What it checks
What each assistant turn does, sentence by sentence: apologies, concessions (refunds, credits, waivers,
discounts), escalations to people, claimed actions ("I have cancelled it"), promises, internal references,
delays, blame and shorthand. A concession or an escalation is a violation unless it is listed in `may`, any other
act if it is listed in `may_not`. A claimed action is one when no tool was called in the row before it; that is
judged where rows carry tool calls or `tools` is given. An apology is needless when the person complained of
nothing and the reply refuses nothing.
Shorthand is how desks write to each other: "pls adv cx re: acct", "f/u w/ mgr", "see INC0012345". One word that only
desks write, or two clipped words in one sentence of which one is a desk's. Chat English ("thx", "pls", "u"), what print
shortens ("approx. 2 hrs"), measures, acronyms, product codes, code, quotations, a sentence that says what the
abbreviation means, and abbreviations that the person wrote too are none.

## Why it matters
Transcripts record what an organisation does together with what it knows. People had the right to grant a
credit and a queue to hand over to; the model that imitates them has neither.

## How it is measured
The share of answers with a violation against `tolerated`, by its 95 % Wilson interval. Needless apologies count
once they are a habit: more than `apologies` of the answers to people who complained of nothing, with the whole
interval; shorthand once more than `shorthand` of all answers hold it, with the whole interval. The details give,
for each behaviour, how many answers show it, the rate with and without a grievance, the three busiest authors and
their share, and three places to read.
A question, a condition, a denial and what somebody else does are not acts: "would you like a refund",
"if it is late we refund you", "we cannot offer a discount", "your bank refunded you".

## When it cannot tell
Patterns of English; in other languages nothing is found, so under `least` answers that hold an English
function word the verdict is unsure. Irony, and grants in words that no pattern has, are missed, and so is shorthand
that is made of whole words ("customer called in, wants credit") or of one clipped word that others write too ("appt").

## What to do
List what the model is entitled to in `may` and its tools in `tools`. Of the rest, drop the row, or mask
the sentence: a masked span keeps the row's knowledge and teaches nothing (`masked` of a message). Say which in
`[curate.habits]` (`concession = "mask"`), or in a file for `headgate check FILE --fix OUT --habits DECISIONS`.
Keep apologies where there is something to be sorry for.

## References
Raji and others 2020, "Closing the AI accountability gap", on capability and authority of deployed systems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.rows.row import Row
from headgate.rules.corpus import Corpus, findings_of
from headgate.rules.examples import shown
from headgate.rules.given import Given
from headgate.rules.habits import KINDS, NEEDLESS, SHORTHAND, Habits, Seen
from headgate.rules.shape import rule
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Findings, Verdict
from headgate.text.tape import Mask

FEW = 3  # authors and places listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of inherited-habits."""

    may: tuple[str, ...] = ()  # acts that the deployed model is entitled to, such as "escalation"
    may_not: tuple[str, ...] = ()  # acts that it is not entitled to, beside those that need leave anyway: "promise"
    tools: tuple[str, ...] = ()  # names of the tools that it has; "*" for any
    tolerated: float = 0.01  # share of answers, 0..1, with a violation
    apologies: float = 0.05  # share of answers without a grievance, 0..1, that may hold a needless apology
    shorthand: float = 0.01  # share of answers, 0..1, that may hold shorthand
    least: int = 50  # English answers from which on something can be said

    def __post_init__(self) -> None:
        for kind in (*self.may, *self.may_not):
            if kind not in KINDS:
                raise Refused("inherited-habits: no such act", found=repr(kind), wanted=", ".join(sorted(KINDS)))


@rule(
    "DAT020",
    failure="inherited-habits",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
    asks=(Habits,),
)
def inherited_habits(given: Given, options: Options) -> Verdict:
    """Holds what answers do against what the deployed model may do."""
    rows, asked = given.rows("training-rows"), Habits.of(options)
    seen: Seen = rows.ask(asked)
    judged = bool(options.tools) or seen.calls
    needless = seen.kinds == KINDS.index(NEEDLESS)
    sorry = len(np.unique(seen.rows[needless]))
    habit = seen.calm_answers > 0 and wilson(sorry, seen.calm_answers).low > options.apologies
    answers, brief = seen.answers, seen.kinds == KINDS.index(SHORTHAND)
    brief &= SHORTHAND not in options.may
    clipped = answers > 0 and wilson(len(np.unique(seen.rows[brief])), answers).low > options.shorthand
    found = seen.violations(judged) | (habit & needless) | (clipped & brief)
    details = {
        "behaviours": _inventory(rows, seen, asked),
        "violations": sorted({KINDS[kind] for kind in seen.kinds[found].tolist()}),
        "actions_judged": judged,
        "apology_habit": habit,
        "shorthand_habit": clipped,
        "may_not": [kind for kind in options.may_not if kind not in options.may],
    }
    if answers < options.least:
        return cannot_tell(
            summary="habits cannot be seen in these answers",
            reason=f"{answers:,} of {len(rows):,} answers are English; needs {options.least:,}",
            details=details,
        )
    affected = len(np.unique(seen.rows[found]))
    return judge_share(
        affected,
        answers,
        name="answers that do what the model may not",
        at_most=options.tolerated,
        summary=_summary(seen, found, affected),
        findings=_findings(rows, seen, found, asked),
        details=details,
    )


def _inventory(rows: Corpus, seen: Seen, asked: Habits) -> dict[str, Mapping[str, Any]]:
    out: dict[str, Mapping[str, Any]] = {}
    for kind in KINDS:
        held, calm = seen.rows_of(kind)
        if not len(held):
            continue
        authors = seen.authors.get(kind, Counter())
        share = sum(count for _, count in authors.most_common(FEW)) / authors.total() if authors else None
        grieved = seen.answers - seen.calm_answers
        first = list(zip(held[:FEW].tolist(), calm[:FEW].tolist(), strict=True))
        rows.fetch(row for row, _ in first)
        out[kind] = {
            "answers": len(held),
            "rate": round(len(held) / seen.answers, 5),
            "rate_without_grievance": round(int(calm.sum()) / max(seen.calm_answers, 1), 5),
            "rate_with_grievance": round(int((~calm).sum()) / max(grieved, 1), 5),
            "busiest_authors": dict(authors.most_common(FEW)),
            "their_share": round(share, 4) if share is not None else None,
            "examples": [_example(rows[row], row, kind, quiet, asked) for row, quiet in first],
        }
    return out


def _example(row: Row, number: int, kind: str, calm: bool, asked: Habits) -> dict[str, Any]:
    quote = next(act.quote for act in asked.acts_of(row, calm) if act.kind == kind)
    start = max(row.answer_text.find(quote), 0)
    return shown(row, start, start + len(quote), number) | {"sentence": quote}


def _summary(seen: Seen, found: Mask, affected: int) -> str:
    if not affected:
        return f"none of {seen.answers:,} answers does what the model may not do"
    pairs, first = np.unique(seen.rows[found] * len(KINDS) + seen.kinds[found], return_index=True)
    kinds = Counter(KINDS[place] for place in (pairs[np.argsort(first)] % len(KINDS)).tolist())
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{affected:,} of {seen.answers:,} answers do what the model may not do: {told}"


def _findings(rows: Corpus, seen: Seen, found: Mask, asked: Habits) -> Findings:
    places, first = np.unique(seen.rows[found], return_index=True)
    calm, pairs = seen.calm[found][first], set(zip(seen.rows[found].tolist(), seen.kinds[found].tolist(), strict=True))

    def made(position: int) -> Finding:
        number = int(places[position])
        row = rows[number]
        own = [act for act in asked.acts_of(row, bool(calm[position])) if (number, KINDS.index(act.kind)) in pairs]
        told = "; ".join(
            dict.fromkeys(f"{act.kind}: {act.quote}" for act in own if act.leave or act.kind in (NEEDLESS, SHORTHAND))
        )
        return Finding(message=told, place=row.place, row=row.id, remedy="review")

    return findings_of(rows, places, made, ["review"])
