"""The last step before a freeze: every row in hand is held against every protected item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyroaring import BitMap

from headgate.curate.settings import Settings
from headgate.curate.working import Bench, Removed, removed_from
from headgate.ledger.ledger import Ledger
from headgate.ledger.protection import COPY, Match
from headgate.ledger.steps import StageContext
from headgate.ledger.versions import DatasetVersion
from headgate.rules.firewall import admit, protect_files, trained_rows
from headgate.stats.judging import judge_count
from headgate.stats.verdict import FINDINGS_SHOWN, Finding, Level, Outcome, Verdict

STEP = RULE = "firewall"
FAILURE = "continuous-contamination"


def protects(ledger: Ledger, settings: Settings, context: StageContext) -> None:
    """Protects the evaluation files that the section names.

    Raises:
        Refused: a file cannot be read.
    """
    how = settings.decontaminate
    protect_files(ledger, settings.against, context.folder, columns=how.columns, format=how.format)


def hold_firewall(
    ledger: Ledger, bench: Bench, settings: Settings, version: DatasetVersion | None, *, quiet: bool
) -> Verdict:
    """Takes training rows away that copy a protected item, or stops at them; the verdict on what is left.

    Rows that are only like one stay and are listed for a look, unless the section says otherwise. Rows of other
    splits stay: they are not trained on. `version` is the newest of this dataset; rows of it that copy what was
    protected since are counted as reopened.
    """
    sets = ledger.protection.in_force()
    if not sets:
        bench.report(STEP, len(bench.items))
        return _nothing_protected()
    before = len(bench.items)
    matches = admit(ledger, BitMap(item.number for item in bench.items), quiet=quiet)
    strongest = _strongest(matches)
    trained = {bench.items[place].number for place in bench.positions(settings.splitting.train)}
    found = {number: match for number, match in strongest.items() if number in trained}
    copies = {number for number, match in found.items() if match.grade == COPY}
    refused = copies if settings.alike == "review" else set(found)
    origins = {item: one.name for one in reversed(sets) for item in one.items}
    stops = settings.leaked == "stop"
    gone = {
        place: _removed(bench, place, found[item.number], origins)
        for place, item in enumerate(bench.items)
        if item.number in refused and not (stops and item.number in copies)
    }
    bench.remove(STEP, gone)
    was = trained_rows(ledger, version.name) if version else BitMap()
    details: dict[str, Any] = {
        "protected_items": sum(len(one.items) for one in sets),
        "refused": len(gone),
        "by_definition": dict(Counter(found[number].strongest[0] for number in sorted(refused)).most_common()),
        "by_set": dict(Counter(origins[found[number].item] for number in sorted(refused)).most_common()),
        **_alike(bench, {number: match for number, match in found.items() if number not in refused}, origins),
        "held_out_rows_that_match": len(strongest) - len(found),
        "reopened": sorted(was & BitMap(refused)),
        "reopened_of": version.name if version else "",
    }
    return _judged(bench, before, found, copies if stops else set(), origins, details)


def _alike(bench: Bench, found: Mapping[int, Match], origins: Mapping[str, str]) -> dict[str, Any]:
    """Rows that stay and may be siblings of an item: how many, and the likest for a person to look at."""
    rows = {item.number: item.row.id for item in bench.items}
    likest = sorted(found, key=lambda number: (-found[number].strongest[1], number))[:FINDINGS_SHOWN]
    listed = [_finding(rows[number], found[number], origins, "is much like").as_json() for number in likest]
    return {"to_review": len(found), "alike": listed}


def _judged(
    bench: Bench,
    looked_at: int,
    found: Mapping[int, Match],
    left: set[int],
    origins: Mapping[str, str],
    details: dict[str, Any],
) -> Verdict:
    summary = f"{len(left):,} of {looked_at:,} rows copy a protected item; {details['refused']:,} were refused"
    if details["to_review"]:
        summary += f", {details['to_review']:,} are much like one and want a look"
    if details["reopened"]:
        summary += f", {len(details['reopened']):,} of them reopened from {details['reopened_of']}"
    verdict = judge_count(
        len(left),
        name="rows that copy a protected item",
        summary=summary,
        looked_at=looked_at,
        at_most=0,
        findings=[_finding(item.row.id, found[item.number], origins) for item in bench.items if item.number in left],
        next_step='set leaked = "remove" in [curate], or retire the items: headgate curate retire' if left else "",
        details=details,
    )
    return replace(verdict, rule=RULE, failure=FAILURE, level=Level.BLOCK)


def _nothing_protected() -> Verdict:
    return Verdict(
        rule=RULE,
        code="",
        failure=FAILURE,
        outcome=Outcome.SKIPPED,
        level=Level.BLOCK,
        summary="no evaluation item is protected",
        reason="not given: a suite in [evaluate], files in check.eval or curate.against",
    )


def _strongest(matches: Sequence[Match]) -> dict[int, Match]:
    """Of each row the match that says most: a copy before what is alike, then the largest share."""
    best: dict[int, Match] = {}
    for match in matches:
        held = best.get(match.number)
        if held is None or _strength(match) > _strength(held):
            best[match.number] = match
    return best


def _strength(match: Match) -> tuple[bool, float, str]:
    return match.grade == COPY, match.strongest[1], match.item


def _removed(bench: Bench, place: int, match: Match, origins: Mapping[str, str]) -> Removed:
    definition, share = match.strongest
    reason = f"{'copies' if match.grade == COPY else 'is much like'} a protected item ({definition}{_in(match)})"
    # Never the item's words: it may be sealed.
    return removed_from(
        bench.items[place], STEP, reason, partner=match.item, partner_place=origins[match.item], similarity=share
    )


def _in(match: Match) -> str:
    return f", in {match.where}" if match.where else ""


def _finding(row: str, match: Match, origins: Mapping[str, str], does: str = "copies") -> Finding:
    definition, share = match.strongest
    message = f"{does} an item of {origins[match.item]} ({definition}, {share:.0%}{_in(match)})"
    return Finding(message=message, row=row, other_row=match.item, remedy="drop" if does == "copies" else "review")
