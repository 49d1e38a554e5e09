"""Steps: recorded with their verdicts, found again by key, read back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StepResult, record_step, step_with_key, stored_result, verdict_from_json, verdicts_of
from headgate.stats.verdict import Finding, Level, Measure, Outcome, Place, Verdict
from headgate.stats.verdict import Outcome as Result

VERDICT = Verdict(
    rule="self-leak",
    code="DAT006",
    failure="self-leak",
    outcome=Result.FAIL,
    level=Level.BLOCK,
    summary="7 of 312 evaluation items appear in the training rows",
    measure=Measure(
        name="leaked items", value=0.0224, low=0.011, high=0.0456, unit="share", n=312, smallest_visible=0.01
    ),
    threshold={"at_most": 0.0},
    findings=(
        Finding(
            message="shares a span",
            place=Place(file="train.jsonl", line=7),
            row="b3:" + "1" * 64,
            other=Place(file="test.jsonl", line=14),
            remedy="drop",
            slice="intent",
        ),
        Finding(message="misspelt", remedy="mend", replacement={"teh": "the"}),
    ),
    findings_total=7,
    next_step="headgate check train.jsonl --fix clean.jsonl",
    reason="census",
    details={"slices": [{"name": "intent", "n": 3}]},
)  # fmt: skip
RESULT = StepResult(
    stage="check",
    outcome=Outcome.FAIL,
    summary="1 of 2 rules failed",
    verdicts=(VERDICT, replace(VERDICT, rule="near-duplicates", outcome=Result.PASS, measure=None, findings=())),
    outputs={"check": "done"},
    facts={"rows": 312},
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


def test_a_verdict_is_read_back_as_it_was() -> None:
    """Every part that is printed survives."""
    assert VERDICT == verdict_from_json(VERDICT.as_json())


def test_a_step_is_found_by_its_key_and_read_back(ledger: Ledger) -> None:
    """The newest step of that stage and key; other keys and stages have none."""
    step = record_step(ledger, RESULT, "b3:key", settings={"limit": {"value": 3, "from": "given"}})
    found = step_with_key(ledger, "check", "b3:key")
    assert found is not None
    assert (step, RESULT) == (found.id, stored_result(found))
    assert {"limit": {"value": 3, "from": "given"}} == found.body["settings"]
    assert (None, None) == (step_with_key(ledger, "check", "b3:other"), step_with_key(ledger, "train", "b3:key"))


def test_the_newest_of_two_steps_with_one_key_is_taken(ledger: Ledger) -> None:
    """A stage that was run again with another result is known by the later one."""
    record_step(ledger, RESULT, "b3:key")
    again = record_step(ledger, replace(RESULT, outcome=Outcome.PASS, verdicts=()), "b3:key")
    found = step_with_key(ledger, "check", "b3:key")
    assert found is not None
    assert again == found.id


def test_verdicts_are_members_of_their_step(ledger: Ledger) -> None:
    """Each verdict is a node of its own, and the step rests on it."""
    step = record_step(ledger, RESULT, "b3:key")
    verdicts = verdicts_of(ledger, step)
    assert ["self-leak", "near-duplicates"] == [node.name for node in verdicts]
    assert ["fail", "pass"] == [node.body["outcome"] for node in verdicts]
    assert {node.id for node in verdicts} == {node.id for node in ledger.closure(step).of("verdict")}


def test_recording_the_same_step_again_adds_nothing(ledger: Ledger) -> None:
    """Neither the step nor its verdicts are doubled."""
    first = record_step(ledger, RESULT, "b3:key")
    head = ledger.head()
    assert (first, head) == (record_step(ledger, RESULT, "b3:key"), ledger.head())
