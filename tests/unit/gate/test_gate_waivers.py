"""Waivers: a name, a reason and an end, for one failure in one flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.gate.run import depends_on
from headgate.gate.settings import Settings
from headgate.gate.waivers import all_waivers, give, lets_through, standing
from headgate.kit.errors import Refused
from headgate.stats.verdict import Level, Outcome

GIVEN = {
    "rule": "learned-typo",
    "flow": "support",
    "name": "Ann Lee",
    "reason": "house spelling",
    "until": "2026-12-31",
}


def waive(scene, **changed):
    return give(scene.ledger, **{**GIVEN, **changed}, now=scene.now)


@pytest.fixture
def failing(scene, scenes):
    """A candidate that fails one check."""
    scene.step("check", scenes.check(hits=3))
    return scene


def test_a_waiver_carries_a_failure_and_is_shown(failing):
    """The failure stays visible with the name of who answers for it, and no longer blocks."""
    waiver = waive(failing)
    result = failing.gate()
    verdict = next(v for v in result.verdicts if v.rule == "learned-typo")
    assert (Outcome.PASS, Outcome.FAIL, Level.WARN) == (result.outcome, verdict.outcome, verdict.level)
    assert "learned-typo waived by Ann Lee until 2026-12-31" in result.summary
    assert [waiver.as_json()] == failing.decision()["waivers"]
    decision = failing.ledger.find("decision")[-1].id
    assert waiver.id in {link.target_id for link in failing.ledger.edges_from(decision, "derived-from")}


@pytest.mark.parametrize("rule", ["learned-typo", "DAT004"])
def test_a_waiver_names_a_rule_by_name_or_code(failing, rule):
    """Both handles of a rule work."""
    waive(failing, rule=rule)
    assert Outcome.PASS == failing.gate().outcome


def test_a_waiver_counts_through_its_last_day_and_not_longer(failing):
    """On the last day it stands, on the next it does not."""
    waive(failing, until="2026-11-30")
    failing.now = failing.now.replace(day=30, hour=23)
    assert Outcome.PASS == failing.gate().outcome
    failing.now += timedelta(hours=2)
    assert (Outcome.FAIL, [], 1) == (
        failing.gate().outcome,
        standing(failing.ledger, "support", failing.now),
        len(all_waivers(failing.ledger)),
    )


@pytest.mark.parametrize("changed", [{"flow": "billing"}, {"rule": "self-leak"}])
def test_a_waiver_covers_nothing_else(failing, changed):
    """Another flow or another failure is not covered."""
    waive(failing, **changed)
    assert Outcome.FAIL == failing.gate().outcome


@pytest.mark.parametrize("part", ["name", "reason", "flow"])
@pytest.mark.parametrize("text", ["", "   ", "---"])
def test_name_reason_and_flow_are_mandatory(scene, part, text):
    """Empty words are no words."""
    with pytest.raises(Refused, match=f"needs a {part}"):
        waive(scene, **{part: text})


@pytest.mark.parametrize("until", ["", "soon", "2026-11-20", "2020-01-01", "2026-13-01"])
def test_the_end_is_a_day_to_come(scene, until):
    """No date, no day, or a day that is over."""
    with pytest.raises(Refused):
        waive(scene, until=until)
    assert [] == all_waivers(scene.ledger)


def test_an_unknown_rule_is_refused_with_the_nearest(scene):
    """A slip of the pen does not become a waiver for nothing."""
    with pytest.raises(Refused) as error:
        waive(scene, rule="learnt-typo")
    assert "did you mean 'learned-typo'?" == error.value.next_step


def test_missing_evidence_cannot_be_waived(scene):
    """What is not known nobody can answer for."""
    with pytest.raises(Refused, match="cannot be waived"):
        waive(scene, rule="missing-evidence")


@pytest.mark.parametrize(("unsure", "expected"), [("stop", "unsure"), ("ask", "pass")])
def test_a_doubt_is_waived_only_where_the_flow_asks_people(scene, scenes, unsure, expected):
    """With `stop` a doubt is settled by evidence alone."""
    scene.step("evaluate", scenes.comparison(12, 8, 100), scenes.comparison(80, 10, 400, reference="few-shot"))
    waive(scene, rule="candidate-over-base")
    assert expected == scene.gate(unsure=unsure).outcome


def test_a_walk_goes_on_to_the_gate_under_a_waiver(failing, scenes):
    """Everything that blocks must be covered; a doubt only where people are asked."""
    failed = [scenes.check(hits=3)]

    def through(verdicts, unsure="stop"):
        return lets_through(failing.ledger, verdicts, flow="support", unsure=unsure, now=failing.now)

    assert (False, False) == (through(failed), through([]))
    waive(failing)
    other = scenes.check(hits=2, rule="self-leak")
    assert (True, True) == (through(failed), through([*failed, scenes.check()]))
    coverage = replace(scenes.comparison(12, 8, 100), rule="coverage", failure="ft-vs-prompting")
    assert not through([coverage])
    waive(failing, rule="coverage")
    assert (False, True) == (through([coverage]), through([coverage], unsure="ask"))
    assert through([other])  # the same failure mode as the one that was waived


def test_a_walk_goes_on_with_comparisons_that_the_gate_judges(failing, scenes):
    """A candidate that did not get better reaches the gate, which may ask only that it did not get worse."""
    verdicts = [scenes.comparison(12, 8, 100), scenes.comparison(10, 80, 400)]
    assert lets_through(failing.ledger, verdicts, flow="support", unsure="stop", now=failing.now)


def test_a_new_waiver_changes_what_the_gate_depends_on(failing):
    """A walk does not reuse the decision that was made without it."""
    before = depends_on(failing.ledger, Settings(), failing.context)
    waiver = waive(failing)
    assert [*before["waivers"], waiver.id] == depends_on(failing.ledger, Settings(), failing.context)["waivers"]
