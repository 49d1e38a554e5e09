"""Verdicts as one HTML file: no script, no request, readable in light and dark, and printable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate import __version__
from headgate.check.reports import screen
from headgate.stats.verdict import FINDINGS_SHOWN, Level, Measure, Outcome, Verdict

SENTENCE = {Outcome.PASS: "Pass", Outcome.FAIL: "Fail", Outcome.UNSURE: "Cannot tell", Outcome.SKIPPED: "Skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One stage of a flow, or one audit of files."""

    title: str
    outcome: Outcome
    summary: str
    verdicts: Sequence[Verdict] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # shown as a small table
    reused: bool = False  # nothing had changed, so the recorded answer stands
    diff: Any = None  # what each step of a curation took away, by class
    proposal: Any = None  # rows that may go, with their differences: headline, clusters, mixed


def html(*, title: str, outcome: Outcome, summary: str, sections: Sequence[Section], at: datetime, command: str) -> str:
    """The page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("headgate.check.reports", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "measured": screen.measured,
        "sentence": _sentence,
        "spoken": _spoken,
        "bar": bar,
        "cell": _cell,
        "slice_rows": screen.slice_rows,
    }
    return environment.get_template("page.html.j2").render(
        title=title,
        outcome=outcome,
        summary=summary,
        sections=[_ranked(section) for section in sections],
        at=at.strftime("%Y-%m-%d %H:%M UTC"),
        command=command,
        version=__version__,
        shown=FINDINGS_SHOWN,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval on a line, in per cent of its width."""

    low: float
    width: float
    value: float
    threshold: float | None
    left: str  # label of the left end
    right: str


def bar(measure: Measure, threshold: Mapping[str, float]) -> Bar:
    """Where value, interval and threshold stand on a common scale."""
    limit = next(iter(threshold.values()), None)
    points = [measure.value, measure.low, measure.high, 0.0, *([] if limit is None else [limit])]
    least, most = min(points), max(points)
    span = (most - least) * 1.1 or 1.0
    if measure.unit == "share" and most <= 1.0:
        span = min(span, 1.0 - least)  # no scale of shares goes beyond all of them
    most = least + span

    def at(number: float) -> float:
        return round(100 * (number - least) / span, 2)

    def label(number: float) -> str:
        return f"{number:.1%}" if measure.unit == "share" else f"{number:.3g}"

    return Bar(
        low=at(measure.low),
        width=max(at(measure.high) - at(measure.low), 0.8),
        value=at(measure.value),
        threshold=None if limit is None else at(limit),
        left=label(least),
        right=label(most),
    )


def _ranked(section: Section) -> Section:
    order = {Outcome.FAIL: 0, Outcome.UNSURE: 1, Outcome.PASS: 2, Outcome.SKIPPED: 3}
    ranked = sorted(section.verdicts, key=lambda v: (order[v.outcome], v.level is not Level.BLOCK, v.code, v.rule))
    return Section(
        title=section.title,
        outcome=section.outcome,
        summary=section.summary,
        verdicts=ranked,
        facts=section.facts,
        reused=section.reused,
        proposal=section.proposal,
    )


def _sentence(outcome: Outcome) -> str:
    return SENTENCE[Outcome(outcome)]


def _spoken(verdict: Verdict) -> str:
    """The word on a verdict's badge: a failure that does not stop is a warning or a note."""
    if verdict.outcome is Outcome.FAIL and verdict.level is not Level.BLOCK:
        return "Warning" if verdict.level is Level.WARN else "Note"
    return _sentence(verdict.outcome)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_cell(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_cell(inner) for inner in value)
    return str(value)
