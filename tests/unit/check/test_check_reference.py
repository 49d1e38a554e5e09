"""`headgate check` against real rows and few-shot prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main


def rows(path: Path, pairs: list[tuple[str, str]]) -> str:
    turns = ([{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in pairs)
    path.write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns))
    return str(path)


def outcomes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    with pytest.raises(SystemExit):
        main(["check", *arguments, "--json"])
    told = json.loads(capsys.readouterr().out)
    return {verdict["rule"]: verdict["outcome"] for verdict in told["verdicts"]}


def test_synthetic_inputs_fail_beside_real_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --reference the rules of the shelf synthetic are asked; without it they are skipped."""
    polite = [(f"Hello, could you please tell me the state of order {n}? Thank you.", "sent") for n in range(240)]
    typed = [(f"wheres order {n}", "sent") for n in range(240)]
    training, real = rows(tmp_path / "train.jsonl", polite), rows(tmp_path / "real.jsonl", typed)
    assert "fail" == outcomes([training, "--reference", real, "--select", "input-gap"], capsys)["input-gap"]
    assert "skipped" == outcomes([training, "--select", "input-gap"], capsys)["input-gap"]


def test_shards_are_held_against_real_rows_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Read in shards, the same rules answer."""
    training = rows(tmp_path / "train.jsonl", [(f"wheres order {n}", "sent") for n in range(240)])
    told = [training, "--reference", training, "--select", "synthetic"]
    expected = outcomes(told, capsys)
    assert "pass" == expected["input-gap"]
    assert expected == outcomes([*told, "--engine", "local", "--cache", str(tmp_path / "cache")], capsys)


def test_prompts_that_hold_the_items_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --prompts, a few-shot prompt that quotes an evaluation item is found."""
    question = "How many days does a transfer from a foreign account take to arrive on the weekend?"
    item = rows(tmp_path / "test.jsonl", [(question, "three")])
    training = rows(tmp_path / "train.jsonl", [("Is it open?", "yes")])
    asked = f"Q: {question}\nA: three\nQ: {question}\nA:"
    prompts = rows(tmp_path / "prompts.jsonl", [(asked, "")])
    told = [training, "--eval", item, "--prompts", prompts, "--select", "few-shot-leak"]
    assert "fail" == outcomes(told, capsys)["few-shot-leak"]
