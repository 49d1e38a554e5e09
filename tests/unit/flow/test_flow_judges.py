"""[judges.NAME] and [rubrics.NAME]: read strictly, recorded before the walk, bound to what they shaped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.flow.file import read_flow, resolved
from headgate.flow.judging import bind_uses, declare_judges
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StepResult
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.judge_uses import uses_above
from headgate.stats.verdict import Outcome

FLOW = """[flow]
name = "support"

[judges.ann]
endpoint = "http://localhost:8000/v1"
model = "claude-3"
roles = ["gate"]

[judges.bob]
model = "gpt-4o"
roles = ["reward", "data-selection"]

[rubrics.clear]
about = "Whether a caller is helped."
[rubrics.clear.criteria.time]
text = "Says how long it takes."
weight = 2.0
aspect = "correctness"
"""


def flow(folder: Path, text: str) -> Path:
    path = folder / "headgate.toml"
    path.write_text(text)
    return path


def test_judges_and_rubrics_are_read(tmp_path: Path) -> None:
    """With their defaults, and listed among what was resolved."""
    read = read_flow(flow(tmp_path, FLOW))
    assert ["ann", "bob"] == list(read.judging.judges)
    assert (["gate"], 5) == (read.judging.judges["ann"].roles, read.judging.judges["ann"].gates)
    assert "- time: Says how long it takes." in read.judging.rubrics["clear"].text
    assert "judges.bob.model" in [path for path, _, _ in resolved(read)]


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ('model = "claude-3"', "", "judges.ann.model is missing", 4),
        ('roles = ["gate"]', 'roles = ["gate", "reward"]', "cannot both shape a model and decide on it", 4),
        ('roles = ["gate"]', 'role = "gate"', "unknown key 'judges.ann.role'", 7),
        ("weight = 2.0", "weight = -1.0", "a criterion has a text, and a weight above 0", 15),
        ('aspect = "correctness"', 'aspect = "beauty"', "has the wrong type or value", 18),
        ("[judges.ann]", "[judges]", "judges are tables by name", 4),
        ("[flow]", "[judge]\n[flow]", "unknown section [judge]", 1),
        (
            "[judges.ann]",
            '[evaluate.judged.h]\ngate = "x.jsonl"\njudges = ["anne"]\n[judges.ann]',
            "names 'anne', which is no table of [judges]",
            6,
        ),
        (
            "[judges.ann]",
            '[evaluate.judged.h]\ngate = "x.jsonl"\njudges = ["bob"]\n[judges.ann]',
            "names 'bob', which is not for the gate",
            6,
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, what: str, line: int) -> None:
    """Missing, contradictory and misspelt: file, line and words."""
    with pytest.raises(Refused) as caught:
        read_flow(flow(tmp_path, FLOW.replace(old, new, 1)))
    assert what in str(caught.value)
    assert f"headgate.toml:{line}" in str(caught.value) or caught.value.line == line


def test_what_a_judge_shaped_is_bound_to_it(ledger: Ledger, tmp_path: Path) -> None:
    """Roles of the file become uses on the dataset and the run; models named in rows do so by themselves."""
    known = declare_judges(ledger, read_flow(flow(tmp_path, FLOW)).judging, tmp_path)
    source = ledger.record("source", "tickets", {})
    row = Row(
        kind=Kind.DEMONSTRATION, messages=(Message("user", "q"), Message("assistant", "a")),
        side=Side(annotator="mistral-large"),
    )  # fmt: skip
    record = RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject=None)
    numbers = ledger.rows.append([record]).numbers
    name = ledger.versions.freeze("support", numbers=numbers, splits={"train": BitMap(numbers)}, manifest={})
    run = ledger.record("run", "r", {}, edges=[Edge("trained-on", ledger.versions.get(name).node_id)])
    adapter = ledger.record("adapter", "a", {}, edges=[Edge("derived-from", run)])
    for stage, outputs in (("curate", {"dataset": name}), ("train", {"run": run}), ("evaluate", {"scores": run})):
        result = StepResult(stage=stage, outcome=Outcome.PASS, summary="", outputs=outputs)
        for reused in (False, True):
            bind_uses(ledger, known, stage, result, reused=reused)
    uses = [(one.judge, one.role, one.on) for one in uses_above(ledger, adapter)]
    assert [
        ("bob", "data-selection", (f"dataset-version {name}",)),
        ("mistral-large", "training-label", (f"dataset-version {name}",)),
        ("bob", "reward", ("run r",)),
    ] == uses


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger.open(tmp_path, create=True, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC)) as opened:
        yield opened
