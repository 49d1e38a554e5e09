"""What `headgate check` says to a newcomer with files of their own: steps that work, words that are plain."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from headgate.check.auditing import audit
from headgate.check.reports.annotations import workflow_commands
from headgate.check.reports.sarif import sarif
from headgate.check.surfaces import show, summary, write_reports
from headgate.cli.main import main
from headgate.kit.errors import Refused


def run(*arguments: object) -> int:
    """Exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


def chats(path: Path, pairs: list[tuple[str, str]], *, array: bool = False) -> Path:
    """A file of chats, one a line or as one array."""
    rows = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in pairs
    ]
    path.write_text(json.dumps(rows, indent=1) if array else "\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def table(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    """A table as a spreadsheet writes it."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=";").writerows([header, *rows])
    return path


def step_of(audited: Any, rule: str) -> str:
    """The next step of one verdict."""
    return str(next(verdict.next_step for verdict in audited.verdicts if verdict.rule == rule))


EMPTY = [(f"Where is parcel number {i} of my order?", "" if i == 3 else f"It is at depot {i}.") for i in range(12)]


def test_the_next_step_of_a_mapped_file_runs_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the mapping, quoted; the mended copy has the good rows."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "my tickets.csv", ["Text (customer)", "Our reply"], [list(pair) for pair in EMPTY])
    columns = {"prompt": "Text (customer)", "completion": "Our reply"}
    step = step_of(audit("my tickets.csv", columns=columns), "rows-without-lesson")
    assert 1 == run(*shlex.split(step)[1:], "-q")
    assert 12 == len((tmp_path / "clean.csv").read_text().splitlines())


def test_the_next_step_of_an_array_converts_it_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array has no row a line, so the step makes a file that `--fix` can mend."""
    monkeypatch.chdir(tmp_path)
    chats(tmp_path / "all rows.json", EMPTY, array=True)
    step = step_of(audit("all rows.json"), "rows-without-lesson")
    convert, then = step.split(", then ")
    assert "check 'all rows.jsonl' with --fix" == then
    assert 0 == run(*shlex.split(convert)[1:], "-q")
    assert 1 == run("check", "all rows.jsonl", "--fix", "clean.jsonl", "-q")
    assert 11 == len((tmp_path / "clean.jsonl").read_text().splitlines())


def test_no_next_step_asks_fix_for_two_files(tmp_path: Path) -> None:
    """`--fix` mends one file at a time, and so says the step."""
    one, two = chats(tmp_path / "a.jsonl", EMPTY), chats(tmp_path / "b.jsonl", EMPTY[:2])
    assert "on its own" in step_of(audit([one, two]), "rows-without-lesson")


def test_evaluation_files_may_have_other_columns(tmp_path: Path) -> None:
    """A mapping of their own is used; without one the refusal names the option."""
    train = table(tmp_path / "t.csv", ["Frage vom Kunden", "Antwort"], [list(pair) for pair in EMPTY])
    items = table(tmp_path / "e.csv", ["Q", "A"], [list(pair) for pair in EMPTY[:2]])
    columns = {"prompt": "Frage vom Kunden", "completion": "Antwort"}
    with pytest.raises(Refused) as refused:
        audit(train, eval=items, columns=columns)
    assert "--eval-columns" in str(refused.value.next_step)
    audited = audit(train, eval=items, columns=columns, eval_columns={"prompt": "Q", "completion": "A"})
    assert [12, 2] == [one.rows for one in audited.files]
    step = step_of(audited, "self-leak")
    assert "--eval-columns prompt=Q,completion=A" in step
    assert "--columns 'prompt=Frage vom Kunden,completion=Antwort'" in step


def test_a_subject_alone_does_not_turn_a_note_into_a_stop(tmp_path: Path) -> None:
    """Naming the customer's column helps to find leaks; it says nothing about the origin of the rows."""
    rows = [[asked, said, f"c{i}"] for i, (asked, said) in enumerate(EMPTY[4:])]
    path = table(tmp_path / "t.csv", ["question", "answer", "customer"], rows)
    audited = audit(path, columns={"subject": "customer"}, select=["unsourced-rows"])
    assert ["note"] == [str(verdict.level) for verdict in audited.verdicts]
    assert "none of 1 rules stops this data; 1 notes" == summary(audited)


def test_a_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """Wrong use, not a fault of ours."""
    with pytest.raises(Refused, match="loud"):
        audit(chats(tmp_path / "a.jsonl", EMPTY), levels={"self-leak": "loud"})


def test_bad_lines_stand_in_annotations_and_in_sarif(tmp_path: Path) -> None:
    """A job that ends with 2 shows the lines that made it so."""
    path = chats(tmp_path / "my rows ü.jsonl", EMPTY[4:])
    path.write_text("# made by hand\n" + path.read_text())
    audited = audit(path)
    assert any("line=1,title=cannot be read::broken JSON" in line for line in workflow_commands((), audited.bad_lines))
    results = sarif((), audited.bad_lines)["runs"][0]["results"]
    assert ["unreadable-line"] == [result["ruleId"] for result in results]
    uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.endswith("my%20rows%20%C3%BC.jsonl")
    assert "1 line could not be read" in summary(audited)


def test_every_result_of_a_report_has_a_place(tmp_path: Path) -> None:
    """GitHub takes no part of a report in which one result has none, and what cannot be told has no line."""
    path = chats(tmp_path / "rows.jsonl", EMPTY)
    report = tmp_path / "report.sarif"
    found = audit(path, eval=path, select=["self-leak", "short-item-leak", "group-leak"])
    write_reports(found, fix=None, page=None, sarif=report, command="check")
    results = orjson.loads(report.read_bytes())["runs"][0]["results"]
    assert "unsure" in [verdict.outcome for verdict in found.verdicts]
    places = [one["locations"][0]["physicalLocation"] for one in results]
    assert {str(path)} == {unquote(place["artifactLocation"]["uri"]) for place in places}
    assert all(place["region"]["startLine"] >= 1 for place in places)


def test_skipped_rules_say_in_plain_words_what_they_need(tmp_path: Path) -> None:
    """They are grouped by what is missing, each with the option or the place that gives it."""
    shown = show(audit(chats(tmp_path / "one.jsonl", EMPTY[:1])), {}, colour=False)
    flat = " ".join(shown.split())
    assert "one.jsonl: 1 training row (openai-sft)" in flat
    told = re.search(r"self-leak, ([a-z, -]+) \(--eval FILE gives them evaluation items\)", flat)
    assert told
    assert {"group-leak", "paraphrased-leak", "time-leak"} <= set(told[1].split(", "))
    assert "evaluation-items" not in flat


def test_nothing_is_measured_where_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    """No interval from 0 to 100 % over no items."""
    one = chats(tmp_path / "one.jsonl", [("Hi", "Yo")])
    shown = show(audit(one, eval=one, select=["paraphrased-leak"]), {}, colour=False)
    assert "of 0 (" not in shown


def test_reports_into_a_missing_folder_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even a missing input is not looked at first; the step makes the folder."""
    monkeypatch.chdir(tmp_path)
    assert 2 == run("check", "gone.jsonl", "--html", "my reports/x.html")
    assert "mkdir -p 'my reports'" in capsys.readouterr().err


def test_a_check_of_nothing_says_how_to_name_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without files and without a flow file the next step is to name one."""
    monkeypatch.chdir(tmp_path)
    assert 2 == run("check")
    assert "headgate check train.jsonl" in capsys.readouterr().err


def test_the_command_line_takes_a_mapping_of_the_evaluation_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two tables with names of their own are read in one call."""
    train = table(tmp_path / "t.csv", ["Q1", "A1"], [list(pair) for pair in EMPTY[4:]])
    items = table(tmp_path / "e.csv", ["Q2", "A2"], [list(pair) for pair in EMPTY[:3]])
    columns = ("--columns", "prompt=Q1,completion=A1", "--eval-columns", "prompt=Q2,completion=A2")
    run("check", train, "--eval", items, *columns, "--json")
    assert [8, 3] == [one["rows"] for one in json.loads(capsys.readouterr().out)["files"]]
