"""Every verb keeps the same manners: help with two examples, --json, --quiet, exit codes."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import click
import pytest

from headgate.cli.main import headgate, main
from headgate.cli.verbs import VERBS

NAMES = [verb.name for verbs in VERBS.values() for verb in verbs]


def commands(name: str) -> list[click.Command]:
    """The verb itself, or its subcommands where it is a group, and theirs."""
    command = headgate.get_command(click.Context(headgate), name)
    assert command is not None
    return leaves(command)


def leaves(command: click.Command) -> list[click.Command]:
    """The commands under one; itself where it is no group."""
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return [leaf for one in inner if one for leaf in leaves(one)]


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_help_with_two_examples(name: str) -> None:
    """Help names what the verb does and shows two command lines that start with headgate."""
    for command in commands(name):
        text = command.get_help(click.Context(command, info_name=command.name))
        assert 2 <= text.count("headgate " + name), text


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_json_and_quiet(name: str) -> None:
    """Scripts can read every verb, and silence it."""
    for command in commands(name):
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--quiet"} <= options, command.name


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_a_page(name: str) -> None:
    """The reference has a section for every verb."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()
    assert f"## headgate {name}" in page


def run(*arguments: str) -> int:
    """Exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_an_unknown_verb_is_wrong_use_and_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a hint."""
    assert 2 == run("chek")
    assert "'check'" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_use() -> None:
    """Exit code 2."""
    assert 2 == run("check", "--no-such-option")


def test_errors_have_one_shape_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json an error is one object with file, what and next step."""
    missing = tmp_path / "missing.jsonl"
    assert 2 == run("check", str(missing), "--json")
    answer = json.loads(capsys.readouterr().out)
    assert ("error", str(missing)) == (answer["outcome"], answer["error"]["file"])


def test_our_own_fault_is_exit_code_4(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A crash prints a traceback and says that it is not the user's fault."""
    import headgate.check.auditing as auditing

    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(auditing, "audit", crash)
    assert 4 == run("check", "anything.jsonl")
    assert "fault of headgate" in capsys.readouterr().err


def test_doctor_lists_every_core_dependency() -> None:
    """What the core install needs is what doctor looks for."""
    import tomllib

    from headgate.cli.doctor import CORE

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert sorted(re.split("[><=]", one)[0] for one in project["dependencies"]) == sorted(CORE)


def test_every_shelf_travels_with_the_wheel() -> None:
    """`headgate explain` prints the cases of a rule wherever it is installed."""
    import tomllib

    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    shelves = {path.parent.name for path in (root / "tests" / "rules").glob("*/*.md")}
    assert {f"tests/rules/{one}": f"headgate/rules/suites/{one}" for one in shelves} == wheel["force-include"]


def advised() -> list[tuple[str, str]]:
    """Every command line that a refusal or a verdict names as the next step, with the file that says so."""
    found = []
    for path in sorted((Path(__file__).parents[2] / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "next_step":
                continue
            for part in ast.walk(node.value):
                if isinstance(part, ast.JoinedStr):
                    text = "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in part.values)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    text = part.value
                else:
                    continue
                found += [
                    (path.name, line)
                    for line in re.findall(r"(?:^|: |run |then )headgate (.*?)(?:, then|, and| and |;|, |$)", text)
                ]
    return found


def test_every_next_step_is_a_command_that_there_is() -> None:
    """Verb, subcommand and options of each: advice that cannot be followed is worse than none."""
    lines = advised()
    assert len(lines) > 50
    wrong = []
    for file, line in lines:
        command: click.Command | None = headgate
        words = [word.rstrip(":.") for word in line.split()]
        while words and isinstance(command, click.Group) and not words[0].startswith("-"):
            inner = command.get_command(click.Context(command), words.pop(0))
            if inner is None and command.invoke_without_command:
                break  # a verb that runs by itself, and words about it
            command = inner
        known = {option for one in (command.params if command else ()) for option in (*one.opts, *one.secondary_opts)}
        options = {word.partition("=")[0].rstrip(")") for word in words if word.startswith("--")}
        if line == "X":  # the name of a stage
            continue
        if command is None or options - known - {"--help"}:
            wrong.append(f"{file}: headgate {line}")
    assert "" == "\n".join(sorted(set(wrong)))
