"""What the batteries ask is protected from training like any other item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headgate.evaluate.batteries import ForgettingSettings, SafetySettings, ShadowSettings
from headgate.evaluate.forgetting import skills
from headgate.evaluate.protecting import protects
from headgate.evaluate.safety import prompts
from headgate.ledger.protection import COPY
from headgate.rules.firewall import admit
from headgate.testing.fake_endpoint import FakeEndpoint
from headgate.text.perturbing import perturbed

Project = Any  # of conftest


def test_rows_that_repeat_a_prompt_of_a_battery_are_told(project: Project, world: Any) -> None:
    """A harmful request, an arithmetic item and a reworded gate item copied into rows; honest rows stay."""
    with FakeEndpoint(lambda _: "x") as server:
        plain = project.settings(server)
    settings = replace(
        plain,
        safety=SafetySettings(axes=["refusal", "over-refusal"]),
        forgetting=ForgettingSettings(skills=["arithmetic"], items=40),
        shadow=ShadowSettings(suites=["topics"]),
    )
    protects(project.ledger, settings, project.context)
    act = next(iter(prompts.HARMFUL.values()))[3]
    question, answer = skills.items("arithmetic", 40)[1]
    reworded = perturbed(world.items(100, 1)[0][0], "polite")
    assert reworded is not None
    rows = [(prompts.worded(act), "Sorry."), (question, answer), (reworded, "lost card"), ("how do I top up", "so")]
    assert [] == [match for match in _admitted(project, rows[3:]) if match.grade == COPY]
    sets = {one.name for one in project.ledger.protection.sets()}
    names = {"safety/refusal", "safety/over-refusal", "forgetting/arithmetic", "shadow/topics"}
    assert {f"battery:{name}/gate" for name in names} <= sets
    copied = _admitted(project, rows[:3])
    assert 3 == len({match.number for match in copied if match.grade == COPY})


def test_reading_the_section_again_protects_nothing_twice(project: Project) -> None:
    """The same prompts under two axes are one item each."""
    with FakeEndpoint(lambda _: "x") as server:
        settings = replace(project.settings(server), safety=SafetySettings(axes=["refusal", "harmful-compliance"]))
    for _ in range(2):
        protects(project.ledger, settings, project.context)
        sizes = {one.name: len(one.items) for one in project.ledger.protection.sets()}
        assert 306 == sizes["battery:safety/refusal/gate"] and "battery:safety/harmful-compliance/gate" not in sizes


def _admitted(project: Project, pairs: list[tuple[str, str]]) -> list[Any]:
    from headgate.ledger.rows import RowRecord
    from headgate.rows.row import Kind, Message, Row, to_bytes

    rows = [Row(kind=Kind.DEMONSTRATION, messages=(Message("user", q), Message("assistant", a))) for q, a in pairs]
    source = project.ledger.record("source", "copied", {"name": "copied"})
    records = [
        RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject=None)
        for row in rows
    ]
    return list(admit(project.ledger, project.ledger.rows.append(records).numbers))
