"""Rows that retell failures, or items that their writer was shown, are told from rows of the same topic."""

from __future__ import annotations

import random
from typing import Any

import pytest

from headgate.evaluate.exposure import expose
from headgate.evaluate.protecting import suites_of
from headgate.evaluate.triage import audit, rows_since, runs_before
from headgate.kit.hashing import canonical_json
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.firewall import admit
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint

Project = Any  # of conftest
PLACES = (
    "Aber",
    "Brno",
    "Cork",
    "Dax",
    "Elche",
    "Fano",
    "Gent",
    "Hull",
    "Imola",
    "Jena",
    "Kiel",
    "Linz",
    "Metz",
    "Nice",
)
GOODS = ("anchors", "bridges", "candles", "drawers", "engines", "feathers", "gardens", "hammers", "islands", "jackets")


def asked(i: int) -> str:
    place, goods, n = PLACES[i % 14], GOODS[i % 10], 13 + 7 * i
    return (
        f"A merchant from {place} keeps {n} {goods} in {i + 2} rooms; how many {goods} are in each of them on average?"
    )


def retold(i: int) -> str:
    place, some, n = PLACES[i % 14], GOODS[i % 10], 13 + 7 * i
    return (
        f"In {place} somebody has {n} {some} spread over {i + 2} rooms. What is the average number of {some} per room?"
    )


def honest(i: int) -> str:
    return f"Please book table {i} for {i % 9 + 2} persons at {i % 12 + 8} o'clock, not near the {GOODS[i % 10]}"


def freeze(project: Project, questions: list[str], annotator: str | None = None, before: str = "") -> str:
    """A dataset version of what was there and of new rows."""
    ledger = project.ledger
    rows = [
        Row(
            kind=Kind.DEMONSTRATION,
            messages=(Message("user", q), Message("assistant", "done")),
            side=Side(annotator=annotator),
        )
        for q in questions
    ]
    source = ledger.record("source", "support", {"name": "support"})
    records = [
        RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject=None)
        for row in rows
    ]
    numbers = ledger.rows.append(records).numbers
    if before:
        numbers |= ledger.versions.get(before).numbers
    admit(ledger, numbers)
    version: str = ledger.versions.freeze("desk", numbers=numbers, splits={"train": numbers}, manifest={})
    return version


@pytest.fixture
def scene(project: Project, world: Any) -> tuple[Project, Any, str]:
    """Forty gate items, a first dataset version, and a run in which the first twenty items failed."""
    pairs = [(asked(i), str(i)) for i in range(40)]
    world.write_items(project.folder / "gate.jsonl", pairs)
    with FakeEndpoint(lambda _: "x") as server:
        settings = project.settings(server, suite={"dev": "", "sealed": ""})
    first = freeze(project, [honest(i) for i in range(300)])
    (suite,) = suites_of(project.ledger, settings, project.context)
    items = suite.pools["gate"]
    outcomes = {item.id: "fail" if i < 20 else "pass" for i, item in enumerate(items)}
    body = {"pool": "gate", "model": "m", "outcomes": project.ledger.content.put(canonical_json(outcomes))}
    project.ledger.record("score", "topics/gate/candidate", body)
    return project, suite, first


def found(project: Project, suite: Any, dataset: str) -> dict[str, Verdict]:
    return {one.rule: one for one in audit(project.ledger, [suite], dataset)}


def test_rows_that_retell_failures_are_named(scene: tuple[Project, Any, str]) -> None:
    """Twelve failures typed in again among a hundred honest rows: p below 0.01, and the items are the failed ones."""
    project, suite, first = scene
    rows = [retold(i) for i in range(12)] + [honest(i) for i in range(400, 500)]
    random.Random(0).shuffle(rows)
    second = freeze(project, rows, before=first)
    verdict = found(project, suite, second)["failure-copies"]
    assert (Outcome.FAIL, Level.BLOCK) == (verdict.outcome, verdict.level)
    assert verdict.measure is not None and verdict.measure.value < 0.01
    failed = {item.id for item in suite.pools["gate"][:20]}
    named = {finding.other.line for finding in verdict.findings if finding.other}
    assert 10 <= len(named) and named <= set(range(1, 21)), (named, len(failed))
    assert (second, 112) == (verdict.details["dataset"], verdict.details["added_rows"])


def test_rows_of_passed_items_as_well_are_no_copies_of_failures(scene: tuple[Project, Any, str]) -> None:
    """Six failed and six passed items retold, and honest rows alone: neither says that failures were copied."""
    project, suite, first = scene
    rows = [retold(i) for i in (*range(6), *range(20, 26))] + [honest(i) for i in range(400, 500)]
    assert Outcome.PASS is found(project, suite, freeze(project, rows, before=first))["failure-copies"].outcome


def test_honest_rows_pass(scene: tuple[Project, Any, str]) -> None:
    """A hundred new rows about something else."""
    project, suite, first = scene
    second = freeze(project, [honest(i) for i in range(400, 500)], before=first)
    assert Outcome.PASS is found(project, suite, second)["failure-copies"].outcome


def test_rows_that_come_again_under_another_name_were_not_added(scene: tuple[Project, Any, str]) -> None:
    """The same words by somebody else are older rows, whatever their id."""
    project, _, first = scene
    again = freeze(project, [honest(i) for i in range(50)], annotator="Bob", before=first)
    since = rows_since(project.ledger, again, project.ledger.find("score", "topics/gate/candidate")[0].seq)
    assert (350, 0) == (len(since.older), len(since.added))


def test_nothing_is_asked_without_a_run_before_the_rows(scene: tuple[Project, Any, str]) -> None:
    """A version that was frozen before the run cannot hold rows written from it."""
    project, suite, first = scene
    assert {} == found(project, suite, first)
    node = project.ledger.find("score", "topics/gate/candidate")[0]
    assert [] == runs_before(project.ledger, suite, node.seq)
    since = rows_since(project.ledger, first, node.seq)
    assert (300, 0) == (len(since.older), len(since.added))


def test_a_later_run_does_not_launder_copies(scene: tuple[Project, Any, str]) -> None:
    """Rows that retold failures are told as long as they are there, whatever was evaluated or added since."""
    project, suite, first = scene
    copied = [retold(i) for i in range(12)] + [honest(i) for i in range(400, 500)]
    second = freeze(project, copied, before=first)
    outcomes = {item.id: "fail" if i % 4 == 0 else "pass" for i, item in enumerate(suite.pools["gate"])}
    body = {"pool": "gate", "model": "n", "outcomes": project.ledger.content.put(canonical_json(outcomes))}
    again = project.ledger.record("score", "renamed/gate/candidate", body)
    third = freeze(project, [honest(i) for i in range(600, 640)], before=second)
    said = [one for one in audit(project.ledger, [suite], third) if one.rule == "failure-copies"]
    assert [(Outcome.FAIL, 112), (Outcome.PASS, 40)] == [(one.outcome, one.details["added_rows"]) for one in said]
    assert again == said[1].details["run"]
    without = freeze(project, [honest(i) for i in range(700, 740)], before=first)
    assert Outcome.PASS is found(project, suite, without)["failure-copies"].outcome


def test_rows_of_a_person_who_saw_items_are_held_against_them(scene: tuple[Project, Any, str]) -> None:
    """Ann saw ten items that passed and wrote them in again; what Bob wrote is not asked about."""
    project, suite, first = scene
    shown = [item.id for item in suite.pools["gate"][20:30]]
    expose(project.ledger, shown, how="person", where="Ann Lee")
    middle = freeze(project, [retold(i) for i in range(20, 30)], annotator="Ann Lee", before=first)
    last = freeze(project, [honest(i) for i in range(400, 440)], annotator="Bob", before=middle)
    told = found(project, suite, last)
    verdict = told["triage-leak"]
    assert Outcome.FAIL is verdict.outcome, verdict.summary
    assert verdict.summary.startswith("Ann Lee was shown 10 items and wrote 10 rows since; 1")
    assert all("which Ann Lee saw" in finding.message for finding in verdict.findings)
    assert Outcome.PASS is told["failure-copies"].outcome


def test_a_person_who_saw_items_and_wrote_of_other_things_is_not_accused(scene: tuple[Project, Any, str]) -> None:
    """Ann saw items, her rows are about tables."""
    project, suite, first = scene
    expose(project.ledger, [item.id for item in suite.pools["gate"][:10]], how="person", where="Ann Lee")
    last = freeze(project, [honest(i) for i in range(400, 440)], annotator="Ann Lee", before=first)
    assert Outcome.PASS is found(project, suite, last)["triage-leak"].outcome
