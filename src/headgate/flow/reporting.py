"""What a walk looks like: one screen for a person, one object for a script, one page for a browser."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from headgate import __version__
from headgate.check.reports import page, screen
from headgate.flow.project import Project
from headgate.flow.walking import Walk, Walked
from headgate.kit.files import write_text
from headgate.stats.verdict import Level, Outcome, Verdict

COLOUR = screen.COLOUR
WIDTH = 118
WARNINGS = 8  # lines of warnings at the end of a walk
COMPARISON = "candidate-over-"  # rules of the stage evaluate that compare two models on the same items


def line(step: Walk, *, colour: bool = False) -> str:
    """One stage in one line."""
    word = step.result.outcome.value
    shown = f"\033[{COLOUR[step.result.outcome]}m{word:<6}\033[0m" if colour else f"{word:<6}"
    took = "unchanged" if step.reused else f"{step.seconds:.1f} s"
    summary = step.result.summary
    room = WIDTH - 20 - len(took) - 2
    if len(summary) > room and step.result.outcome is Outcome.PASS:
        summary = summary[: room - 1] + "…"
    return f"  {step.stage.name:<9} {shown} {summary}  {took}"


def ending(walked: Walked, report: Path | None, *, colour: bool = False) -> str:
    """What follows the stages: the verdicts of the one that stopped, and how it ended."""
    lines: list[str] = []
    last = walked.steps[-1] if walked.steps else None
    if last and last.result.outcome is not Outcome.PASS:
        spoken = [v for v in last.result.verdicts if v.outcome in (Outcome.FAIL, Outcome.UNSURE)]
        lines += ["", screen.report(spoken, colour=colour)]
    lines += ["", *warnings(walked), *gains(walked), f"{walked.flow}: {walked.summary}"]
    if report:
        lines.append(f"report  {report}")
    return "\n".join(lines)


def warnings(walked: Walked) -> list[str]:
    """What warns or cannot tell without stopping, one line each; what stopped the walk is told in full elsewhere."""
    stopped = walked.steps[-1] if walked.steps and walked.steps[-1].result.outcome is not Outcome.PASS else None
    mild = [
        verdict
        for step in walked.steps
        if step is not stopped
        for verdict in step.result.verdicts
        if verdict.outcome in (Outcome.FAIL, Outcome.UNSURE) and verdict.level is Level.WARN and not _gain(verdict)
    ]
    lines = [f"  {'warn' if one.outcome is Outcome.FAIL else '??  '} {one.rule}: {one.summary}" for one in mild]
    lines = [text if len(text) <= WIDTH else text[: WIDTH - 1] + "…" for text in lines]
    rest = len(lines) - WARNINGS
    return [*lines[:WARNINGS], f"  and {rest:,} more warnings (report, --json)"] if rest > 0 else lines


def gains(walked: Walked) -> list[str]:
    """What the candidate gained, and what the items could show, for each comparison that was made."""
    measured = [v for step in walked.steps if step.stage.name == "evaluate" for v in step.result.verdicts]
    told = [v for v in measured if _gain(v)]
    lines = [
        [f"  {v.summary}", f"    {screen.power_line(v.details)}"] for v in told if v.outcome is not Outcome.SKIPPED
    ]
    return [line for some in lines for line in some if line.strip()]


def _gain(verdict: Verdict) -> bool:
    """Whether a verdict has its line among the gains."""
    return verdict.rule.startswith(COMPARISON) or bool(verdict.details.get("dirty_items"))


def as_json(walked: Walked, command: str, report: Path | None) -> dict[str, Any]:
    """The shape that every surface prints, with the stages."""
    return {
        "headgate": __version__,
        "command": command,
        "outcome": walked.outcome.value,
        "flow": walked.flow,
        "summary": walked.summary,
        "release": walked.release,
        "stages": [
            {
                "stage": step.stage.name,
                "transition": step.stage.transition,
                "outcome": step.result.outcome.value,
                "summary": step.result.summary,
                "reused": step.reused,
                "seconds": round(step.seconds, 3),
                "outputs": dict(step.result.outputs),
                "facts": dict(step.result.facts),
                "step": step.step,
            }
            for step in walked.steps
        ],
        "verdicts": [v.as_json() for step in walked.steps for v in step.result.verdicts],
        "report": str(report) if report else None,
    }


def write_page(walked: Walked, project: Project, at: datetime) -> Path:
    """Writes the HTML report of a walk and returns its path; that it quotes rows about people is recorded as a read.

    Who may not read such rows gets it without the proposals, and hands a walk without their words
    (`flow.withholding`).
    """
    proposals = _noted(walked, project, _proposals(walked, project), at)
    diffs = _diffs(walked, project, at)
    sections = [
        page.Section(
            title=f"{step.stage.name}: {step.stage.transition}",
            outcome=step.result.outcome,
            summary=step.result.summary,
            verdicts=step.result.verdicts,
            facts=step.result.facts,
            reused=step.reused,
            proposal=proposals.get(step.stage.name),
            diff=diffs.get(step.stage.name),
        )
        for step in walked.steps
    ]
    title = f"{walked.flow}" + (f": {project.flow.settings.about}" if project.flow.settings.about else "")
    text = page.html(
        title=title, outcome=walked.outcome, summary=walked.summary, sections=sections, at=at, command="headgate run"
    )
    folder = project.store / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{walked.flow}.html"
    write_text(path, text)
    return path


def _noted(walked: Walked, project: Project, proposals: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The proposals that may be shown, after everything that the page quotes was recorded as read."""
    from headgate.evaluate.exposure import REPORT, expose, named_items
    from headgate.flow.withholding import may_read
    from headgate.ledger import reads

    found = [verdict.as_json() for step in walked.steps for verdict in step.result.verdicts]
    with project.ledger() as ledger:
        if not may_read(ledger, at):
            return {}  # nothing of any row is shown
        numbers = reads.quoted_rows(ledger, found)
        for step in walked.steps:
            if proposal := step.result.facts.get("proposal"):
                numbers |= reads.quoted_rows(
                    ledger, orjson.loads(ledger.content.get(ledger.node(proposal).body["list"]))
                )
        reads.note(ledger, f"report of {walked.flow}", numbers, ask=False, now=at)
        rows = [
            row
            for step in walked.steps
            for v in step.result.verdicts
            for f in v.findings
            for row in (f.row, f.other_row)
        ]
        expose(ledger, named_items(ledger, filter(None, rows)), how=REPORT, where=f"{walked.flow}.html")
    return proposals


def _proposals(walked: Walked, project: Project) -> dict[str, Any]:
    """What a person may review, by stage: the newest proposal of near-duplicates."""
    from headgate.curate.reviewing import for_report

    found = {}
    for step in walked.steps:
        if proposal := step.result.facts.get("proposal"):
            with project.ledger() as ledger:
                found[step.stage.name] = for_report(ledger, proposal)
    return found


def _diffs(walked: Walked, project: Project, at: datetime) -> dict[str, Any]:
    """What each step of a curation took away, by stage; without words of rows for somebody who may not read them."""
    from headgate.curate.departures import read
    from headgate.flow.withholding import may_read, withheld_diff

    found = {}
    for step in walked.steps:
        if diff := step.result.facts.get("diff"):
            with project.ledger() as ledger:
                told = read(ledger, diff)
                found[step.stage.name] = told if may_read(ledger, at) else withheld_diff(told)
    return found
