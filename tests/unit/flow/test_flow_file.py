"""The flow file: sections in order, strict keys, all errors at once, values with their origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.flow.file import as_plain, read_flow, resolved
from headgate.flow.project import open_project
from headgate.flow.walking import walk
from headgate.kit.errors import Refused

ROOT = Path(__file__).parents[3]
GOOD = """\
[flow]
name = "support"

[capture]
files = ["train.jsonl"]

[curate]
steps = ["select", "split"]

[train]
base = "base"
steps = 40

[gate]
require = ["curate"]

[release]
name = "support"
"""


def write(folder: Path, text: str) -> Path:
    """A flow file with that text."""
    path = folder / "headgate.toml"
    path.write_text(text)
    return path


def problems(path: Path, *overrides: str) -> str:
    """The message of the refusal."""
    with pytest.raises(Refused) as caught:
        read_flow(path, overrides, {})
    return str(caught.value)


@pytest.mark.parametrize("name", ["support", "planted"])
def test_the_flow_files_of_the_examples_are_right(name: str) -> None:
    """Examples name only keys that exist."""
    flow = read_flow(ROOT / "examples" / name / "headgate.toml", (), {})
    assert ["capture", "curate", "check", "train", "evaluate", "gate", "release"] == [
        one.name for one, _ in flow.stages
    ]


def test_values_come_from_file_environment_and_command_line_in_this_order(tmp_path: Path) -> None:
    """Each resolved value carries its origin; what nobody said is a default."""
    path = write(tmp_path, GOOD)
    environment = {"HEADGATE_TRAIN_STEPS": "50", "HEADGATE_TRAIN_BATCH": "8"}
    flow = read_flow(path, ["train.batch=4", "curate.split={train=0.8, dev=0.2}"], environment)
    table = {key: (value, origin) for key, value, origin in resolved(flow)}
    assert (50, "environment HEADGATE_TRAIN_STEPS") == table["train.steps"]
    assert (4, "--set") == table["train.batch"]
    assert ("base", "headgate.toml:11") == table["train.base"]
    assert "default" == table["train.engine"][1]
    assert {"train": 0.8, "dev": 0.2} == as_plain(dict(flow.stages[1:2])[flow.stages[1][0]].split)


def test_all_problems_of_a_file_come_in_one_report(tmp_path: Path) -> None:
    """Unknown key, unknown section, wrong type and a forward reference, each with its line."""
    text = GOOD.replace("steps = 40", "stepps = 40").replace('files = ["train.jsonl"]', "files = 3")
    text = text.replace('require = ["curate"]', 'require = ["release"]').replace("[release]", "[relaese]")
    message = problems(write(tmp_path, text))
    assert "4 problems" in message or "5 problems" in message
    for part in (
        "headgate.toml:12",
        "did you mean 'steps'?",
        "headgate.toml:5",
        "[relaese]",
        "headgate.toml:15",
        "below [gate]",
    ):
        assert part in message


def test_sections_out_of_order_and_sections_of_later_versions_are_refused(tmp_path: Path) -> None:
    """A section stands in flow order; serve is not in this version."""
    text = '[flow]\nname = "x"\n[train]\nbase = "b"\n[capture]\nfiles = ["a"]\n[serve]\n'
    message = problems(write(tmp_path, text))
    assert "[capture] stands after [train]" in message
    assert "[serve] is not in this version" in message


def test_a_missing_file_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    """Each says what to do next."""
    assert "headgate init" in problems(tmp_path / "headgate.toml")
    assert "not a TOML file" in problems(write(tmp_path, "[flow\n"))
    path = tmp_path / "headgate.toml"
    path.write_bytes("[flow]".encode("utf-16"))
    assert "not UTF-8" in problems(path)


def test_an_override_without_a_section_is_refused(tmp_path: Path) -> None:
    """--set wants section.key=value."""
    assert "section.key=value" in problems(write(tmp_path, GOOD), "steps=3")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-f", "<b>", "x" * 64])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Versions and releases are named after the flow, and those names become folders."""
    assert "flow.name" in problems(write(tmp_path, GOOD), f"flow.name={name}")


def test_a_file_with_unknown_columns_is_refused_with_the_section_to_edit(tmp_path: Path) -> None:
    """An option of `check` is of no use to `run`: the step names the key and its section."""
    (tmp_path / "train.csv").write_text("Body,Reply\nWhere is it?,Here.\n")
    path = write(tmp_path, GOOD.replace("train.jsonl", "train.csv"))
    with pytest.raises(Refused) as caught:
        walk(open_project(path), until="capture")
    assert str(caught.value.next_step).startswith("set columns in [capture] of the flow file")


def test_a_flow_is_walked_by_one_process_at_a_time(tmp_path: Path) -> None:
    """A second walk is told so at once and writes nothing; afterwards the way is free."""
    project = open_project(write(tmp_path, GOOD))
    with project.alone(), pytest.raises(Refused) as caught:
        walk(project)
    assert "another run walks this flow" == caught.value.what
    assert [] == list(project.store.glob("ledger*"))
    with project.alone():
        pass
