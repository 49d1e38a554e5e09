"""`headgate gate governor`: from files of scores to states, notes and clearings, with the exit codes of verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.ledger.ledger import Ledger
from headgate.rules.reward_series import recorded


def run(*words: str) -> int:
    """Exit code of a command line below `headgate gate governor`."""
    with pytest.raises(SystemExit) as ended:
        main(["gate", "governor", *words])
    return int(ended.value.code or 0)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = run(*words, "--json")
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "headgate.toml").write_text('[flow]\nname = "support"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_hacked_series_fails(make, truths, written, capsys) -> None:
    code, answer = told(capsys, "judge", str(written(make(*truths["hacked"]))))
    assert (1, "STOP") == (code, answer["state"])
    assert "reward-stop" == answer["verdicts"][0]["rule"]


def test_an_honest_series_passes_and_names_the_best_step(make, truths, written, capsys) -> None:
    path = str(written(make(*truths["honest"], n=400)))
    assert 0 == run("judge", path)
    said = capsys.readouterr().out
    assert said.startswith("OK  0, 1, 2, 3")
    assert "best step by outcome: 3; on prompts that did not choose it" in said
    assert 0 == run("judge", path, "--quiet")
    assert "" == capsys.readouterr().out


def test_one_step_cannot_be_told(make, written, capsys) -> None:
    path = str(written(make([0.1], [0.5])))
    code, answer = told(capsys, "judge", path)
    assert (3, None) == (code, answer["state"])
    assert 3 == run("judge", path)
    assert "OK" not in capsys.readouterr().out


def test_a_hold_is_no_pass_to_a_script(make, truths, written, capsys) -> None:
    """Over its budget an honest series waits for a person: exit code 3, and 0 within it."""
    path = str(written(make(*truths["honest"], kl=[0.0, 0.5, 2.0, 4.5])))
    code, answer = told(capsys, "judge", path, "--budget", "2", "--form", "rl")
    assert (3, "HOLD", "unsure") == (code, answer["state"], answer["outcome"])
    assert (0, "OK") == ((one := told(capsys, "judge", path, "--budget", "5", "--form", "rl"))[0], one[1]["state"])


@pytest.mark.parametrize(
    "words", [["--drop", "2"], ["--budget", "-1"], ["--hold-back", "1"], ["--outcome", "proxy"]], ids=" ".join
)
def test_wrong_options_are_refused(words: list[str], make, truths, written, capsys) -> None:
    assert 2 == run("judge", str(written(make(*truths["honest"], n=20))), *words)
    assert "refused" in capsys.readouterr().err


def test_recording_keeps_steps_for_the_flow(project, make, truths, written, capsys) -> None:
    path = str(written(make(*truths["honest"], n=30)))
    code, answer = told(capsys, "record", "thumbs", path, "--suite", "tickets", "--take", "week 47")
    assert (0, 4) == (code, len(answer["scores"]))
    with Ledger.open(project / ".headgate") as ledger:
        assert ["0", "1", "2", "3"] == [batch.step for _, batch in recorded(ledger, "thumbs")]
    _, shown = told(capsys, "show")
    assert ["thumbs"] == shown["series"]
    assert 0 == run("show")
    assert "never judged: thumbs" in capsys.readouterr().out


def test_nothing_is_recorded_from_a_bad_file(project, make, truths, written, capsys) -> None:
    path = written(make(*truths["honest"], n=30))
    path.write_text(path.read_text() + '{"prompt": "x"}\n')
    assert 2 == run("record", "thumbs", str(path))
    assert f"{path}:121" in capsys.readouterr().err.replace(", line ", ":")
    assert not (project / ".headgate").exists()


def test_acts_without_cause_are_refused(project, capsys) -> None:
    person = ["--by", "Ann Lee", "--reason", "mended"]
    for words in (["note", "thumbs", *person], ["clear", "thumbs", *person, "--suite", "two"]):
        assert 2 == run(*words)
        assert "thumbs is not" in capsys.readouterr().err
