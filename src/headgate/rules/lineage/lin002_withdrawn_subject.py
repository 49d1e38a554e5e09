"""Rows about people whose consent is withdrawn or has run out.

## What it checks
Training rows against the consent claims of the ledger at the moment of the check. A row fails when the
newest claim about its subject says that consent is withdrawn, refused or expired, or when the time for
which it was given is over. A row without a claim of its own about its subject answers by the claim
about its source (`source:shop`). A source that takes its consent back ends what its people had agreed to
before; who agrees after that is heard again. What a row states itself (`consent`) stands in for a claim
that there is none of; where it says no, the row fails whatever is claimed. A row made from others
(`parents`) fails with them, whether these stand among the training rows or in the ledger beside them, and
also when their words were erased.

## Why it matters
Training on such a row has no legal basis, and taking it out afterwards costs a new adapter. Under the
GDPR a withdrawal must be acted on within one month.

## How it is measured
Every row with a subject, or with a source of which consent was claimed, is looked at. The measure is
the share of them without consent, with a 95 % Wilson interval; none is tolerated.

## When it cannot tell
A subject of whom no consent was ever claimed has neither given nor withdrawn it, and words such as "unknown"
and "pending" say neither. With such subjects and
no withdrawn one the verdict is unsure and says how many. Where no consent was ever claimed about
anybody and no row states any, the rule is skipped: its input was not given.

## What to do
Take the rows out (`headgate check FILE --fix OUT` drops them from a file), open a case for what was
already trained on them, and freeze a new version.

## References
Regulation (EU) 2016/679 (GDPR), articles 7(3), 12(3) and 17; EDPB Opinion 28/2024 on AI models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headgate.ledger.claims import UNSAID, WITHHELD, consent_word
from headgate.rows.row import Row
from headgate.rules.given import Claims, Corpus, Fact, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict

HOLDS, UNKNOWN, NOBODY = "holds", "unknown", "nobody"  # any other state says why consent does not hold
STANDING = (HOLDS, UNKNOWN, NOBODY)
INHERITED = " for a row it was made from"
TAKEN = "went with that of its source, which was taken back later"
ABOVE = ("known-rows", "erased-rows")
SHOWN = 50  # subjects listed in the details


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of withdrawn-subject."""

    unknown: bool = True  # whether subjects without any consent claim make the verdict unsure


@rule(
    "LIN002",
    failure="provenance",
    needs=("training-rows", "claims"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
)
def withdrawn_subject(given: Given, options: Options) -> Verdict:
    """Looks up the consent behind every row at the moment of the check."""
    rows = given.rows("training-rows")
    claims: Claims = given.get("claims")
    if not claims.knows("consent") and not any(map(_stated, rows)):
        return withdrawn_subject.skipped("not given: any consent claim")
    states = _states(rows, [row for name in ABOVE if given.has(name) for row in given.rows(name)], claims)
    judged = sum(state != NOBODY for state in states)
    findings: list[Finding] = []
    without: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for row, state in zip(rows, states, strict=True):
        whom = f"subject {row.side.subject!r}" if row.side.subject else f"source {row.side.source!r}"
        if state == UNKNOWN:
            unknown[whom] += 1
        elif state not in STANDING:
            without[whom] += 1
            message = f"consent of {whom} {state}"
            findings.append(Finding(message=message, place=row.place, row=row.id, remedy="drop"))
    details: dict[str, Any] = {
        "asked_at": claims.at.isoformat(),
        "without_consent": _first(without),
        "unknown": _first(unknown),
        "rows_about_nobody": len(rows) - judged,
    }
    if not findings and unknown and options.unknown:
        return cannot_tell(
            summary=f"{unknown.total():,} of {judged:,} rows are about people of whose consent nothing is known",
            reason=f"no consent claim about {len(unknown):,} subject{'s' * (len(unknown) > 1)}",
            next_step="claim it for the source (consent in [capture], or --consent) or for each of them (--claims), "
            "and capture again",
            details=details,
        )
    return judge_share(
        len(findings),
        judged,
        name="rows without consent",
        summary=_summary(len(findings), judged, len(without)),
        findings=findings,
        zero_tolerance=True,
        details=details,
    )


def _summary(hits: int, judged: int, people: int) -> str:
    if not judged:
        return "no row names a subject"
    if not hits:
        return f"consent holds for each of {judged:,} rows about a person"
    whom = "1 subject" if people == 1 else f"{people:,} subjects"
    return f"{hits:,} of {judged:,} rows about a person lack consent ({whom})"


def _states(rows: Corpus, above: Sequence[Row], claims: Claims) -> list[str]:
    """Consent behind each row; a row made from others inherits what does not hold for them, `above` it or beside."""
    known: dict[tuple[str | None, str | None, str], str] = {}

    def state(row: Row) -> str:
        key = (row.side.subject, row.side.source, _stated(row))
        if key not in known:
            known[key] = _with_stated(_state(claims, *key[:2]), key[2])
        return known[key]

    states = list(map(state, rows))
    if not any(row.side.parents for row in rows):
        return states
    state_of = {row.id: state(row) for row in above}
    state_of |= {row.id: found for row, found in zip(rows, states, strict=True)}
    children = {row.id: row.side.parents for row in (*above, *rows) if row.side.parents}
    changed = True
    while changed:
        changed = False
        for child, parents in children.items():
            lost = [found for parent in parents if (found := state_of.get(parent, NOBODY)) not in STANDING]
            if lost and state_of[child] in STANDING:
                state_of[child], changed = lost[0].removesuffix(INHERITED) + INHERITED, True
    return [state_of[row.id] if row.side.parents else found for row, found in zip(rows, states, strict=True)]


def _stated(row: Row) -> str:
    """What a row says of consent itself; empty where it says nothing. JSON may say true, false or an object."""
    said = row.side.extra.get("consent") if row.side.consent is None else row.side.consent
    word = "" if said is None else consent_word(said)
    return "" if word in UNSAID else word


def _with_stated(state: str, said: str) -> str:
    """With what the row says itself: a no counts whatever is claimed, anything else where nothing is claimed."""
    if said in WITHHELD:
        return f"is {said}, as the row says" if state in STANDING else state
    return HOLDS if said and state in (UNKNOWN, NOBODY) else state


def _state(claims: Claims, subject: str | None, source: str | None) -> str:
    """Consent of one subject of one source."""
    fact = claims.latest(f"subject:{subject}", "consent") if subject else None
    of_source = claims.latest(f"source:{source}", "consent") if source else None
    if fact is None:
        fact = of_source
    elif of_source is not None and of_source.observed_at > fact.observed_at and _taken_back(of_source, claims):
        return TAKEN
    if fact is None:
        return UNKNOWN if subject else NOBODY
    if fact.ended_by(claims.at):
        return f"ran out on {fact.valid_to:%Y-%m-%d}"
    word = consent_word(fact.value)
    if word in UNSAID:
        return UNKNOWN if subject else NOBODY
    return f"is {word}" if word in WITHHELD else HOLDS


def _taken_back(fact: Fact, claims: Claims) -> bool:
    """Whether it was given once and is gone: a source that never gave any leaves it to each person."""
    return consent_word(fact.value) in ("withdrawn", "revoked") and not fact.ended_by(claims.at)


def _first(counts: Counter[str]) -> dict[str, int]:
    """Most frequent first; ties by name, so that the order of the rows does not show."""
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:SHOWN])
