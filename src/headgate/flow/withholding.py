"""What a verdict says to somebody who may not read the content of rows about people: counts and places, no words.

Withheld are messages of findings, spellings that they would mend, examples and every other text in the details, and
what a sentence puts in quotation marks. Numbers, outcomes, addresses of rows and next steps stay.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from headgate.flow.walking import Walk, Walked
from headgate.kit.people import acting
from headgate.ledger.ledger import Ledger
from headgate.ledger.reads import VARIABLE
from headgate.ledger.roles import PERSONAL, in_force
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Finding, Verdict, unquoted

WITHHELD = "withheld: to read rows about people takes the role personal"
QUOTING_FACTS = ("bad-lines",)
SHOWN = 50  # findings that a surface shows at most


def may_read(ledger: Ledger, at: datetime, purpose: str = "") -> bool:
    """Whether who acts may read content about people, and says what for where that is wanted."""
    table = in_force(ledger, at)
    if table is None:
        return True
    said = PERSONAL not in table.purpose or bool(purpose.strip() or os.environ.get(VARIABLE, "").strip())
    return said and table.allows(acting().name, PERSONAL)


def withheld(verdict: Verdict) -> Verdict:
    """A verdict without words of rows."""
    return replace(
        verdict,
        summary=unquoted(verdict.summary),
        reason=unquoted(verdict.reason),
        next_step=unquoted(verdict.next_step),
        findings=tuple(_withheld(one) for one in verdict.findings[:SHOWN]),
        findings_total=max(verdict.findings_total, len(verdict.findings)),
        details=_numbers(verdict.details),
    )


def withheld_json(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded verdict without words of rows."""
    out = {name: unquoted(value) if isinstance(value, str) else value for name, value in verdict.items()}
    if "findings" in out:
        out["findings"] = [_bare(one) for one in verdict["findings"]]
    if "details" in out:
        out["details"] = _numbers(verdict["details"])
    return out


def withheld_record(kind: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of a record without words of rows; verdicts and steps are those that quote them by no address."""
    if kind == "verdict":
        return withheld_json(body)
    if kind == "step":
        facts = {name: value for name, value in body.get("facts", {}).items() if name not in QUOTING_FACTS}
        return {**body, "summary": unquoted(str(body.get("summary", ""))), "facts": facts}
    return body


def withheld_diff(diff: Mapping[str, Any]) -> dict[str, Any]:
    """A curation diff without words of rows: values of slices come from files, and a reason may quote."""
    steps = [{**one, "classes": [_unsliced(line) for line in one["classes"]]} for one in diff["steps"]]
    whole = {**diff["whole"], "classes": [_unsliced(line) for line in diff["whole"]["classes"]]}
    restored = [
        {name: value for name, value in one.items() if name != "slices"} | {"reason": unquoted(one["reason"])}
        for one in diff["restored"]
    ]
    return {**diff, "steps": steps, "whole": whole, "restored": restored}


def withheld_step(step: Walk) -> Walk:
    """One stage of a walk without words of rows."""
    result: StepResult = step.result
    facts = {name: value for name, value in result.facts.items() if name not in QUOTING_FACTS}
    verdicts = tuple(map(withheld, result.verdicts))
    return replace(step, result=replace(result, summary=unquoted(result.summary), verdicts=verdicts, facts=facts))


def withheld_walk(walked: Walked) -> Walked:
    """A walk without words of rows."""
    return replace(walked, steps=tuple(map(withheld_step, walked.steps)))


def _withheld(finding: Finding) -> Finding:
    return replace(finding, message=WITHHELD, replacement=None, slice=None)


def _bare(finding: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in finding.items() if name not in ("replacement", "slice")}
    return {**kept, "message": WITHHELD}


def _unsliced(line: Mapping[str, Any]) -> dict[str, Any]:
    if line["kind"] != "slice":
        return dict(line)
    return {**line, "class": str(line["class"]).partition("=")[0] + "=[withheld]"}


def _numbers(details: Mapping[str, Any]) -> dict[str, Any]:
    """What is a number by itself; names of what is counted may be words of rows."""
    kept = {name: value for name, value in details.items() if value is None or isinstance(value, bool | int | float)}
    return kept | ({"withheld": WITHHELD} if len(kept) < len(details) else {})
