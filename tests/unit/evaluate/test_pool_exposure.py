"""Whoever sees an item that decides is on record, and every evaluation says how many were seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.exposure import expose, exposures, host_of, named_items
from headgate.evaluate.protecting import suites_of
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest


def exposure(result: StepResult) -> Verdict:
    return next(v for v in result.verdicts if v.rule == "item-exposure")


def test_an_endpoint_of_somebody_else_has_seen_what_it_was_sent(project: Project, serve: Serve) -> None:
    """Thirty gate and thirty sealed items; the development items are free, and a second walk adds nothing."""
    server = serve()
    for _ in range(2):
        verdict = exposure(project.run(server, own_endpoints=[]))
        assert (Outcome.FAIL, Level.WARN) == (verdict.outcome, verdict.level)
        assert "60 of 60 gate and sealed items were seen: 60 sent to 127.0.0.1" in verdict.summary
        assert {30} == {len(one.items) for one in exposures(project.ledger)} and 2 == len(exposures(project.ledger))
    assert verdict.next_step.startswith('evaluate.own-endpoints = ["127.0.0.1"]')


def test_an_own_endpoint_exposes_nothing(project: Project, serve: Serve) -> None:
    """A server of this machine keeps nothing by default; the verdict passes."""
    assert Outcome.PASS is exposure(project.run(serve())).outcome
    assert [] == exposures(project.ledger)
    assert ["", "api.example.com"] == [host_of("local:base"), host_of("https://api.example.com:8000/v1#m")]


def test_a_prompt_that_gives_items_away_exposes_them(project: Project, serve: Serve, world: ModuleType) -> None:
    """The words of a gate item stand in the system message: nothing is asked, and the item was seen."""
    question = world.items(100, 1)[0][0]
    result = project.run(serve(), suite={"system": f"Known case: {question}"})
    assert Outcome.FAIL is result.outcome
    (seen,) = exposures(project.ledger)
    assert ("prompt", "topics", 1) == (seen.how, seen.where, len(seen.items))


def test_persons_and_reports_are_recorded_by_name(project: Project, serve: Serve) -> None:
    """Each finding says who saw the item and when; without a name nothing is recorded."""
    settings = project.settings(serve())
    (suite,) = suites_of(project.ledger, settings, project.context)
    one, two = suite.pools["gate"][:2]
    expose(project.ledger, [one.id, two.id], how="person", where="Ann Lee", note="triage")
    expose(project.ledger, [one.id], how="report", where="talk of 3 May")
    verdict = exposure(project.run(serve()))
    assert {one.id, two.id} == {finding.row for finding in verdict.findings}
    assert {"shown to Ann Lee": 2, "named in talk of 3 May": 1} == verdict.details["by"]
    assert all(finding.place for finding in verdict.findings)
    with pytest.raises(Refused, match="an exposure without a name"):
        expose(project.ledger, [one.id], how="person", where=" ")
    assert expose(project.ledger, [], how="person", where="Ann Lee") is None


def test_findings_name_items_by_either_id(project: Project, serve: Serve) -> None:
    """Row ids and content ids of items that decide are found; development items and strangers are not."""
    (suite,) = suites_of(project.ledger, project.settings(serve()), project.context)
    gate, dev = suite.pools["gate"][0], suite.pools["dev"][0]
    assert {gate.id} == named_items(project.ledger, [gate.row, dev.row, "b3:nobody"])
    assert {gate.id} == named_items(project.ledger, [gate.id]) and set() == named_items(project.ledger, [])


def test_a_judge_behind_a_strange_host_has_seen_its_items(project: Project) -> None:
    """What is recorded names hosts and counts, and no words of an item."""
    from headgate.evaluate.exposure import sent

    sent(project.ledger, "https://judge.example.com/v1", ["b3:1", "b3:2"], ["127.0.0.1"])
    sent(project.ledger, "local:base", ["b3:3"], [])
    (one,) = exposures(project.ledger)
    assert ("endpoint", "judge.example.com", {"b3:1", "b3:2"}) == (one.how, one.where, set(one.items))
    assert '"b3:1"' not in json.dumps(project.ledger.find("trace", "exposure")[0].body)


def test_a_development_item_that_decides_now_was_seen(project: Project, serve: Serve, world: ModuleType) -> None:
    """Its answers stood in a file, one by one; moving it to another file does not make it unseen."""
    server = serve()
    assert Outcome.PASS is exposure(project.run(server)).outcome
    world.write_items(project.folder / "gate.jsonl", [*world.items(100, 30), *world.items(0, 10)])
    moved = exposure(project.run(server, suite={"dev": ""}))
    assert (Outcome.FAIL, 10) == (moved.outcome, moved.findings_total)
    assert "10 a development item of topics" in moved.summary
