"""The verbs gate and release as a person uses them."""

from __future__ import annotations

import json

import pytest

from headgate.cli.main import main
from headgate.release.run import run as release
from headgate.release.settings import Settings


@pytest.fixture
def project(scene, scenes, monkeypatch):
    """A folder with two releases, as the working directory."""
    names = [release(scene.ledger, Settings(), context=scene.context).outputs["release"]]
    scene.adapter(0.6)
    scene.step("check", scenes.check())
    scene.step("evaluate", *scenes.better(), outputs={"scores": "second"})
    scene.gate()
    names.append(release(scene.ledger, Settings(), context=scene.context).outputs["release"])
    monkeypatch.chdir(scene.folder)
    return names


def call(capsys, *arguments):
    """Exit code and output of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


def told(capsys, *arguments):
    """The JSON that a command line prints, with its exit code."""
    code, out = call(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_list_and_show(project, capsys):
    """Releases with their aliases, and the card of one."""
    code, answer = told(capsys, "release", "list")
    assert (0, project, [[], ["production"]], ["whole", "whole"]) == (
        code,
        [one["release"] for one in answer["releases"]],
        [one["aliases"] for one in answer["releases"]],
        [one["files"] for one in answer["releases"]],
    )
    code, out = call(capsys, "release", "show", "production")
    assert (0, True) == (code, f"# {project[1]}" in out)
    assert project[1] == told(capsys, "release", "show", "production")[1]["name"]
    assert f"{project[0]}" in call(capsys, "release", "list")[1]


def test_alias_and_rollback(project, capsys):
    """Moves are printed with what was there before; at the first release there is nothing to go back to."""
    assert (0, f"staging -> {project[0]}\n") == call(capsys, "release", "alias", "staging", project[0])
    code, answer = told(capsys, "release", "rollback")
    assert (0, project[0], project[1]) == (code, answer["release"], answer["before"])
    assert (2, "nothing to roll production back to") == (
        told(capsys, "release", "rollback")[0],
        told(capsys, "release", "rollback")[1]["error"]["what"],
    )


def test_gate_show(project, capsys):
    """The newest decision with its verdicts; exit code by its outcome."""
    code, out = call(capsys, "gate", "show")
    assert (0, True, True) == (code, out.startswith("pass"), "candidate-over-base" in out)
    assert "pass" == told(capsys, "gate", "show")[1]["outcome"]


def test_waive_and_waivers(project, capsys):
    """A waiver is recorded for the flow of the file, and listed."""
    given = ["--name", "Ann Lee", "--reason", "house spelling", "--until", "2099-12-31"]
    code, out = call(capsys, "gate", "waive", "learned-typo", *given)
    assert (0, "learned-typo in support is waived by Ann Lee until 2099-12-31: house spelling\n") == (code, out)
    assert "Ann Lee" == told(capsys, "gate", "waive", "self-leak", *given, "--flow", "billing")[1]["name"]
    code, answer = told(capsys, "gate", "waivers", "--flow", "support")
    assert (0, ["learned-typo"], [True]) == (
        code,
        [one["rule"] for one in answer["waivers"]],
        [one["stands"] for one in answer["waivers"]],
    )
    assert "2 waivers, 2 standing" in call(capsys, "gate", "waivers")[1]


@pytest.mark.parametrize("missing", ["--name", "--reason", "--until"])
def test_a_waiver_without_its_parts_is_wrong_use(project, capsys, missing):
    """Name, reason and end date are all asked for: exit code 2."""
    given = {"--name": "Ann Lee", "--reason": "house spelling", "--until": "2099-12-31"}
    arguments = [text for key, value in given.items() if key != missing for text in (key, value)]
    assert 2 == call(capsys, "gate", "waive", "learned-typo", *arguments)[0]
    assert 2 == call(capsys, "gate", "waive", "learned-typo", *arguments, missing, " ")[0]


def test_an_unknown_decision_is_wrong_use(project, capsys):
    """Exit code 2 for an address that is no decision, and for a flow without one."""
    assert 2 == call(capsys, "gate", "show", "support@1")[0]
    assert 2 == call(capsys, "gate", "show", "--flow", "billing")[0]
