"""`headgate check` with what rules need besides rows: a past run, instructions, looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.check.besides import besides, instructions_of, looks_of, past_run_of
from headgate.cli.main import main
from headgate.evaluate.access_log import AccessLog
from headgate.kit.errors import Refused
from headgate.rules.instructions import Instructions, in_force, versions_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def written(path: Path, *bodies: Any) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return path


def row(question: str, answer: str, **more: Any) -> dict[str, Any]:
    """A chat row."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **more}


def checked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a check."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *arguments, "--json"])
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def test_a_past_run_in_each_of_its_forms(tmp_path: Path) -> None:
    """One object, lines with an outcome each, and the development results that evaluate writes."""
    one = written(tmp_path / "one.json", {"failed": ["1"], "passed": ["2", "3"], "at": "2026-11-21"})
    lines = [{"item": "1", "passed": False, "at": "2026-11-20"}, {"id": "2", "passed": True, "at": "2026-11-21"}]
    each = written(tmp_path / "each.jsonl", *lines, {"item": "3", "passed": True}, {"item": "4", "passed": None})
    assert past_run_of(one) == past_run_of(each)
    arms = [{"item": n, "arms": {"base": ["fail", "", ""], "candidate": [m, "", ""]}} for n, m in (("1", "fail"),)]
    arms += [{"item": n, "arms": {"candidate": [m, "", ""]}} for n, m in (("2", "pass"), ("5", "error"))]
    run = past_run_of(written(tmp_path / "dev.jsonl", *arms))
    assert ({"1"}, {"2"}, None) == (run.failed, run.passed, run.at)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{"failed": ["1"], "passed": ["2"], "when": "today"}', 1, "not a past run"),
        ('{"failed": ["1"], "passed": ["2"], "at": "today"}', 1, "not a date"),
        ('{"item": "1", "passed": true}\n{"item": "2"}', 2, "not an outcome of an item"),
        ('{"item": "1", "passed": true}\n\n{oops', 3, "not JSON"),
        ('{"item": "1", "passed": true}\n7', 2, "not what is wanted"),
        ('{"item": "1", "passed": true}\n{"item": "2", "passed": true}', None, "not a past run"),
        (" \n", None, "nothing in it"),
    ],
)
def test_what_is_no_past_run_is_refused_with_its_line(text: str, line: int | None, what: str, tmp_path: Path) -> None:
    """File, line and what was wanted."""
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(Refused, match=what) as refused:
        past_run_of(path)
    assert (str(path), line) == (refused.value.file, refused.value.line)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """A missing one, and one that is no text."""
    with pytest.raises(Refused, match="no such file"):
        besides(past_run=tmp_path / "none.json")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="not UTF-8"):
        besides(instructions=[tmp_path / "bytes.txt"])


def test_instructions_are_texts_or_versions(tmp_path: Path) -> None:
    """A text file is one version; JSON has many, with or without a date."""
    (tmp_path / "system.md").write_text("Be kind.\nBe short.\n")
    assert ["Be kind.\nBe short.\n"] == [one.text for one in instructions_of(tmp_path / "system.md")]
    (tmp_path / "all.json").write_text(json.dumps(["Be kind.", {"text": "Be short.", "at": "2026-11-21"}]))
    kind, short = instructions_of(tmp_path / "all.json")
    assert (None, short) == (in_force([kind], NOON), in_force([kind, short], NOON))
    with pytest.raises(Refused, match="not a version of instructions") as refused:
        instructions_of(written(tmp_path / "bad.jsonl", {"text": "x"}, {"words": "x"}))
    assert 2 == refused.value.line
    assert [Instructions(text="a")] == versions_of("a")
    assert [Instructions(text="a")] * 2 == versions_of([{"text": "a"}, "a"])


def test_an_access_log_is_a_file_of_looks(tmp_path: Path) -> None:
    """As the log writes it; lines with an answer open nothing."""
    log = AccessLog(tmp_path / "access-log.jsonl")
    told = {"actor": "ada", "suite": "b3:s", "purpose": "release", "at": NOON}
    for candidate in ("a", "b"):
        log.append(**told, candidate=candidate, look=candidate, answer="opened", detail={"instructions": "Be kind."})
        log.append(**told, candidate=candidate, look=candidate, answer="pass", bits=1.0, detail={"best": 0.5})
    looks = looks_of(log.path)
    assert [("a", "Be kind."), ("b", "Be kind.")] == [(look.candidate, look.instructions) for look in looks]
    with pytest.raises(Refused, match="not a look") as refused:
        looks_of(written(tmp_path / "bad.jsonl", {"at": "2026-11-21", "suite": "s"}))
    assert ("no candidate", 1) == (refused.value.found, refused.value.line)


def test_rules_are_given_what_the_options_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copies of failures, an item in the instructions, instructions changed between looks; without them, skipped."""
    towns = ["Aber", "Brno", "Cork", "Dax", "Elche", "Fano", "Gent", "Hull", "Imola", "Jena", "Kiel", "Linz"]
    asked = [
        f"When does the night train to {town} leave from platform {n + 3} on Friday morning?"
        for n, town in enumerate(towns)
    ]
    items = [row(question, "at nine", id=f"i{n}") for n, question in enumerate(asked)]
    old = [row(f"Old question {n} of the {town} desk", "yes", created_at="2026-01-01") for n, town in enumerate(towns)]
    new = [row(f"The night train to {town} from platform {n + 3}, when is it?", "at nine", created_at="2026-03-01")
           for n, town in enumerate(towns[:6])]  # fmt: skip
    train, test = written(tmp_path / "train.jsonl", *old, *new), written(tmp_path / "test.jsonl", *items)
    names = [f"i{n}" for n in range(12)]
    run = written(tmp_path / "run.json", {"failed": names[:6], "passed": names[6:], "at": "2026-02-01"})
    (tmp_path / "system.txt").write_text(f"Be kind. Example: {asked[3]} At nine.")
    looks = [{"at": f"2026-0{n}-01", "suite": "s", "candidate": "a", "instructions": f"v{n}"} for n in (1, 2)]
    rules = ["failure-copies", "prompt-leak", "chosen-on-items"]
    told = [str(train), "--eval", str(test), "--select", ",".join(rules), "--option", "failure-copies.alpha=0.05"]
    options = ["--past-run", str(run), "--instructions", str(tmp_path / "system.txt")]
    options += ["--looks", str(written(tmp_path / "looks.jsonl", *looks))]
    code, answer = checked([*told, *options], capsys)
    assert {"failure-copies": "fail", "prompt-leak": "fail", "chosen-on-items": "fail"} == {
        verdict["rule"]: verdict["outcome"] for verdict in answer["verdicts"]
    }
    code, answer = checked(told, capsys)
    assert [0, *["skipped"] * 3] == [code, *(verdict["outcome"] for verdict in answer["verdicts"])]


def test_a_bad_file_ends_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And names itself."""
    train = written(tmp_path / "train.jsonl", row("Is it open?", "yes"))
    bad = written(tmp_path / "run.json", {"failed": []})
    with pytest.raises(SystemExit) as ended:
        main(["check", str(train), "--past-run", str(bad)])
    assert 2 == ended.value.code
    assert f"{bad}:1" in capsys.readouterr().err
