"""The answer of a verb: one JSON object, one shape of verdict, on every surface."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from headgate.cli.main import main

OUTCOMES = ["pass", "fail", "unsure", "skipped"]
NUMBER_OR_NONE = {"type": ["number", "null"]}
PLACE = {"file": {"type": "string", "minLength": 1}, "line": {"type": "integer", "minimum": 1}}
ADDRESS = {"type": "string", "pattern": "^b3:[0-9a-f]{64}$"}
FINDING = {
    "type": "object",
    "required": ["message"],
    "properties": {
        **PLACE,
        "row": ADDRESS,
        "other": {"type": "object", "properties": {**PLACE, "row": ADDRESS}, "additionalProperties": False},
        "slice": {"type": "string"},
        "message": {"type": "string", "minLength": 1},
        "remedy": {"enum": ["drop", "mend", "review", "keep"]},
        "replacement": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "dependentRequired": {"file": ["line"], "line": ["file"]},
    "additionalProperties": False,
}
MEASURE = {
    "type": "object",
    "required": ["name", "value", "low", "high", "unit", "n", "smallest_visible"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        **dict.fromkeys(("value", "low", "high", "smallest_visible"), NUMBER_OR_NONE),
        "unit": {"type": "string", "minLength": 1},
        "n": {"type": "integer", "minimum": 0},
        "level": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    },
    "additionalProperties": False,
}
VERDICT = {
    "type": "object",
    "required": [
        "rule", "code", "failure", "outcome", "level", "summary", "measure", "threshold", "findings",
        "findings_total", "try",
    ],
    "properties": {
        "rule": {"type": "string", "minLength": 1},
        "code": {"type": "string", "pattern": "^([A-Z]{3}[0-9]{3})?$"},
        "failure": {"type": "string"},
        "outcome": {"enum": OUTCOMES},
        "level": {"enum": ["note", "warn", "block"]},
        "summary": {"type": "string", "minLength": 1, "pattern": "^[^\\n]*$"},
        "measure": {"anyOf": [MEASURE, {"type": "null"}]},
        "threshold": {
            "type": "object",
            "properties": {"at_most": {"type": "number"}, "at_least": {"type": "number"}},
            "additionalProperties": False,
        },
        "findings": {"type": "array", "items": FINDING},
        "findings_total": {"type": "integer", "minimum": 0},
        "reason": {"type": "string", "minLength": 1},
        "details": {"type": "object"},
        "try": {"type": "string"},
    },
    "allOf": [
        {"if": {"properties": {"outcome": {"enum": ["unsure", "skipped"]}}}, "then": {"required": ["reason"]}},
        {"if": {"properties": {"outcome": {"enum": ["pass", "fail"]}}}, "then": {"properties": {"measure": MEASURE}}},
    ],
    "additionalProperties": False,
}  # fmt: skip
ANSWER = {
    "type": "object",
    "required": ["headgate", "command", "outcome"],
    "properties": {
        "headgate": {"type": "string", "pattern": r"^\d+\.\d+"},
        "command": {"type": "string", "minLength": 1},
        "outcome": {"enum": [*OUTCOMES, "error"]},
        "verdicts": {"type": "array", "items": VERDICT},
    },
}
ANSWERS = Draft202012Validator(ANSWER)
EXITS = {"pass": 0, "fail": 1, "error": 2, "unsure": 3}
FLOW = """
[flow]
name = "small"
[capture]
files = ["train.jsonl"]
source = "desk"
licence = "CC-BY-4.0"
consent = "training"
[curate]
steps = ["split", "exact-duplicates"]
split = { train = 0.8, dev = 0.2 }
[check]
select = ["rows-without-lesson", "self-leak", "withdrawn-subject", "erased-slice"]
level.self-leak = "warn"
eval = ["test.jsonl"]
"""
PEOPLE = ("Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ida", "Jo")


def asked(capsys: pytest.CaptureFixture[str], *command: str) -> dict[str, Any]:
    """The answer of a command line: one JSON object and nothing else, whose outcome is the exit code."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*command, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [] == [f"{error.json_path}: {error.message}" for error in ANSWERS.iter_errors(answer)]
    assert EXITS[answer["outcome"]] == int(ended.value.code or 0)
    return answer


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a hundred rows, three of which are evaluation items as well."""
    rows = [
        {
            "prompt": f"{name} asks where the transfer number {i * 37} from branch {i} to {other} is by now",
            "completion": f"Dear {name}, transfer {i * 37} to {other} arrived yesterday in the late evening.",
        }
        for i, (name, other) in enumerate((name, other) for name in PEOPLE for other in PEOPLE)
    ]
    for file, chosen in (("train.jsonl", rows), ("test.jsonl", rows[:3])):
        (tmp_path / file).write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    (tmp_path / "headgate.toml").write_text(FLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_files_get_verdicts_in_the_documented_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """A leak is told with code, measure, threshold, both places and a next step."""
    answer = asked(capsys, "check", "train.jsonl", "--eval", "test.jsonl")
    assert "check" == answer["command"]
    leak = next(one for one in answer["verdicts"] if one["rule"] == "self-leak")
    assert ("DAT006", "self-leak", "fail") == (leak["code"], leak["failure"], leak["outcome"])
    assert (1.0, 3, "share") == tuple(leak["measure"][name] for name in ("value", "n", "unit"))
    assert {"at_most": 0.0} == leak["threshold"]
    places = {(one["file"], one["line"], one["other"]["file"], one["other"]["line"]) for one in leak["findings"]}
    assert {("train.jsonl", line, "test.jsonl", line) for line in (1, 2, 3)} <= places
    assert leak["findings_total"] >= 3
    assert leak["try"].startswith("headgate check train.jsonl --eval test.jsonl --fix ")


def test_every_rule_answers_in_the_documented_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of the catalogue speaks once, and says why where it cannot."""
    from headgate.rules.catalogue import CATALOGUE

    answer = asked(capsys, "check", "train.jsonl", "--select", "all")
    assert [rule.name for rule in CATALOGUE] == [one["rule"] for one in answer["verdicts"]]


def test_a_walk_answers_in_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """The verdicts of all stages stand in one list; the leak was refused before the version that was checked."""
    answer = asked(capsys, "run")
    assert ["capture", "curate", "check"] == [stage["stage"] for stage in answer["stages"]]
    leak = next(one for one in answer["verdicts"] if one["rule"] == "self-leak")
    assert ("DAT006", "pass", "warn") == (leak["code"], leak["outcome"], leak["level"])
    wall = next(one for one in answer["verdicts"] if one["rule"] == "firewall")
    assert ("continuous-contamination", "pass") == (wall["failure"], wall["outcome"])
    assert 3 == wall["details"]["refused"] + wall["details"]["held_out_rows_that_match"]
    assert "unsourced-rows" in [one["rule"] for one in answer["verdicts"]]


@pytest.mark.parametrize(("complete", "outcome"), [(True, "pass"), (False, "unsure")])
def test_the_gate_answers_in_the_same_shape(
    complete: bool, outcome: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparisons are verdicts like any other, and so is evidence that is missing."""
    folder = tmp_path / "decided"
    scene = scenes().ready(folder) if complete else scenes().make(folder)
    scene.gate()
    scene.ledger.close()
    monkeypatch.chdir(folder)
    answer = asked(capsys, "gate", "show")
    assert ("gate show", outcome) == (answer["command"], answer["outcome"])
    told = ["candidate-over-base", "candidate-over-few-shot"] if complete else ["missing-evidence"]
    assert set(told) <= {one["rule"] for one in answer["verdicts"]}


def scenes() -> ModuleType:
    """The module with which the tests of the gate make candidates and evidence."""
    path = Path(__file__).parents[1] / "unit" / "gate" / "scene.py"
    specification = importlib.util.spec_from_file_location("headgate_shape_scene", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["headgate_shape_scene"] = module  # dataclasses look their module up by name
    specification.loader.exec_module(module)
    return module


WAIVE = ("gate", "waive", "self-leak", "--name", "Ann", "--reason", "known to all", "--until", "2999-12-31")


@pytest.mark.parametrize(
    "command",
    [
        ("init", "new"),
        ("capture", "import", "train.jsonl", "--source", "desk", "--licence", "CC-BY-4.0", "--consent", "training"),
        ("capture",),
        ("curate",),
        ("check",),
        ("train",),
        ("evaluate",),
        ("release",),
        ("release", "list"),
        ("release", "show", "production"),
        ("release", "alias", "production", "none"),
        ("release", "rollback"),
        ("gate", "show"),
        ("gate", "waivers"),
        WAIVE,
        ("convert", "train.jsonl", "--to", "openai-sft", "-o", "out.jsonl"),
        ("explain",),
        ("explain", "self-leak"),
        ("ledger", "log"),
        ("ledger", "verify"),
        ("ledger", "show", "small@1"),
        ("ledger", "export", "all.jsonl"),
        ("ledger", "query", "closure", "small@1"),
        ("doctor",),
        ("check", "--no-such-option"),
        ("chekc",),
    ],
    ids=" ".join,
)
def test_every_verb_prints_one_object(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever happens, a script gets headgate, command and outcome, and the exit code agrees."""
    asked(capsys, "curate")
    answer = asked(capsys, *command)
    assert answer["command"].startswith(command[0])
    assert ("error" == answer["outcome"]) == ("error" in answer)
