"""`headgate capture import`: exit codes and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main


def headgate(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["capture", "import", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("text,category,customer\nwhere is my card,card_arrival,c1\nI lost my card,lost_card,c2\n")
    return path


def options(rows: Path, *more: str) -> list[str]:
    columns = ("--columns", "prompt=text", "--columns", "completion=category", "--subject", "customer")
    return [str(rows), "--source", "bank", *columns, "--project", str(rows.parent / "project"), *more]


def test_pass(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows with source, licence and subject pass, and the answer is one JSON object."""
    assert headgate(*options(rows, "--licence", "MIT", "--licence-until", "2999-01-01", "--json")) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["outcome"], answer["facts"]["new"]) == ("pass", 2)
    assert answer["outputs"]["rows"].startswith("b3:")


def test_fail(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows without a licence fail, with the rule and the number."""
    assert headgate(*options(rows)) == 1
    out = capsys.readouterr().out
    assert "unsourced-rows" in out
    assert "2 without licence" in out


def test_bad_lines_are_named(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad line is printed with file and line; --strict makes it wrong input."""
    path = rows.parent / "bad.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n{bad\n')
    arguments = [str(path), "--source", "s", "--licence", "MIT", "--consent", "all", "--project", str(rows.parent)]
    assert headgate(*arguments) == 1
    assert f"{path}:2" in capsys.readouterr().err
    assert headgate(*arguments, "--bad-lines-at-most", "0.6", "--quiet") == 0
    assert headgate(*arguments, "--strict") == 2


@pytest.mark.parametrize(
    "arguments",
    [["missing.csv", "--source", "s"], ["x.csv"], ["--source", "s"], ["x.csv", "--source", "s", "--columns", "ab"]],
)
def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Missing files and options, and options without sense, are wrong use."""
    monkeypatch.chdir(tmp_path)
    assert headgate(*arguments) == 2
