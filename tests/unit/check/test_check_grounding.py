"""`headgate check` with passages and originals: in memory and from shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main


def rows(path: Path, bodies: list[dict[str, Any]]) -> str:
    path.write_text(
        "".join(
            json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": one.pop("user")},
                        {"role": "assistant", "content": one.pop("assistant")},
                    ],
                    **one,
                }
            )
            + "\n"
            for one in bodies
        )
    )
    return str(path)


def verdict(rule: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    with pytest.raises(SystemExit):
        main(["check", *arguments, "--select", rule, "--json"])
    told = json.loads(capsys.readouterr().out)
    return dict(next(one for one in told["verdicts"] if one["rule"] == rule))


def test_sentences_are_held_against_the_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The likest passages are found, from shards as well; without any passage the rule is skipped."""
    real = [{"user": "page", "assistant": f"The bridge of Lorvane-{n} spans {n}5 metres."} for n in range(30, 130)]
    said = [{"user": "How long?", "assistant": f"The bridge of Lorvane-{n} spans {n}5 metres."} for n in range(30, 130)]
    said += [
        {"user": "How long?", "assistant": f"The bridge of Lorvane-{n} spans 9{n}7 metres."} for n in range(30, 50)
    ]
    training, reference = rows(tmp_path / "train.jsonl", said), rows(tmp_path / "real.jsonl", real)
    told = [training, "--reference", reference]
    expected = verdict("unsupported-sentences", told, capsys)
    assert ("fail", 20) == (expected["outcome"], expected["findings_total"])
    shards = [*told, "--engine", "local", "--cache", str(tmp_path / "cache")]
    assert expected == verdict("unsupported-sentences", shards, capsys)
    assert "skipped" == verdict("unsupported-sentences", [training], capsys)["outcome"]


def test_rows_are_held_against_their_originals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --before the rule compares by pairs, from shards as well; without, it is skipped."""
    old = [{"id": f"r{n}", "user": f"How long, {n}?", "assistant": f"it spans {n} metres"} for n in range(100, 180)]
    new = [{"id": f"r{n}", "user": f"How long, {n}?", "assistant": "It spans 999 metres."} for n in range(100, 180)]
    training, before = rows(tmp_path / "after.jsonl", new), rows(tmp_path / "before.jsonl", old)
    told = [training, "--before", before]
    expected = verdict("lost-facts", told, capsys)
    assert ("fail", 80) == (expected["outcome"], expected["findings_total"])
    assert expected == verdict("lost-facts", [*told, "--engine", "local", "--cache", str(tmp_path / "cache")], capsys)
    assert "skipped" == verdict("lost-facts", [training], capsys)["outcome"]
