"""The first walk of a flow knows the items of its own suites before rows become a dataset version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.flow.project import open_project
from headgate.flow.walking import walk
from headgate.kit.errors import Refused

FLOW = """\
[flow]
name = "{name}"

[capture]
files = ["train.jsonl"]
source = "shop"
licence = "MIT"
consent = "training"

[curate]
steps = ["split"]
split = {{ train = 1.0 }}

[check]
select = ["self-leak"]
eval = ["more.jsonl"]

[evaluate.suites.topics]
gate = "gate.jsonl"
"""
ITEM = "Which of my two cards may I use at a petrol station in the south of Norway?"
FILE_ITEM = "Who tells the tax office about the interest on my savings at the end of the year?"
HONEST = "Please close the account of my late father and tell me which papers you need."


def write(folder: Path, name: str, questions: list[str]) -> None:
    lines = [json.dumps({"prompt": one, "completion": "cards"}) for one in questions]
    (folder / name).write_text("\n".join(lines) + "\n")


def project(folder: Path, name: str = "support") -> None:
    (folder / "headgate.toml").write_text(FLOW.format(name=name))
    write(folder, "train.jsonl", [HONEST, f"A mail from a customer: {ITEM} Thank you!", FILE_ITEM.upper()])
    write(folder, "gate.jsonl", [ITEM])
    write(folder, "more.jsonl", [FILE_ITEM])


def test_items_of_suites_and_files_are_protected_before_the_first_freeze(tmp_path: Path) -> None:
    """Copies of an item of [evaluate] and of one of [check] are refused at the first `headgate curate`."""
    project(tmp_path)
    opened = open_project(tmp_path)
    walked = walk(opened, until="curate")
    with opened.ledger() as ledger:
        assert {"suite:topics/gate", "file:more.jsonl"} == {one.name for one in ledger.protection.sets()}
        assert 1 == len(ledger.versions.get(walked.steps[-1].result.outputs["dataset"]).numbers)


def test_a_second_walk_does_nothing(tmp_path: Path) -> None:
    """Protecting the same items again changes nothing, so nothing runs again."""
    project(tmp_path)
    opened = open_project(tmp_path)
    walk(opened, until="curate")
    with opened.ledger() as ledger:
        head = ledger.head()
    assert [True, True] == [step.reused for step in walk(opened, until="curate").steps]
    with opened.ledger() as ledger:
        assert head == ledger.head()


def test_suites_of_another_flow_protect_too(tmp_path: Path) -> None:
    """A flow that names no suite is held against those of its neighbours in the same ledger."""
    project(tmp_path)
    walk(open_project(tmp_path), until="curate")
    alone = FLOW.format(name="other").partition("[check]")[0]
    (tmp_path / "other.toml").write_text(alone)
    opened = open_project(tmp_path / "other.toml")
    walked = walk(opened, until="curate")
    with opened.ledger() as ledger:
        assert 1 == len(ledger.versions.get(walked.steps[-1].result.outputs["dataset"]).numbers)


def test_a_suite_that_cannot_be_read_stops_the_freeze(tmp_path: Path) -> None:
    """What is not known cannot be kept out of training."""
    project(tmp_path)
    (tmp_path / "gate.jsonl").unlink()
    with pytest.raises(Refused, match="evaluate"):
        walk(open_project(tmp_path), until="curate")
