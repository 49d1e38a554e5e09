"""Verdicts as workflow commands that GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from headgate.stats.verdict import Level, Outcome, Verdict

COMMAND = {Level.BLOCK: "error", Level.WARN: "warning", Level.NOTE: "notice"}
SHOWN = 10  # annotations for each verdict; the platform itself shows ten of a kind


def workflow_commands(verdicts: Sequence[Verdict], bad_lines: Sequence[Any] = ()) -> list[str]:
    """One line for each bad line and finding shown, and one for each failing verdict as a whole."""
    lines = [
        f"::error file={_property(bad.file)},line={bad.line},title=cannot be read::{_message(bad.what)}"
        for bad in bad_lines[:SHOWN]
    ]
    for verdict in verdicts:
        if verdict.outcome not in (Outcome.FAIL, Outcome.UNSURE):
            continue
        command = COMMAND[verdict.level] if verdict.outcome is Outcome.FAIL else "notice"
        title = _property(f"{verdict.rule} ({verdict.code})" if verdict.code else verdict.rule)
        lines.append(f"::{command} title={title}::{_message(verdict.summary)}")
        located = ((f, f.place) for f in verdict.findings if f.place)
        for finding, at in islice(located, SHOWN):
            place = f"file={_property(at.file)},line={at.line}"
            lines.append(f"::{command} {place},title={title}::{_message(finding.message)}")
    return lines


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
