"""Verdicts as SARIF 2.1.0, the format that code-review platforms read.

Reference: OASIS, Static Analysis Results Interchange Format, version 2.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any
from urllib.parse import quote

import orjson

from headgate import __version__
from headgate.stats.verdict import Finding, Level, Outcome, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVEL = {Level.BLOCK: "error", Level.WARN: "warning", Level.NOTE: "note"}

UNREAD = "unreadable-line"
RESULTS = "results of headgate"  # stands for all results while what is around them is written


def write_sarif(
    stream: IO[bytes], verdicts: Sequence[Verdict], bad_lines: Sequence[Any] = (), *, file: str = ""
) -> None:
    """`sarif` as indented JSON, written result by result: a large file has millions."""
    whole = orjson.dumps(_report(verdicts, bad_lines, [RESULTS]), option=orjson.OPT_INDENT_2)
    before, after = whole.split(orjson.dumps(RESULTS))
    margin = before[before.rindex(b"\n") :]
    stream.write(before)
    between = b""
    for result in _all_results(verdicts, bad_lines, file):
        stream.write(between + orjson.dumps(result, option=orjson.OPT_INDENT_2).replace(b"\n", margin))
        between = b"," + margin
    stream.write(after)


def sarif(verdicts: Sequence[Verdict], bad_lines: Sequence[Any] = (), *, file: str = "") -> dict[str, Any]:
    """One run with one result for each finding (or verdict without findings) and each bad line.

    A verdict that has no line stands at the first line of `file`: the standard asks for no place, but platforms
    refuse a whole report for one result that has none.
    """
    return _report(verdicts, bad_lines, list(_all_results(verdicts, bad_lines, file)))


def _all_results(verdicts: Sequence[Verdict], bad_lines: Sequence[Any], file: str) -> Iterator[dict[str, Any]]:
    yield from map(_unread, bad_lines)
    for verdict in verdicts:
        if verdict.outcome in (Outcome.FAIL, Outcome.UNSURE):
            yield from _results(verdict, file)


def _report(verdicts: Sequence[Verdict], bad_lines: Sequence[Any], results: list[Any]) -> dict[str, Any]:
    spoken = [v for v in verdicts if v.outcome in (Outcome.FAIL, Outcome.UNSURE)]
    rules = [
        {
            "id": v.code or v.rule,
            "name": v.rule,
            "shortDescription": {"text": v.summary},
            "help": {"text": f"headgate explain {v.rule}"},
            "properties": {"failure": v.failure},
        }
        for v in _once(spoken)
    ]
    if bad_lines:
        rules.append({"id": UNREAD, "name": UNREAD, "shortDescription": {"text": "lines that could not be read"}})
    driver = {"name": "headgate", "semanticVersion": __version__, "rules": rules}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _unread(line: Any) -> dict[str, Any]:
    message = {"text": f"{line.what}: {line.found}" if line.found else line.what}
    return {"ruleId": UNREAD, "level": "error", "message": message, "locations": [_location(line.file, line.line)]}


def _once(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return list({verdict.code or verdict.rule: verdict for verdict in verdicts}.values())


def _results(verdict: Verdict, file: str) -> Iterator[dict[str, Any]]:
    level = LEVEL[verdict.level] if verdict.outcome is Outcome.FAIL else "note"
    base = {"ruleId": verdict.code or verdict.rule, "level": level}
    located = False
    for finding in verdict.findings:
        if finding.place:
            located = True
            yield base | {"message": {"text": finding.message}} | _locations(finding)
    if not located:
        whole = {"locations": [_location(file, 1)]} if file else {}
        yield base | {"message": {"text": verdict.summary}} | whole


def _locations(finding: Finding) -> dict[str, Any]:
    places = {"locations": [_location(finding.place.file, finding.place.line)]} if finding.place else {}
    if finding.other:
        places["relatedLocations"] = [_location(finding.other.file, finding.other.line)]
    if finding.row:
        places |= {"partialFingerprints": {"headgateRow/v1": finding.row}}  # type: ignore[dict-item]
    return places


def _location(file: str, line: int) -> dict[str, Any]:
    uri = quote(file.replace("\\", "/"))
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
