"""Manners of the verbs of rights: who acts, what a refusal is called, names that nothing has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main

FLOW = """
[flow]
name = "support"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    """A project with one row about ann, from the source desk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADGATE_USER", "Ann Lee")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "my card is lost", "completion": "ok", "who": "ann"}))
    (tmp_path / "headgate.toml").write_text(FLOW)
    run("capture import rows.jsonl --source desk --licence CC0-1.0 --columns subject=who --quiet")
    return tmp_path


def run(line: str | list[str]) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(line.split() if isinstance(line, str) else line)
    return int(ended.value.code or 0)


def test_who_acts_is_whom_the_machine_names_where_nobody_is_named(project, capsys):
    """HEADGATE_USER answers for a period, a hold and a case as for every other verb; an empty name is refused."""
    assert run("rights retention set --source desk --days 30 --reason policy --json") == 0
    assert json.loads(capsys.readouterr().out)["by"] == "Ann Lee"
    assert run("rights retention hold --source desk --until 2099-01-01 --reason suit") == 0
    capsys.readouterr()
    assert run("rights case open --subject ann --reason mail --json") == 0
    assert json.loads(capsys.readouterr().out)["source"] == "Ann Lee"
    assert run(["rights", "case", "open", "--subject", "ann", "--reason", "mail", "--by", ""]) == 2


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("rights retention set --source nowhere --days 3 --reason x --json", "rights retention set"),
        ("rights impact --json", "rights impact"),
        ("rights case show 99 --json", "rights case show"),
        ("rights --json nothing", "rights"),
        ("check missing.jsonl --json", "check"),
    ],
)
def test_a_refusal_is_called_by_the_whole_command(project, capsys, line, command):
    """As the answer of the same command is when it comes to its end."""
    assert run(line) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["command"], told["outcome"]) == (command, "error")


def test_a_name_that_nothing_has_is_refused_with_the_nearest(project, capsys):
    """A hold on a slip of the pen keeps nothing; said ahead of the first row it is taken."""
    assert run("rights retention hold --source dessk --until 2099-01-01 --reason suit") == 2
    assert "nearest: desk" in capsys.readouterr().err
    assert run("rights retention hold --subject anm --until 2099-01-01 --reason suit") == 2
    assert "nearest: ann" in capsys.readouterr().err
    assert run("rights retention set --group eu --days 30 --reason policy") == 2
    assert run("rights retention hold --source forum --until 2099-01-01 --reason suit --ahead") == 0
    assert run("rights retention set --source desk --days 0 --reason gone") == 2
    assert "no period to take away" in capsys.readouterr().err


def test_options_for_files_without_a_file_are_refused(project, capsys):
    """A check of the flow's version writes no mended copy, and says so instead of ending well without one."""
    assert run("check --fix fixed.jsonl --select all") == 2
    told = capsys.readouterr().err
    assert "--fix, --select" in told
    assert not (project / "fixed.jsonl").exists()


def test_whoever_acts_on_a_person_is_told_of_keys_that_read_alike(project, capsys):
    """A case and an erasure reach one key; another spelling of it may be the same person."""
    (project / "more.jsonl").write_text(json.dumps({"prompt": "my card is gone", "completion": "ok", "who": "Ann "}))
    run("capture import more.jsonl --source desk --licence CC0-1.0 --columns subject=who --quiet")
    capsys.readouterr()
    assert run("rights case open --subject ann --reason mail --json") == 0
    assert json.loads(capsys.readouterr().out)["alike"] == {"Ann ": 1}
    assert run("rights erase --subject ann --reason mail") == 0
    assert "not reached, though it reads alike: subject 'Ann ', 1 row" in capsys.readouterr().out
