"""Feedback that nobody gave as a lesson: clicks, tests, taste, staging, or without a second person's word.

## What it checks
Rows that came from feedback (they carry a `signal`, `purpose`, `actor_role`, `environment`, `reason` or
`original`). Such a row may be trained on only with a stated purpose of `purposes`, from production, not from
staff (unless `promoted`), with consent, and accepted by a second person (`accepted_by`). The default is: not
eligible.

## Why it matters
Debug clicks, taste and boredom share one button with real labels. A thumb, a click, a copy or a closed ticket is no
label for correctness whatever is written beside it; a year later someone trains on all of them.

## How it is measured
Every row with feedback is looked at; none may be ineligible unless `tolerated` says so. The details count reasons,
purposes and kinds of signal. Rows without any of these fields came from no feedback and are left alone.

## When it cannot tell
Whether a stated purpose is true; `impure-labels` asks a sample of people. Without rows that carry feedback it
is skipped.

## What to do
Write purpose, role and environment when the signal is captured; have candidates accepted by a second person.

## References
Datasheets for datasets (Gebru and others 2021) on why each instance was collected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.rows.row import Row
from headgate.rules.given import Claims, Given
from headgate.rules.shape import rule
from headgate.rules.signals import Feedback, Signal, rows_of_feedback
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict

PURPOSES = {"bug": "debug", "debugging": "debug", "style": "taste", "preference": "taste", "fact": "correctness"}
NO_LABEL = frozenset(
    {
        "click", "thumbs", "thumb", "thumbs-up", "thumbs-down", "like", "dislike", "copy", "view", "dwell", "scroll",
        "share", "regenerate", "ticket-closed", "ticket-closure", "closed", "resolved", "session-end", "impression",
    }
)  # fmt: skip
PRODUCTION = frozenset({"", "production", "prod", "live"})
STAFF = frozenset(
    {"staff", "developer", "engineer", "qa", "tester", "internal", "employee", "admin", "operator", "colleague", "team"}
)
YES = frozenset({"true", "yes", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of untyped-signals."""

    purposes: tuple[str, ...] = ("correctness", "policy")  # purposes that make a candidate
    consent: bool = True  # whether consent is needed, on the row or claimed for its source or subject
    acceptance: bool = True  # whether a second person must have accepted the row
    tolerated: float = 0.0  # share of rows with feedback, 0..1, that may be ineligible


@rule(
    "LIN003",
    failure="accidental-dataset",
    needs=("training-rows",),
    options=Options,
    status="stable",
    since="0.2",
    asks=(Feedback,),
)
def untyped_signals(given: Given, options: Options) -> Verdict:
    """Counts rows of feedback that are not eligible for training."""
    rows = given.rows("training-rows")
    claims: Claims | None = given.get("claims")
    held = rows_of_feedback(rows)
    if not held:
        return untyped_signals.skipped("not given: rows that came from feedback (signal, purpose, environment, ...)")
    reasons: Counter[str] = Counter()
    findings = []
    for row, signal in held:
        lacking = list(_lacking(row, signal, claims, options))
        reasons.update(lacking)
        if lacking:
            findings.append(Finding(message="; ".join(lacking), place=row.place, row=row.id, remedy="review"))
    return judge_share(
        len(findings),
        len(held),
        name="rows of feedback that are not eligible",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(findings), len(held), reasons),
        findings=findings,
        details={
            "reasons": dict(reasons.most_common()),
            "purposes": dict(Counter(signal.purpose.lower() or "none stated" for _, signal in held).most_common(20)),
            "signals": dict(Counter(_kind(signal) or "none stated" for _, signal in held).most_common(20)),
            "rows_without_feedback": len(rows) - len(held),
        },
    )


def _lacking(row: Row, signal: Signal, claims: Claims | None, options: Options) -> Iterator[str]:
    """Why a row is not eligible."""
    purpose = PURPOSES.get(signal.purpose.lower(), signal.purpose.lower())
    if _kind(signal) in NO_LABEL:
        yield f"a {_kind(signal)} is no label"
    if not purpose:
        yield "no purpose"
    elif purpose not in options.purposes:
        yield f"purpose {purpose}"
    promoted = signal.promoted.lower() in YES
    if signal.environment.lower() not in PRODUCTION and not promoted:
        yield f"from {signal.environment.lower()}"
    if signal.role.lower() in STAFF and not promoted:
        yield f"by {signal.role.lower()}"
    if options.consent and not _consented(row, claims):
        yield "no consent"
    if options.acceptance and not signal.accepted:
        yield "accepted by nobody"
    elif options.acceptance and signal.accepted == signal.actor:
        yield "accepted by its author"


def _kind(signal: Signal) -> str:
    return signal.signal.lower().replace("_", "-").replace(" ", "-")


def _consented(row: Row, claims: Claims | None) -> bool:
    if row.side.consent:
        return row.side.consent.lower() not in ("no", "false", "none", "withdrawn", "refused")
    abouts = [f"subject:{row.side.subject}"] * bool(row.side.subject) + [f"source:{row.side.source}"] * bool(
        row.side.source
    )
    return claims is not None and any(claims.value(about, "consent") for about in abouts)


def _summary(hits: int, of: int, reasons: Counter[str]) -> str:
    if not hits:
        return f"each of {of:,} rows of feedback is eligible"
    told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common(3))
    return f"{hits:,} of {of:,} rows of feedback are not eligible: {told}"
