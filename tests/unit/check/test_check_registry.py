"""`headgate check --registry`: a list, a column, rows; and the same answer from shards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.check.registries import registry_of
from headgate.cli.main import main
from headgate.kit.errors import Refused


def rows(path: Path, answers: list[str]) -> str:
    turns = ([{"role": "user", "content": "Which?"}, {"role": "assistant", "content": one}] for one in answers)
    path.write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns))
    return str(path)


def verdict(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    with pytest.raises(SystemExit):
        main(["check", *arguments, "--select", "unknown-identifiers", "--json"])
    told = json.loads(capsys.readouterr().out)
    return next(one for one in told["verdicts"] if one["rule"] == "unknown-identifiers")


def test_three_ways_to_give_a_registry(tmp_path: Path) -> None:
    """One a line, a column of a table, a key of JSON lines and texts of rows say the same."""
    (tmp_path / "list.txt").write_text("# parts\nVX-100-B\nVX-200-C\n")
    (tmp_path / "table.csv").write_text("part,price\nVX-100-B,3\nVX-200-C,4\n")
    (tmp_path / "keys.jsonl").write_text('{"part": "VX-100-B"}\n{"part": ["VX-200-C"]}\n')
    rows(tmp_path / "rows.jsonl", ["Take VX-100-B.", "Or VX-200-C, then."])
    expected = ("vx-100-b", "vx-200-c")
    for name in ("list.txt", "table.csv:part", "keys.jsonl:part", "rows.jsonl"):
        assert expected == registry_of([str(tmp_path / name)]).entries
    assert expected == registry_of([tmp_path / "list.txt", str(tmp_path / "table.csv") + ":part"]).entries


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("empty.txt", "\n", "no identifier in it"),
        ("table.csv", "a,b\n1,2\n", "no such column of identifiers"),
        ("broken.jsonl", '{"a": 1}\n{"b"\n', "not JSON"),
        ("keys.jsonl:part", '{"a": 1}\n', "no such key of identifiers"),
    ],
)
def test_what_is_no_registry_is_refused(tmp_path: Path, name: str, text: str, what: str) -> None:
    """The file is named, and what was wanted."""
    (tmp_path / name.partition(":")[0]).write_text(text)
    with pytest.raises(Refused) as caught:
        registry_of([str(tmp_path / name)])
    assert what == caught.value.what
    assert name.partition(":")[0] in str(caught.value.file)


def test_unknown_identifiers_are_the_same_from_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rule fails beside a registry, is skipped without one, and answers from shards alike."""
    answers = [f"Take valve VX-{n}-B." for n in range(100, 200)]
    training = rows(tmp_path / "train.jsonl", [*answers, *["Take valve QX-9999-Z."] * 12])
    (tmp_path / "parts.txt").write_text("\n".join(f"VX-{n}-B" for n in range(100, 200)))
    told = [training, "--registry", str(tmp_path / "parts.txt")]
    expected = verdict(told, capsys)
    assert ("fail", 12) == (expected["outcome"], expected["findings_total"])
    assert expected == verdict([*told, "--engine", "local", "--cache", str(tmp_path / "cache")], capsys)
    assert "skipped" == verdict([training], capsys)["outcome"]
