"""The closure at the gate: what cannot be made again is let out by a named person or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.gate.waivers import give
from headgate.kit.errors import Refused
from headgate.ledger.gaps import gaps_of, gaps_of_adapter
from headgate.ledger.ledger import Edge
from headgate.release.run import run as release
from headgate.release.settings import Settings as ReleaseSettings
from headgate.stats.verdict import Outcome

AROUND: dict[str, Any] = {"outside_code": [], "undeclared_variables": [], "lock": {}}
GAPS: dict[str, dict[str, Any]] = {
    "code outside the repository": {"surroundings": {**AROUND, "outside_code": [{"module": "acme", "digest": "b3:1"}]}},
    "undeclared environment variable": {"surroundings": {**AROUND, "undeclared_variables": ["ACME_SCALE"]}},
    "unpinned dependency": {
        "surroundings": {**AROUND, "lock": {"acme": {"version": "1", "files": "b3:1", "from": "folder"}}}
    },
    "code that was not kept": {"history": {"code": {"project": {"commit": "1f", "dirty": True, "diff": "b3:2"}}}},
    "unhashed input": {"surroundings": None},
}


def replaced(scene: Any, planted: dict[str, Any]) -> None:
    """The candidate again, made by a run whose record lacks something."""
    old = scene.ledger.node(scene.outputs["train"]["adapter"])
    run = scene.ledger.node(scene.outputs["train"]["run"])
    edges = [Edge(one.label, one.target_id) for one in scene.ledger.edges_from(run.id)]
    node = scene.ledger.record("run", "support", {**run.body, **planted}, edges=edges)
    base = [one.target_id for one in scene.ledger.edges_from(old.id) if one.target_id != run.id]
    above = [Edge("derived-from", one) for one in (node, *base)]
    adapter = scene.ledger.record("adapter", old.name, {**old.body, "again": True}, edges=above)
    scene.outputs["train"] = {**scene.outputs["train"], "adapter": adapter, "run": node}


@pytest.mark.parametrize("name", GAPS)
def test_each_gap_stops_the_gate_by_its_name(scene: Any, name: str) -> None:
    """What the record lacks is found without a rebuild; nothing is released on it."""
    replaced(scene, GAPS[name])
    result = scene.gate()
    (verdict,) = [one for one in result.verdicts if one.rule == "closure"]
    assert (Outcome.FAIL, True, "departing-engineer") == (result.outcome, verdict.blocks, verdict.failure)
    assert [name] == [gap["cause"] for gap in verdict.details["gaps"]]
    with pytest.raises(Refused, match="the decision is not a pass"):
        release(scene.ledger, ReleaseSettings(), context=scene.context)


def test_a_whole_closure_is_silent(scene: Any) -> None:
    """A patch that was kept lacks nothing."""
    state = {"commit": "1f", "dirty": True, "diff": "b3:2", "diff_content": "b3:2"}
    replaced(scene, {"history": {"code": {"project": state}}})
    result = scene.gate()
    assert (Outcome.PASS, []) == (result.outcome, [one for one in result.verdicts if one.rule == "closure"])


def test_a_named_person_may_answer_for_a_gap_until_a_day(scene: Any) -> None:
    """The waiver is in the decision and carries the release."""
    replaced(scene, GAPS["code outside the repository"])
    give(
        scene.ledger, rule="closure", flow="support", name="Ann Lee", reason="a notebook, being packaged",
        until="2026-12-31", now=scene.now,
    )  # fmt: skip
    assert Outcome.PASS is scene.gate().outcome
    made = release(scene.ledger, ReleaseSettings(), context=scene.context)
    assert ["Ann Lee"] == [
        one["name"] for one in scene.ledger.latest("release", made.outputs["release"]).body["waivers"]
    ]


def test_a_decision_of_before_does_not_carry_an_incomplete_closure(scene: Any) -> None:
    """The release looks too: gates of older versions did not."""
    scene.gate()
    decision = scene.ledger.node(scene.outputs["gate"]["decision"])
    replaced(scene, GAPS["undeclared environment variable"])
    body = {**decision.body, "adapter": scene.outputs["train"]["adapter"]}
    scene.outputs["gate"] = {"decision": scene.ledger.record("decision", "support", body)}
    with pytest.raises(Refused, match="cannot be made again from its record") as caught:
        release(scene.ledger, ReleaseSettings(), context=scene.context)
    assert "undeclared environment variable: ACME_SCALE" == caught.value.found


def test_a_composed_adapter_can_be_made_again_as_far_as_its_parents(scene: Any) -> None:
    """It has no run of its own; one that nothing made has no closure."""
    whole = scene.outputs["train"]["adapter"]
    replaced(scene, GAPS["unhashed input"])
    edges = [Edge("derived-from", one) for one in (whole, scene.outputs["train"]["adapter"])]
    merged = scene.ledger.node(scene.ledger.record("adapter", "both", {"digest": "b3:9"}, edges=edges))
    assert ["unhashed input"] == [gap.name for gap in gaps_of_adapter(scene.ledger, merged)]
    alone = scene.ledger.node(scene.ledger.record("adapter", "found", {"digest": "b3:8"}))
    assert ["no run is recorded that made the adapter"] == [gap.what for gap in gaps_of_adapter(scene.ledger, alone)]
    assert "unhashed input" == gaps_of({})[0].name
