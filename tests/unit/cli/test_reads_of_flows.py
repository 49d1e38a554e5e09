"""What a walk and a review show of rows about people is recorded, and withheld from who may not read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main

FLOW = """\
[flow]
name = "support"

[capture]
files = ["train.jsonl"]
source = "shop"
licence = "MIT"
consent = "training"

[curate]
steps = ["split", "near-duplicates"]
split = { train = 1.0 }
"""
ROLES = """
[roles]
personal = ["Zoe"]
roles = ["Zoe"]
"""
TEXTS = (
    "my card was swallowed by the machine at the station this morning",
    "my card was swallowed by the machine at the station this morning!",
    "how long does a transfer to an account in Norway take these days?",
    "which of my two cards may I use at a petrol station in Portugal?",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with rows about people, two of them nearly alike."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADGATE_USER", "Zoe")
    (tmp_path / "headgate.toml").write_text(FLOW)
    rows = [{"prompt": text, "completion": "ok", "subject": f"s{n}"} for n, text in enumerate(TEXTS)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(*words: str) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def told(capsys: pytest.CaptureFixture[str], key: str) -> list[tuple[str, int]]:
    """Who read what of a person: commands and rows."""
    capsys.readouterr()
    assert run("rights", "reads", "--subject", key, "--json") == 0
    return [(one["command"], one["rows"]) for one in json.loads(capsys.readouterr().out)["reads"]]


def test_a_review_and_a_report_with_whole_texts_are_reads(folder, capsys):
    """Of the rows that are shown, and of nobody else's."""
    run("curate", "--quiet")
    assert "swallowed" in (folder / ".headgate/reports/support.html").read_text()
    assert run("curate", "review") == 0
    assert "swallowed" in capsys.readouterr().out
    assert run("curate", "review", "--json") == 0
    assert told(capsys, "s0") == [("report of support", 2), ("curate review", 2)]
    assert told(capsys, "s3") == []


def test_who_may_not_read_walks_and_sees_no_text(folder, capsys, monkeypatch):
    """The walk goes on, its report holds no text of the proposal, and the review is refused."""
    (folder / "headgate.toml").write_text(FLOW + ROLES)
    monkeypatch.setenv("HEADGATE_USER", "Max")
    run("curate", "--quiet")
    assert "swallowed" not in (folder / ".headgate/reports/support.html").read_text()
    assert run("curate", "review") == 2
    caught = capsys.readouterr()
    assert "the role personal, which Zoe holds" in caught.err
    assert "swallowed" not in caught.out
