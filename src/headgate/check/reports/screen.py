"""Verdicts for a person at a terminal: one line each, then number, place and next step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from headgate.stats.claims import power_words
from headgate.stats.verdict import Finding, Level, Measure, Outcome, Place, Verdict

WORD = {Outcome.PASS: "passes", Outcome.FAIL: "fails", Outcome.UNSURE: "cannot tell", Outcome.SKIPPED: "skipped"}
MARK = {Outcome.PASS: "ok  ", Outcome.FAIL: "FAIL", Outcome.UNSURE: "??  ", Outcome.SKIPPED: "-   "}
COLOUR = {Outcome.PASS: "32", Outcome.FAIL: "31", Outcome.UNSURE: "33", Outcome.SKIPPED: "2"}
PLACES_SHOWN = 3
WIDTH = 118
NEEDS = {
    "evaluation-items": "--eval FILE gives them evaluation items",
    "reference-rows": "--reference FILE gives them real rows",
    "registry": "--registry FILE gives them a list of real identifiers",
    "before-rows": "--before FILE gives them the rows that these were rewritten from",
    "selected-rows": "curate asks it, in a flow",
    "claims": "claims of consent are recorded in a flow",
    "few-shot-prompts, evaluation-items": "--prompts FILE and --eval FILE give them prompts as sent, and items",
    "labels": "files of labels (item, annotator, label) are checked on their own",
    "few-shot-prompts": "--prompts FILE gives them few-shot prompts as they were sent",
    "evaluation-items, past-run": "--past-run FILE and --eval FILE give them a past run and its items",
    "past-run": "--past-run FILE gives them the outcome of a past run",
    "looks": "--looks FILE gives them the history of looks at evaluation items",
    "a system message in any row, or instructions": "--instructions FILE gives them what goes with every request",
}  # what a person does about an input that was not given
ORDER = (Outcome.FAIL, Outcome.UNSURE, Outcome.PASS, Outcome.SKIPPED)


@dataclass(frozen=True, slots=True)
class SliceRow:
    """What a removal does to one slice."""

    name: str  # such as "intent=refund"
    rows: int  # before
    retention: float  # share that stays
    below_floor: bool


def verdict_lines(verdict: Verdict, *, colour: bool = False) -> list[str]:
    """The lines of one verdict; a pass or a skip takes one line."""
    mark = MARK[verdict.outcome]
    if verdict.outcome is Outcome.FAIL and verdict.level is not Level.BLOCK:
        mark = "warn" if verdict.level is Level.WARN else "note"
    if colour:
        mark = f"\033[{COLOUR[verdict.outcome]}m{mark}\033[0m"
    name = f"{verdict.rule} ({verdict.code})" if verdict.code else verdict.rule
    lines = [f"{mark} {name} {word(verdict)}: {verdict.summary.removeprefix('skipped: ')}"]
    if verdict.outcome in (Outcome.PASS, Outcome.SKIPPED):
        return lines
    lines += _labelled("measured", measured(verdict.measure, verdict.threshold))
    for number, place in enumerate(where(verdict)):
        lines.append(_cut(f"       {'where' if number == 0 else '':<9}{place}"))
    details = [("because", verdict.reason), ("power", power_line(verdict.details))]
    details += [("slices", slice_line(verdict.details)), ("try", verdict.next_step)]
    details += [("more", f"headgate explain {verdict.rule}" if verdict.code else "")]
    return lines + [line for label, text in details for line in _labelled(label, text)]


def word(verdict: Verdict) -> str:
    """What the verdict does, as a verb."""
    if verdict.outcome is Outcome.FAIL and verdict.level is not Level.BLOCK:
        return "warns" if verdict.level is Level.WARN else "notes"
    return WORD[verdict.outcome]


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=WIDTH,
        initial_indent=f"       {label:<9}",
        subsequent_indent=" " * 16,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def measured(measure: Measure | None, threshold: Mapping[str, float]) -> str:
    """Value, interval, n and threshold in words."""
    if measure is None or not measure.n:
        return ""
    level = f"{measure.level * 100:g} % interval"
    if measure.unit == "share":
        interval = f"{level} {measure.low:.2%} to {measure.high:.2%}"
        size = f"{measure.value:.2%} of {measure.n:,} ({measure.name}), {interval}"
        limits = [f"{name.replace('_', ' ')} {value:.1%}" for name, value in threshold.items()]
    else:
        interval = f"{level} {measure.low:.4g} to {measure.high:.4g}"
        size = f"{measure.value:.4g} {measure.unit} ({measure.name}), {interval}, n = {measure.n:,}"
        limits = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in threshold.items()]
    return ", ".join([size, *limits])


def power_line(details: Mapping[str, Any]) -> str:
    """What the items of a comparison could show at all; empty for other verdicts."""
    power = details.get("power")
    return power_words(power) if isinstance(power, Mapping) and "visible" in power else ""


def where(verdict: Verdict) -> list[str]:
    """The first few places that the verdict points at, and how many there are."""
    shown = [finding_line(finding) for finding in verdict.findings[:PLACES_SHOWN]]
    rest = max(verdict.findings_total, len(verdict.findings)) - len(shown)
    return [*shown, f"and {rest:,} more (--json lists them)"] if rest > 0 and shown else shown


def finding_line(finding: Finding) -> str:
    """Place and message of one finding; files by name alone, JSON has the paths."""
    at = _short(finding.place) if finding.place else (finding.row or "")[:15]
    partner = f" ({_short(finding.other)})" if finding.other and str(finding.other) not in finding.message else ""
    return f"{at}  {finding.message}{partner}".strip()


def _short(place: Place) -> str:
    return f"{PurePath(place.file).name}:{place.line}"


def slice_rows(details: Mapping[str, Any]) -> list[SliceRow]:
    """The slice table of a verdict, whichever of its two shapes it has; those that lose most first."""
    table = details.get("slices")
    if isinstance(table, Mapping):
        table = [{"slice": name, **row} for name, row in table.items()]
    rows = []
    for row in table if isinstance(table, list) else []:
        kept = float(row.get("retention", 1.0))
        below = bool(row.get("below_floor", kept < float(row.get("floor", 0.0))))
        rows.append(SliceRow(str(row["slice"]), int(row.get("rows", row.get("before", 0))), kept, below))
    return sorted(rows, key=lambda row: (not row.below_floor, row.retention, row.name))


def slice_line(details: Mapping[str, Any]) -> str:
    """The slices that would fall under their floor, where a verdict reports slices."""
    below = [row for row in slice_rows(details) if row.below_floor]
    return ", ".join(f"{row.name} keeps {row.retention:.0%} of {row.rows:,}" for row in below[:4])


def report(verdicts: Iterable[Verdict], *, colour: bool = False) -> str:
    """All verdicts, failures first; skipped rules share one line."""
    ranked = sorted(verdicts, key=lambda v: (ORDER.index(v.outcome), v.level is not Level.BLOCK, v.code))
    lines = [line for v in ranked if v.outcome is not Outcome.SKIPPED for line in verdict_lines(v, colour=colour)]
    reasons: dict[str, list[str]] = {}
    for v in ranked:
        if v.outcome is Outcome.SKIPPED:
            reasons.setdefault(_why_skipped(v.reason), []).append(v.rule)
    skipped = [f"{', '.join(rules)} ({reason})" for reason, rules in reasons.items()]
    if skipped:
        lines += textwrap.wrap(
            f"{MARK[Outcome.SKIPPED]} skipped: " + "; ".join(skipped),
            width=WIDTH,
            subsequent_indent=" " * 5,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _why_skipped(reason: str) -> str:
    missing = reason.removeprefix("not given: ")
    return NEEDS.get(missing, reason) or "no reason given"
