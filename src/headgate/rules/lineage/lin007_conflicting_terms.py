"""Licences that cannot be had together, or that do not allow what the model is for.

## What it checks
The licences of the sources of training rows (claims), those on the rows themselves, and what the providers of
teachers say about training on their outputs. All of them bind, also those of rows that a row was made from. A
conflict is: no commercial use or research only where the use is commercial; nothing may be made from it; share-alike
beside another share-alike that it cannot be joined with; outputs that may not train another model.

## Why it matters
After training, a conflict can only be mended by training again without the rows. Of 1,800 audited data sets over 70 %
had no licence at the place where they were found.

## How it is measured
Every row is looked at. Licences are parsed as SPDX expressions: `OR` leaves the choice that conflicts least, what
stands beside `AND` and `WITH` all binds, and the mixture has the strictest terms of its parts. The measure is the
share of rows that stand in a conflict; of share-alike licences, the rows of all but the largest group that goes
together. The details list mixture, parts, conflicts and doubts.

## When it cannot tell
An identifier without a place in our table, `LicenseRef-` names, `NOASSERTION`, `NONE`, what cannot be parsed, a claim
that has run out and a teacher without a word from its provider have unknown terms, which are never permission: unsure
(or fail, with `unknown = "fail"`). So do terms that bar commercial use while `use` does not say what is intended.
Whether a stated licence is the true one, and what a court would say, it does not know.

## What to do
Say what the model is for (`use`). Take the rows out, or agree other terms and claim them with the text as evidence:
`headgate rights licence --source NAME --is EXPRESSION --text FILE --by WHO`. Terms of your own texts go in `terms`.

## References
SPDX specification 3, annex on licence expressions. Creative Commons, list of compatible licences. Longpre and others
2024, "A large-scale audit of dataset licensing and attribution in AI", Nature Machine Intelligence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.rules.corpus import findings_of
from headgate.rules.given import Claims, Given
from headgate.rules.licence_mixtures import NOT_SAID, ROWS, SHARE_ALIKE, Conflict, Mixture, listed, mixture
from headgate.rules.licence_parts import bound_by, parts_of
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict

KNOWN = "known-rows"
LOOK_UP = "headgate rights licence --source NAME --is EXPRESSION --by WHO"
ASK = "headgate rights licence --teacher NAME --is yes|no|conditional --by WHO"
MEND = "what rows state stands whatever is claimed: mend their column, say its terms (terms), or leave them out (where)"
SAY_USE = 'set use = "commercial" or "research" for conflicting-terms'
SHOWN = 50  # parts, conflicts and doubts listed in the details


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of conflicting-terms."""

    use: str = ""  # "commercial", "research", or "" where it is not decided
    unknown: str = "unsure"  # what rows with unknown terms make of the verdict: "unsure" or "fail"
    adapted: bool = True  # whether a tuned model counts as made from its rows, which no-derivatives bars
    terms: Mapping[str, str] = field(default_factory=dict)  # own text to terms: LicenseRef-x = "commercial=yes ..."


@rule(
    "LIN007",
    failure="licence-as-state",
    needs=("training-rows", "claims"),
    options=Options,
    level="block",
    status="stable",
    since="0.3",
)
def conflicting_terms(given: Given, options: Options) -> Verdict:
    """Reckons the terms of the mixture and points at the rows that stand in a conflict."""
    if options.unknown not in ("unsure", "fail"):
        raise Refused("unknown terms are told as", found=repr(options.unknown), wanted='"unsure" or "fail"')
    rows = given.rows("training-rows")
    bound = bound_by(rows, given.rows(KNOWN) if given.has(KNOWN) else ())
    parts, places = parts_of(bound, given.get("claims"), options.terms)
    found = mixture(parts, options.use, adapted=options.adapted)
    why = _faults(found)
    if options.unknown == "fail":
        why = {place: f"{parts[place].name}: {text}" for place, text in reversed(found.doubts)} | why
    reasons = [next((why[part] for part in held if part in why), "") for held in places]
    faulty = np.array([bool(reason) for reason in reasons], dtype=bool)
    hit = np.flatnonzero(faulty[bound.codes]) if len(rows) else np.zeros(0, dtype=np.int64)

    def made(position: int) -> Finding:
        row = rows[int(hit[position])]
        return Finding(message=reasons[bound.codes[hit[position]]], place=row.place, row=row.id, remedy="review")

    details = _details(found, given.get("claims"), options)
    if found.doubts and not len(hit):
        # By name: the order of rows is to change nothing.
        told = listed(sorted({found.parts[place].name for place, _ in found.doubts}))
        doubts = sorted({f"{found.parts[place].name}: {text}" for place, text in found.doubts})
        return cannot_tell(
            summary=f"the terms of {told} are not clear",
            reason="; ".join(doubts[:3]),
            next_step=_next_step(found),
            details=details,
        )
    return judge_share(
        len(hit),
        len(rows),
        name="rows under conflicting terms",
        summary=_summary(found, len(hit), len(rows)),
        findings=findings_of(rows, hit, made, ["review"]),
        zero_tolerance=True,
        details=details,
    )


def _next_step(found: Mixture) -> str:
    """What settles the doubts: each part wants its own."""
    steps: list[str] = []
    for place, text in found.doubts:
        part = found.parts[place]
        if text == NOT_SAID:
            steps.append(SAY_USE)
        elif part.name.startswith("teacher "):
            steps.append(ASK)
        else:
            steps += [LOOK_UP] * (part.said_by != ROWS) + [MEND] * (part.said_by == ROWS or " + " in part.licence)
    return "; ".join(dict.fromkeys(steps))


def _faults(found: Mixture) -> dict[int, str]:
    """Parts whose rows stand in a conflict, with the first conflict of each."""
    why: dict[int, str] = {}
    for conflict in found.conflicts:
        for place in _faulty(conflict, found):
            why.setdefault(place, conflict.text)
    return why


def _faulty(conflict: Conflict, found: Mixture) -> Iterable[int]:
    """Of share-alike licences, all but the largest group that can be joined; of others, the part itself."""
    if conflict.kind != SHARE_ALIKE:
        return conflict.parts
    rows = Counter[str]()
    for place in conflict.parts:
        rows.update(dict.fromkeys(found.chosen[place].under or (), found.parts[place].rows))
    kept = min(rows, key=lambda name: (-rows[name], name), default="")
    return [place for place in conflict.parts if kept not in (found.chosen[place].under or ())]


def _summary(found: Mixture, hits: int, of: int) -> str:
    if not of:
        return "there are no rows"
    kinds = ", ".join(dict.fromkeys(one.kind for one in found.conflicts)) or "unknown terms"
    if hits:
        return f"{hits:,} of {of:,} rows stand in a conflict of terms: {kinds}"
    return f"the terms of {len(found.parts):,} parts of {of:,} rows go together"


def _details(found: Mixture, claims: Claims, options: Options) -> dict[str, Any]:
    told = found.as_json()
    shown = {name: told[name][:SHOWN] for name in ("parts", "conflicts", "doubts")}
    return {"asked_at": claims.at.isoformat(), "use": options.use or "not said", **told, **shown}
