"""`headgate init` writes a flow file that is right; `headgate doctor` says what is there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from headgate.cli.main import main
from headgate.flow.file import read_flow


def run(*arguments: object) -> int:
    """Exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


def test_the_flow_file_of_init_is_right_and_is_never_overwritten(tmp_path: Path) -> None:
    """It reads without a problem, names the files given, and a second init is refused."""
    folder = tmp_path / "my-flow"
    assert 0 == run("init", folder, "--train", "a.jsonl", "--test", "b.jsonl", "--base", "models/x", "-q")
    flow = read_flow(folder / "headgate.toml", (), {})
    settings = {stage.name: section for stage, section in flow.stages}
    assert "my-flow" == flow.settings.name
    assert (["a.jsonl"], ["b.jsonl"], "models/x") == (
        settings["capture"].files,
        settings["check"].eval,
        settings["train"].base,
    )
    assert "*\n" == (folder / ".headgate" / ".gitignore").read_text()
    before = (folder / "headgate.toml").read_text()
    assert 2 == run("init", folder)
    assert before == (folder / "headgate.toml").read_text()


def test_init_in_a_folder_with_any_name_writes_a_flow_that_is_right(tmp_path: Path) -> None:
    """Blanks, umlauts and quotes in names are written as TOML has them; flow and release get a plain name."""
    folder = tmp_path / 'my "Tickets" März'
    assert 0 == run("init", folder, "--train", 'all "rows".csv', "-q")
    flow = read_flow(folder / "headgate.toml", (), {})
    settings = {stage.name: section for stage, section in flow.stages}
    assert "my-Tickets-M-rz" == flow.settings.name
    assert (['all "rows".csv'], "my-Tickets-M-rz") == (settings["capture"].files, settings["release"].name)


def test_init_writes_a_column_mapping_wherever_a_file_is_read(tmp_path: Path) -> None:
    """Capture, decontamination, check and the suite read the same columns; the licence is filled in."""
    columns = "prompt=Body (customer),completion=reply,subject=who,slice.queue=Queue/Team"
    assert 0 == run("init", tmp_path, "--columns", columns, "--licence", "CC-BY-4.0", "-q")
    settings = {stage.name: section for stage, section in read_flow(tmp_path / "headgate.toml", (), {}).stages}
    wanted = {"prompt": "Body (customer)", "completion": "reply", "subject": "who", "slice.queue": "Queue/Team"}
    assert wanted == settings["capture"].columns
    assert wanted == settings["curate"].decontaminate.columns
    assert wanted == settings["check"].columns
    assert wanted == settings["evaluate"].suites["main"].columns
    assert "CC-BY-4.0" == settings["capture"].licence
    # Every proposal can be uncommented: no table would have a key twice.
    text = (tmp_path / "headgate.toml").read_text()
    assert "train" in tomllib.loads(re.sub(r"^# (?=[a-z]+ = )", "", text, flags=re.MULTILINE))


def test_doctor_names_every_engine_and_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """With everything installed each engine is ready; the answer is one object."""
    assert 0 == run("doctor", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert "pass" == answer["outcome"]
    assert answer["engines"]
    assert all(engine["purpose"] and not engine["missing"] for engine in answer["engines"])
    assert 0 == run("doctor")
    assert "ready" in capsys.readouterr().out


def test_doctor_fails_when_an_engine_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which package is missing and what to install."""
    import headgate.cli.doctor as doctor

    monkeypatch.setattr(doctor, "missing", lambda door: [door.packages[0]])
    assert 1 == run("doctor")
    assert 'pip install "headgate[' in capsys.readouterr().out
