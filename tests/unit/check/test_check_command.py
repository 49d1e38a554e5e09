"""`headgate check FILE...` as a user runs it: verdicts, bad input, mended copy, reports, exit codes."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from headgate.check.reports.page import bar
from headgate.cli.main import main
from headgate.stats.verdict import Measure

ANSWERS = ("Your card is on its way.", "You can change the PIN in the app.", "We have closed the account.")


def chat(user: str, assistant: str, **more: object) -> str:
    """One line of a chat file."""
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return json.dumps({"messages": turns, **more}) + "\n"


def honest(count: int = 60) -> list[str]:
    """Rows that nothing is wrong with."""
    places = ("Leeds", "Porto", "Lagos", "Osaka", "Quito", "Turin")
    things = ("card", "PIN", "limit", "account", "transfer", "receipt", "refund", "phone", "address", "password")
    return [
        chat(
            f"Hello, I wrote from {places[i % 6]} about the {things[i // 6]} yesterday", ANSWERS[i % 3] + f" Case {i}."
        )
        for i in range(count)
    ]


def run(*arguments: object) -> int:
    """Exit code of `headgate check ...`."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    return int(ended.value.code or 0)


def undo(target: Path, diff: Path) -> None:
    """Takes a diff back with a standard tool."""
    hunks = diff.read_text().split("\n", 2)[2]
    text = f"--- a/{target.name}\n+++ b/{target.name}\n{hunks}"
    command = ["git", "apply", "--reverse", "--unidiff-zero", "-"]
    subprocess.run(command, input=text, text=True, cwd=target.parent, check=True)


def verdict(output: str, rule: str) -> dict[str, Any]:
    """One verdict of a JSON answer."""
    found: dict[str, Any] = next(v for v in json.loads(output)["verdicts"] if v["rule"] == rule)
    return found


@pytest.fixture
def lesson_free(tmp_path: Path) -> Path:
    """A file in which lines 3 and 5 have empty answers."""
    lines = honest()
    lines[2] = chat("What now?", "")
    lines[4] = chat("And then?", "  ")
    path = tmp_path / "train.jsonl"
    path.write_text("".join(lines))
    return path


def test_the_verdict_has_the_promised_shape(lesson_free: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every field of the contract is there, and findings point at file and line."""
    assert 1 == run(lesson_free, "--json", "--select", "rows-without-lesson")
    answer = json.loads(capsys.readouterr().out)
    assert ("check", "fail") == (answer["command"], answer["outcome"])
    found = answer["verdicts"][0]
    assert {"rule", "code", "failure", "outcome", "level", "summary", "measure", "threshold", "findings", "try"} <= set(
        found
    )
    assert {"name", "value", "low", "high", "unit", "n", "smallest_visible"} == set(found["measure"])
    assert [(str(lesson_free), 3), (str(lesson_free), 5)] == [(f["file"], f["line"]) for f in found["findings"]]
    assert all(re.fullmatch(r"b3:[0-9a-f]{64}", f["row"]) for f in found["findings"])
    assert "--fix" in found["try"]


def test_clean_rows_pass_without_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and the report says so."""
    path = tmp_path / "train.jsonl"
    path.write_text("".join(honest()))
    assert 0 == run(path, "--select", "rows-without-lesson,DAT004")
    assert "none of 2 rules stops this data" in capsys.readouterr().out
    assert 0 == run(path, "--select", "rows-without-lesson", "--select", "DAT004,DAT003", "--ignore", "DAT003")
    assert "none of 2 rules stops this data" in capsys.readouterr().out


def test_a_rule_without_its_input_is_skipped_with_the_reason(
    lesson_free: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No evaluation file: the leak rule says so instead of passing."""
    run(lesson_free, "--json", "--select", "self-leak")
    found = verdict(capsys.readouterr().out, "self-leak")
    assert ("skipped", "not given: evaluation-items") == (found["outcome"], found["reason"])


def test_fix_writes_a_copy_and_a_diff_that_undoes_it(lesson_free: Path, tmp_path: Path) -> None:
    """The original stays; the copy lacks two rows; undoing brings them back with the reasons shown."""
    before = lesson_free.read_bytes()
    target = tmp_path / "clean.jsonl"
    assert 1 == run(lesson_free, "--fix", target, "--select", "rows-without-lesson", "-q")
    assert before == lesson_free.read_bytes()
    lines = before.decode().splitlines(keepends=True)
    assert "".join(line for i, line in enumerate(lines, 1) if i not in (3, 5)) == target.read_text()
    diff = target.with_name("clean.jsonl.diff")
    assert 2 == diff.read_text().count("rows-without-lesson: ")
    undo(target, diff)
    assert before == target.read_bytes()


def test_fix_drops_what_holds_an_item_beside_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the reasoning and in a call: the reasons name the place, and the copy passes."""
    item = "How many boats can pass the lock in an hour when the gate has to be opened by hand?"
    call = {"id": "a", "type": "function", "function": {"name": "web_search", "arguments": json.dumps({"query": item})}}
    answers: list[dict[str, object]] = [
        {"content": "Six.", "reasoning_content": f"I am reminded of something. {item} I know it."},
        {"tool_calls": [call]},
        {"content": "No.", "reasoning_content": "That is no question."},
    ]
    turns = [[{"role": "user", "content": f"And {n}?"}, {"role": "assistant", **one}] for n, one in enumerate(answers)]
    source, asked, target = (tmp_path / name for name in ("train.jsonl", "eval.jsonl", "clean.jsonl"))
    source.write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns))
    asked.write_text(json.dumps({"messages": [{"role": "user", "content": item}]}) + "\n")
    given = ("--eval", asked, "--select", "self-leak")
    assert 1 == run(source, *given, "--fix", target, "--json")
    found = verdict(capsys.readouterr().out, "self-leak")
    places = [one["message"].rpartition(", in ")[2] for one in found["findings"]]
    assert ["the reasoning of turn 2", "the arguments of web_search in turn 2"] == places
    assert source.read_text().splitlines()[2:] == target.read_text().splitlines()
    assert 0 == run(target, *given, "-q")


def test_fix_of_a_file_with_a_mended_word_and_bad_lines_can_be_undone(tmp_path: Path) -> None:
    """Spelling is mended on the assistant's side only; a line that is no JSON goes with its reason."""
    lines = [
        chat(f"Did you recieve case {i}?", f"We did receive your letter about case number {i}.") for i in range(60)
    ]
    for i in range(0, 60, 8):
        lines[i] = lines[i].replace("We did receive", "We did recieve")
    lines[6] = "{broken\n"
    source, target = tmp_path / "train.jsonl", tmp_path / "clean.jsonl.gz"
    source.write_text("".join(lines))
    assert 2 == run(source, "--fix", target, "--select", "learned-typo", "-q")
    text = gzip.decompress(target.read_bytes()).decode()
    assert 59 == text.count("Did you recieve")
    assert 0 == text.count("We did recieve")
    assert 59 == len(text.splitlines())
    diff = target.with_name(target.name + ".diff").read_text()
    assert "learned-typo: recieve -> receive" in diff
    assert "unreadable: " in diff
    plain = tmp_path / "plain.jsonl"
    plain.write_text(text)
    undo(plain, target.with_name(target.name + ".diff"))
    assert source.read_text() == plain.read_text()


def test_fix_never_overwrites_the_original(lesson_free: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same name is refused."""
    before = lesson_free.read_bytes()
    assert 2 == run(lesson_free, "--fix", lesson_free)
    assert "nothing is changed in place" in capsys.readouterr().err
    assert before == lesson_free.read_bytes()


def test_a_sample_is_refused_for_mending_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file need not even be there: nothing of it is looked at."""
    assert 2 == run(tmp_path / "none.jsonl", "--sample", "50", "--fix", tmp_path / "clean.jsonl")
    assert "a sample cannot be mended" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_reports_for_code_review(lesson_free: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SARIF results and GitHub annotations point at the lines."""
    target = tmp_path / "out.sarif"
    run(lesson_free, "--sarif", target, "--github", "-q", "--select", "rows-without-lesson")
    log = json.loads(target.read_text())
    assert "2.1.0" == log["version"]
    results = log["runs"][0]["results"]
    assert [3, 5] == [r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in results]
    assert (
        {"DAT009"}
        == {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
        == {r["ruleId"] for r in results}
    )
    lines = capsys.readouterr().out.splitlines()
    assert 3 == len(lines)
    assert lines[1].startswith("::error file=") or lines[1].startswith("::warning file=")
    assert ",line=3," in lines[1]


def test_a_report_follows_the_schema_of_sarif(tmp_path: Path) -> None:
    """Classes made from the schema read all of it and write it back as it was; a field of our own is refused."""
    train, items = tmp_path / "train rows %41.jsonl", tmp_path / "items.jsonl"
    asked = [f"How many of the {n} lamps along quay {n + 7} were lit before the ferry left at dawn?" for n in range(30)]
    train.write_text("".join([*honest(), *(chat(text, f"{n} lamps") for n, text in enumerate(asked)), "no row\n"]))
    items.write_text("".join(chat(text, f"{n} lamps") for n, text in enumerate(asked[:9])))
    target = tmp_path / "out.sarif"
    assert 2 == run(train, "--eval", items, "--sarif", target, "-q")
    log = json.loads(target.read_text())
    read = Sarif.model_validate(log)
    assert log == json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    assert "DAT006" in {one.ruleId for one in read.runs[0].results}
    log["runs"][0]["results"][0]["share"] = 0.5
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        Sarif.model_validate(log)


def test_the_page_is_self_contained_and_escapes_what_users_wrote(tmp_path: Path) -> None:
    """No script and no address to fetch; markup in a file name or a message stays text."""
    path = tmp_path / "<b>train.jsonl"
    path.write_text("".join([*honest(), chat("<script>alert(1)</script>", "")]))
    page = tmp_path / "report.html"
    run(path, "--html", page, "-q", "--select", "rows-without-lesson")
    text = page.read_text()
    assert "<script" not in text
    assert "<b>train" not in text
    assert [] == re.findall(r"""(?:src|href)=["']|@import|url\(""", text)
    assert "rows-without-lesson (DAT009)" in text
    assert ">Fail<" in text
    assert "95 % interval" in text


@pytest.mark.parametrize(
    ("unit", "value", "right"), [("share", 1.0, "100.0%"), ("share", 0.5, "66.0%"), ("rows", 1.0, "1.1")]
)
def test_a_scale_of_shares_ends_where_all_of_them_are(unit: str, value: float, right: str) -> None:
    """A tenth of room is left beyond what was measured, but never beyond 100 %; marks stand inside."""
    high = min(value + 0.1, 1.0)
    measure = Measure(name="items", value=value, low=value / 2, high=high, unit=unit, n=9, smallest_visible=0.1)
    drawn = bar(measure, {"at most": 0.0})
    assert ("0.0%" if unit == "share" else "0", right) == (drawn.left, drawn.right)
    assert drawn.value <= 100.0 >= drawn.low + drawn.width


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        (b"", None, "empty"),
        ("".join(honest(3)).encode("utf-16"), None, "UTF-16"),
        (b'{"no": "text"}\n' * 3, None, ""),
    ],
    ids=["empty", "utf-16", "missing column"],
)
def test_bad_files_are_refused(
    content: bytes, line: int | None, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a message with the file's name."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(content)
    assert 2 == run(path)
    error = capsys.readouterr().err
    assert "refused" in error
    assert str(path) in error
    assert word in error


def test_a_broken_line_is_named_and_the_rest_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Line 7 is broken: exit code 2, the line is named, the other rows are judged."""
    lines = honest()
    lines[6] = '{"messages": [{"role": "user"\n'
    path = tmp_path / "train.jsonl"
    path.write_text("".join(lines))
    assert 2 == run(path, "--select", "rows-without-lesson")
    out = capsys.readouterr().out
    assert f"{path}:7 " in out
    assert "59 training rows" in out
    assert 2 == run(path, "--strict")
    assert f"{path}:7" in capsys.readouterr().err


def test_folders_links_and_unknown_rules_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its own word; an unknown rule names the nearest."""
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "gone.jsonl")
    words = []
    for path in (tmp_path, link, tmp_path / "gone.jsonl"):
        assert 2 == run(path)
        words.append(capsys.readouterr().err.splitlines()[0])
    assert ["refused: a directory, not a file", "refused: dangling link", "refused: no such file"] == words
    path = tmp_path / "train.jsonl"
    path.write_text("".join(honest()))
    assert 2 == run(path, "--select", "self-lek")
    assert "self-leak" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--fix", "--html", "--sarif", "--habits-page"])
@pytest.mark.parametrize("name", ["train.jsonl", "test.jsonl", "real.jsonl"])
def test_no_file_that_is_read_is_written_over(
    option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither training rows nor evaluation items nor a reference, by whichever report and under another name."""
    for each in ("train.jsonl", "test.jsonl", "real.jsonl"):
        (tmp_path / each).write_text("".join(honest(8)))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / name)
    train, test, real = (tmp_path / each for each in ("train.jsonl", "test.jsonl", "real.jsonl"))
    for target in (tmp_path / name, tmp_path / "link.jsonl", tmp_path / ".." / tmp_path.name / name):
        assert 2 == run(train, "--eval", test, "--reference", real, option, target, "-q")
        assert "nothing is changed in place" in capsys.readouterr().err
    assert "".join(honest(8)) == (tmp_path / name).read_text()


def test_two_targets_are_two_files(lesson_free: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two reports under one name the second would be all that is left; the diff of a copy has a name as well."""
    copy = tmp_path / "clean.jsonl"
    assert 2 == run(lesson_free, "--fix", copy, "--html", tmp_path / "clean.jsonl.diff", "-q")
    assert "two targets are one file" in capsys.readouterr().err
    assert 2 == run(lesson_free, "--html", tmp_path / "page", "--sarif", tmp_path / "page", "-q")
    assert "two targets are one file" in capsys.readouterr().err
    assert not copy.exists()
    assert not (tmp_path / "page").exists()


def test_the_diff_of_a_copy_is_written_over_no_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--fix rows` has its diff at `rows.diff`, which may be the very file."""
    train = tmp_path / "rows.diff"
    train.write_text("".join(honest(8)))
    assert 2 == run(train, "--fix", tmp_path / "rows", "-q")
    assert "nothing is changed in place" in capsys.readouterr().err
    assert "".join(honest(8)) == train.read_text()


def test_a_read_only_target_and_a_full_disk_are_refused(
    lesson_free: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither leaves anything half-written."""
    import errno
    import os
    import tempfile

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "clean.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", read_only)
        assert 2 == run(lesson_free, "--fix", target)
    assert "cannot be written" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert 2 == run(lesson_free, "--fix", target)
    assert "the disk is full" in capsys.readouterr().err
    assert ["train.jsonl"] == [p.name for p in tmp_path.iterdir()]


def test_a_quiet_check_still_names_the_line_that_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error and nothing else; standard output stays empty."""
    lines = honest()
    lines[6] = '{"messages": [\n'
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(lines))
    assert 2 == run(file, "--quiet")
    said = capsys.readouterr()
    assert "" == said.out
    assert 1 == said.err.count("\n")
    assert f"{file}:7 broken JSON" in said.err
