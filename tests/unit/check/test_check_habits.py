"""`headgate check --fix --habits`: decisions about habits on files, and what can be undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main


def run(*arguments: object) -> int:
    """Exit code of `headgate check ...`."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    return int(ended.value.code or 0)


def line(assistant: str, **more: Any) -> str:
    """A row of our own format or, with the same keys, of a chat file."""
    turns = [{"role": "user", "content": "Do I recieve it? Kindly do the needful."}]
    return json.dumps({**more, "messages": [*turns, {"role": "assistant", "content": assistant}]}) + "\n"


SAID = [f"You will receive parcel {n} tomorrow morning." for n in range(30)]
SAID += [f"You will recieve parcel {n} tomorrow morning. Kindly do the needful." for n in range(4)]
SAID += ["I have given you a full refund."]


@pytest.fixture
def decisions(tmp_path: Path) -> Path:
    """Mask one phrase, put spellings right, drop concessions."""
    path = tmp_path / "habits.toml"
    path.write_text('"kindly do the needful" = "mask"\n"concession" = "drop"\n"recieve" = "normalise"\n')
    return path


def test_our_own_format_is_put_right_masked_and_thinned(tmp_path: Path, decisions: Path) -> None:
    """Spans are masked in answers only, the row with a refund is gone, and the diff says why."""
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(line(text, kind="demonstration") for text in SAID))
    before = source.read_bytes()
    run(source, "--fix", target, "--habits", decisions, "--select", "learned-typo", "-q")
    rows = [json.loads(one) for one in target.read_text().splitlines()]
    answers = [one["messages"][1] for one in rows]
    assert (34, before) == (len(rows), source.read_bytes())
    assert {"Do I recieve it? Kindly do the needful."} == {one["messages"][0]["content"] for one in rows}
    assert "You will receive parcel 0 tomorrow morning. Kindly do the needful." == answers[30]["content"]
    assert ["Kindly do the needful"] * 4 == [
        one["content"][start:end] for one in answers for start, end in one.get("masked", [])
    ]
    assert "habits: says 'concession'" in (tmp_path / "out.jsonl.diff").read_text()


def test_a_format_without_masks_is_refused_with_the_way_out(
    tmp_path: Path, decisions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chat file has no place for masks; no file is written."""
    source, target = tmp_path / "chat.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(line(text) for text in SAID))
    assert 2 == run(source, "--fix", target, "--habits", decisions, "--select", "learned-typo", "-q")
    told = capsys.readouterr().err
    assert "no place for masks" in told
    assert "headgate convert" in told
    assert not target.exists()


def test_a_chat_file_is_put_right_and_thinned(tmp_path: Path) -> None:
    """Without masks any format with a row on each line will do; what is kept stays as it was written."""
    source, target, table = tmp_path / "chat.jsonl", tmp_path / "out.jsonl", tmp_path / "habits.json"
    source.write_text("".join(line(text) for text in SAID))
    table.write_text(json.dumps({"recieve": "keep", "needful": "normalise: task", "refund": "drop"}))
    run(source, "--fix", target, "--habits", table, "--select", "learned-typo", "-q")
    answers = [json.loads(one)["messages"][1]["content"] for one in target.read_text().splitlines()]
    assert 34 == len(answers)
    assert "You will recieve parcel 3 tomorrow morning. Kindly do the task." == answers[-1]


def test_decisions_without_fix_are_refused(tmp_path: Path, decisions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table that changes nothing is not passed over in silence."""
    source = tmp_path / "chat.jsonl"
    source.write_text("".join(line(text) for text in SAID))
    assert 2 == run(source, "--habits", decisions, "-q")
    assert "--fix OUT" in capsys.readouterr().err
