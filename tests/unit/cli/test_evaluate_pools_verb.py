"""`headgate evaluate pools`: every act on the pools of a project, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.testing.fake_endpoint import FakeEndpoint, Request

FLOW = """[flow]
name = "sums"
[evaluate]
base = "{models}#base"
candidate = "{models}#candidate"
few-shot = {{ counts = [0] }}
look-budget = 1
own-endpoints = []
[evaluate.suites.sums]
gate = "gate.jsonl"
sealed = "sealed.jsonl"
"""
NAMES = ("anchors", "bridges", "candles", "drawers", "engines", "feathers", "gardens")


def items(start: int, count: int) -> list[dict[str, str]]:
    sums = ((i, i * 13 % 97, NAMES[i % 7], NAMES[i * 3 % 7]) for i in range(start, start + count))
    return [{"prompt": f"How many {a} are {i} and {k} {b} together?", "completion": str(i + k)} for i, k, a, b in sums]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def models(request: Request) -> str:
    """The candidate can add; the base cannot."""
    numbers = [int(one) for one in request.text.replace("?", "").split() if one.isdigit()]
    return str(sum(numbers)) if request.model == "candidate" else "?"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in a project after one evaluation; exit code and JSON."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "gate.jsonl", items(0, 30))
    write(tmp_path / "sealed.jsonl", items(100, 30))

    def act(*arguments: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--json"])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    with FakeEndpoint(models) as server:
        (tmp_path / "headgate.toml").write_text(FLOW.format(models=server.url))
        assert 0 == act("evaluate")[0]
        yield act


def test_what_pools_have_been_through(run: Any, tmp_path: Path) -> None:
    """The state after one look on a budget of one; the log verifies, until somebody edits it."""
    code, told = run("evaluate", "pools", "list")
    assert 0 == code
    assert [("dev", 30, 30), ("gate", 30, 30), ("sealed", 0, 0)] == [
        (one["pool"], one["items"], one["seen"]) for one in told["pools"]
    ]
    assert (1, True) == (told["pools"][2]["candidates"], told["pools"][2]["budget"]["spent"])
    code, told = run("evaluate", "pools", "log")
    assert (0, ["opened", "pass better"]) == (code, [one["answer"] for one in told["entries"]])
    path = tmp_path / ".headgate" / "access-log.jsonl"
    path.write_text(path.read_text().replace("release decision", "just looking", 1))
    code, told = run("evaluate", "pools", "log")
    assert (1, "fail") == (code, told["verdicts"][0]["outcome"])


def test_reading_and_naming_items_is_on_record(run: Any) -> None:
    """An item that was read or declared as seen is told by the next audit, with to whom; an unknown one is refused."""
    pairs = run("evaluate", "pools", "expose", "suite:sums/gate", "--how", "report", "--to", "talk of 3 May")[1]
    one = pairs["items"][0]
    code, told = run("evaluate", "pools", "show", one[:16], "--by", "Ann Lee", "--reason", "scorer looks wrong")
    assert (0, "gate", True) == (code, told["pool"], told["question"].startswith("How many"))
    assert 2 == run("evaluate", "pools", "show", "b3:nobody", "--by", "ann", "--reason", "x")[0]
    assert 2 == run("evaluate", "pools", "audit")[0]  # nothing was frozen here that rows could be in


def test_fresh_items_for_spent_ones(run: Any, tmp_path: Path) -> None:
    """The file is checked, the old items go, and the line of the flow file is told; a stale file is refused."""
    who = ("--name", "Ann Lee", "--reason", "budget spent")
    letter = "In a letter of last week somebody from our branch asks at length about stock in the other cellar"
    write(tmp_path / "fresh.jsonl", [{**row, "prompt": f"{letter} {row['prompt']}"} for row in items(300, 30)])
    code, told = run("evaluate", "pools", "replace", "sums", "--with", "fresh.jsonl", *who)
    assert (0, 30, 30) == (code, told["fresh"], told["old"])
    assert 2 == run("evaluate", "pools", "replace", "sums", "--with", "sealed.jsonl", *who)[0]
    assert 2 == run("evaluate", "pools", "replace", "other", "--with", "fresh.jsonl", *who)[0]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The same for a person: exit code and text."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a_pass_shows_its_warnings(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing stopped, and a person at the terminal reads all the same that items were seen."""
    code, told = shown(capsys, "evaluate")
    assert (0, 1) == (
        code,
        told.count("warn item-exposure: sums: 60 of 60 gate and sealed items were seen: 60 sent to 127.0.0.1"),
    )


def test_items_that_are_not_fresh_are_named(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line and what to do, not only how many."""
    again = {**items(0, 1)[0], "prompt": items(0, 1)[0]["prompt"] + " Please"}
    write(tmp_path / "stale.jsonl", [*items(500, 2), again])
    who = ("--with", "stale.jsonl", "--name", "Ann Lee", "--reason", "budget spent")
    code, told = shown(capsys, "evaluate", "pools", "replace", "sums", *who)
    assert (1, True, True) == (code, "stale.jsonl:3" in told, "try take them out of the file" in told)


def test_a_log_that_was_changed_undoes_a_pass(run: Any, tmp_path: Path) -> None:
    """A recorded pass is not simply believed again: who was shown items, and what became of the log, decide too."""
    before = run("evaluate")[1]
    assert [True] == [one["reused"] for one in before["stages"]]
    run("evaluate", "pools", "expose", "suite:sums/gate", "--to", "Bob")
    code, told = run("evaluate")
    (warned,) = [one for one in told["verdicts"] if one["rule"] == "item-exposure"]
    assert (0, True) == (code, "shown to Bob" in warned["summary"])
    path = tmp_path / ".headgate" / "access-log.jsonl"
    whole = path.read_text()
    path.write_text(whole.replace("release decision", "just looking", 1))
    code, told = run("evaluate")
    failed = {one["rule"]: one["summary"] for one in told["verdicts"] if one["outcome"] == "fail"}
    assert (1, True) == (code, "1 breaks in the chain" in failed["sealed-access-log"])
    path.write_text(whole)
    assert (0, True) == (run("evaluate")[0], run("evaluate")[1]["stages"][0]["reused"])
