"""What `import headgate` promises: every public name is there, and works however often and early it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import headgate

ROW = (
    '{"messages": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}]}'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A training file of one row."""
    path = tmp_path / "train.jsonl"
    path.write_text(ROW + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", headgate.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Names that load on first use lead somewhere, and `dir` shows them."""
    assert getattr(headgate, name) is not None
    assert name in dir(headgate)


@pytest.mark.parametrize("before", ["", "import headgate.check.auditing", "headgate.check", "headgate.Audit"])
def test_check_can_be_called_again_and_again(file: Path, before: str) -> None:
    """The room `check` and the function share a name; calling works whatever was imported first."""
    code = f"import headgate\n{before}\nfor _ in range(2): print(headgate.check({str(file)!r}).files[0].rows)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ("1\n1\n", "") == (result.stdout, result.stderr)


def test_check_takes_one_path_or_many_and_answers_in_the_shape_of_the_command(file: Path) -> None:
    """The answer is an Audit: an outcome, verdicts, and the object that `--json` prints."""
    one, many = headgate.check(file), headgate.check([str(file)], eval=[file])
    assert isinstance(one, headgate.Audit)
    assert isinstance(one.outcome, headgate.Outcome)
    assert {headgate.Verdict} == {type(verdict) for verdict in one.verdicts}
    assert ["headgate", "command", "outcome", "verdicts"] == list(one.as_json())[:4]
    assert [("training", 1), ("evaluation", 1)] == [(each.role, each.rows) for each in many.files]


def test_open_refuses_what_is_no_project(tmp_path: Path) -> None:
    """A folder without a flow file is refused with the file that is missing."""
    with pytest.raises(headgate.Refused) as caught:
        headgate.open(tmp_path)
    assert str(tmp_path / "headgate.toml") == caught.value.file


def test_open_gives_the_project_of_a_flow_file(tmp_path: Path) -> None:
    """A project knows its folder, its flow and its store."""
    (tmp_path / "headgate.toml").write_text('[flow]\nname = "small"\n[capture]\nfiles = ["a.jsonl"]\n')
    project = headgate.open(tmp_path)
    assert isinstance(project, headgate.Project)
    assert ("small", tmp_path / ".headgate") == (project.flow.settings.name, project.store)
    assert not project.store.exists()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Typing errors are told as Python tells them."""
    with pytest.raises(AttributeError, match="no_such_name"):
        headgate.no_such_name  # noqa: B018 - reading it is the test
