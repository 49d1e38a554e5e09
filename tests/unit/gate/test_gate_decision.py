"""The gate: three outcomes from recorded evidence, and what each of them needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.gate.run import depends_on, run
from headgate.gate.settings import Settings
from headgate.gate.waivers import give
from headgate.kit.errors import Refused
from headgate.stats.judging import cannot_tell
from headgate.stats.verdict import Finding, Level, Outcome


def rules(result, outcome=None):
    """Names of the verdicts that a result holds."""
    return [v.rule for v in result.verdicts if outcome is None or v.outcome is outcome]


def test_complete_evidence_passes(scene):
    """A clean check and a candidate that beats both references may be released."""
    result = scene.gate()
    assert (Outcome.PASS, ["candidate-over-base", "candidate-over-few-shot"]) == (result.outcome, rules(result))
    assert "2 claims held" in result.summary


def test_a_decision_hangs_on_its_evidence(scene):
    """The decision has edges to the adapter, to every step and to every verdict, and names the data."""
    scene.gate()
    node = scene.ledger.find("decision")[-1]
    judged = {link.target_id for link in scene.ledger.edges_from(node.id, "judged-by")}
    derived = {link.target_id for link in scene.ledger.edges_from(node.id, "derived-from")}
    assert {verdict.id for verdict in scene.ledger.find("verdict")} == judged
    assert {scene.outputs["train"]["adapter"], *scene.steps.values()} == derived
    assert ("support@1", "pass", scene.ledger.versions.get("support@1").manifest_digest) == (
        node.body["dataset"],
        node.body["outcome"],
        node.body["manifest"],
    )


def test_the_same_evidence_is_decided_once(scene):
    """Deciding again adds no second decision."""
    assert scene.gate().outputs == scene.gate().outputs
    assert 1 == len(scene.ledger.find("decision"))


@pytest.mark.parametrize("stage", ["check", "evaluate"])
def test_missing_evidence_stops_and_names_what_to_run(scene, stage):
    """A required stage that was not run leaves a doubt with the command that settles it."""
    del scene.outputs[stage], scene.steps[stage]
    result = scene.gate()
    missing = [v for v in result.verdicts if v.rule == "missing-evidence"]
    assert (Outcome.UNSURE, f"headgate {stage}") == (result.outcome, missing[0].next_step)


def test_a_stage_that_did_not_pass_is_no_evidence(bare):
    """An evaluation that ended without any verdict and without a pass counts as missing."""
    bare.step("check")
    step = replace_outcome(bare)
    assert step in bare.steps.values()
    result = bare.gate(compare=[])
    assert (Outcome.UNSURE, ["missing-evidence"]) == (result.outcome, rules(result))


def replace_outcome(scene):
    """Records an evaluation that says `unsure` and gives no verdict for it."""
    from headgate.ledger.steps import StepResult, record_step

    result = StepResult(stage="evaluate", outcome=Outcome.UNSURE, summary="endpoint gone", outputs={"done": "no"})
    scene.steps["evaluate"] = record_step(scene.ledger, result, key="odd")
    scene.outputs["evaluate"] = {"done": "no"}
    return scene.steps["evaluate"]


def test_an_old_evaluation_has_expired(scene):
    """Beyond the days of the settings an evaluation counts no more; with 0 days any age does."""
    scene.now += timedelta(days=91)
    result = scene.gate()
    assert (Outcome.UNSURE, ["expired-evidence"]) == (result.outcome, rules(result, Outcome.UNSURE))
    assert "headgate evaluate --set evaluate.purpose=" in result.verdicts[0].next_step
    assert Outcome.PASS == scene.gate(evaluation_days=0).outcome


def test_a_licence_that_ran_out_expires_the_evidence(bare, scenes):
    """When the only licence claim of a source has ended, the gate cannot tell."""
    later = scenes.NOW + timedelta(days=10)
    bare.ledger.claims.assert_(
        "source:tickets", "consent", "training", source="mail", observed_at=scenes.NOW, valid_to=later
    )
    bare.step("check", scenes.check())
    bare.step("evaluate", *scenes.better())
    assert Outcome.PASS == bare.gate().outcome
    bare.now = scenes.NOW + timedelta(days=11)
    result = bare.gate()
    assert (Outcome.UNSURE, "the consent of source tickets has run out") == (result.outcome, result.verdicts[0].summary)


def test_an_open_case_about_its_rows_blocks_until_somebody_answers(scene):
    """Withdrawn after training: not released, unless the case is justified for this adapter."""
    from datetime import date

    from headgate.rights import cases, remedies
    from headgate.rights.reach import Target

    target = Target("source", "tickets")
    case = cases.open_case(scene.ledger, "takedown", target, reason="a letter", source="A. Vos", now=scene.now)
    result = scene.gate()
    assert (Outcome.FAIL, ["open-case"]) == (result.outcome, rules(result, Outcome.FAIL))
    assert "rights/1, takedown of source tickets" in result.summary
    (adapter,) = [one for one in case.touched if one["kind"] == "adapter"]
    remedies.apply(
        scene.ledger,
        case,
        adapter["id"],
        "justify",
        by="A. Vos",
        now=scene.now,
        reason="kept under a legal duty",
        evidence="b3:00",
        until=date(2027, 1, 1),
    )
    assert "open-case" not in rules(scene.gate())


def test_evidence_about_something_else_is_stale(scene, scenes):
    """A check of another dataset version says nothing about this one."""
    scene.step("check", scenes.check(), outputs={"dataset": "support@7"})
    result = scene.gate()
    assert (Outcome.UNSURE, ["stale-evidence"]) == (result.outcome, rules(result, Outcome.UNSURE))


def test_a_recorded_failure_blocks(scene, scenes):
    """A failing check stops, whatever the evaluation says, unless its level is lowered."""
    scene.step("check", scenes.check(hits=3))
    result = scene.gate()
    assert (Outcome.FAIL, ["learned-typo"]) == (result.outcome, rules(result, Outcome.FAIL))
    assert "learned-typo: 3 of 400 rows" in result.summary
    assert Outcome.PASS == scene.gate(level={"learned-typo": "warn"}).outcome


def test_warnings_do_not_block(scene, scenes):
    """A failing verdict at the level `warn` speaks in its own report only."""
    scene.step("check", replace(scenes.check(hits=3), level=Level.WARN))
    assert Outcome.PASS == scene.gate().outcome


def test_a_candidate_that_is_worse_fails(scene, scenes):
    """Shown to be worse than the base is a failure."""
    scene.step("evaluate", scenes.comparison(10, 80, 400), scenes.comparison(80, 10, 400, reference="few-shot"))
    result = scene.gate()
    assert (Outcome.FAIL, ["candidate-over-base"]) == (result.outcome, rules(result, Outcome.FAIL))


def test_a_claim_that_failed_is_not_called_held(scene, scenes):
    """A lowered level or a waiver lets a worse candidate go on, and the decision says of both what did not hold."""
    scene.step("evaluate", scenes.comparison(10, 80, 400), scenes.comparison(80, 10, 400, reference="few-shot"))
    lowered = scene.gate(level={"candidate-over-base": "note"})
    assert lowered.outcome is Outcome.PASS
    assert "1 of 2 claims held; candidate-over-base stops nothing by gate.level" in lowered.summary
    decision = scene.ledger.node(lowered.outputs["decision"])
    assert {"candidate-over-base": "note"} == decision.body["level"]
    give(
        scene.ledger, rule="candidate-over-base", flow="support", name="Ann Lee", reason="a pilot",
        until="2026-12-31", now=scene.now,
    )  # fmt: skip
    waived = scene.gate()
    assert "1 of 2 claims held; candidate-over-base waived by Ann Lee until 2026-12-31" in waived.summary


def test_a_doubt_stops(scene, scenes):
    """Not shown to be better is no pass, and says how many items are needed."""
    scene.step("evaluate", scenes.comparison(12, 8, 100), scenes.comparison(80, 10, 400, reference="few-shot"))
    result = scene.gate()
    assert Outcome.UNSURE == result.outcome
    assert "more" in result.verdicts[0].reason


def test_results_on_development_items_do_not_count(scene, scenes):
    """A pool that may be mined decides nothing."""
    scene.step("evaluate", *scenes.better(pool="dev"))
    result = scene.gate()
    assert (Outcome.UNSURE, ["missing-evidence"]) == (result.outcome, rules(result))


def test_a_missing_comparison_blocks(scene, scenes):
    """A candidate that was never held against the best prompt cannot pass, unless that is not asked for."""
    scene.step("evaluate", scenes.comparison(80, 10, 400))
    result = scene.gate()
    assert (Outcome.UNSURE, ["missing-evidence"]) == (result.outcome, rules(result, Outcome.UNSURE))
    assert Outcome.PASS == scene.gate(compare=["base"]).outcome


def test_a_named_suite_must_have_been_run(scene):
    """Suites that the settings name are looked for one by one."""
    assert Outcome.UNSURE == scene.gate(suites=["support", "billing"]).outcome


def test_the_sealed_pool_decides_and_the_gate_pool_may_object(scene, scenes):
    """A sealed pass carries; a plain failure on gate items stops it."""
    sealed, doubtful = scenes.better(pool="sealed"), scenes.comparison(12, 8, 100)
    scene.step("evaluate", *sealed, doubtful)
    assert Outcome.PASS == scene.gate().outcome
    scene.step("evaluate", *sealed, scenes.comparison(10, 80, 400))
    assert Outcome.FAIL == scene.gate().outcome


def coarse(verdict, low, high, p):
    """A comparison as a sealed pool tells it: rounded ends and nothing exact."""
    details = {"suite": "support", "pool": "sealed", "d": 0.2, "low": low, "high": high, "p": p, "n": 400}
    return replace(verdict, details=details)


def test_coarse_answers_of_a_sealed_pool_can_pass_together(scene, scenes):
    """Two sealed claims pass Holm when their rounded intervals are far enough from zero."""
    base, few = scenes.better(pool="sealed")
    scene.step("evaluate", coarse(base, 0.10, 0.25, 0.05), coarse(few, 0.10, 0.25, 0.05))
    assert Outcome.PASS == scene.gate().outcome
    scene.step("evaluate", coarse(base, 0.0, 0.25, 0.05), coarse(few, 0.0, 0.25, 0.05))
    assert (Outcome.UNSURE, Outcome.PASS) == (scene.gate().outcome, scene.gate(correction="none").outcome)


def test_claims_are_corrected_for_their_number(scene, scenes):
    """Two claims at p = 0.04 each pass alone and not together; the reason gives both numbers."""
    near = [scenes.comparison(26, 12, 400, reference=name) for name in ("base", "few-shot")]
    assert all(0.025 < one.details["comparison"]["p_claim"] < 0.05 for one in near)
    scene.step("evaluate", *near)
    together = scene.gate()
    assert (Outcome.UNSURE, Outcome.PASS) == (together.outcome, scene.gate(correction="none").outcome)
    assert "after correction for 2 claims" in together.verdicts[0].reason


@pytest.mark.parametrize(
    ("gains", "losses", "n", "expected"), [(20, 20, 1500, "pass"), (4, 4, 60, "unsure"), (10, 200, 1500, "fail")]
)
def test_a_suite_may_only_have_to_hold(scene, scenes, gains, losses, n, expected):
    """A worst drop is a non-inferiority claim: shown, not shown, or shown to be broken."""
    held = [scenes.comparison(gains, losses, n, suite="refusals", reference=name) for name in ("base", "few-shot")]
    scene.step("evaluate", *scenes.better(), *held)
    result = scene.gate(worst_drop={"refusals": 0.02})
    assert expected == result.outcome
    verdict = next(v for v in result.verdicts if v.rule == "worst-drop")
    assert (expected, {"at_least": -0.02}) == (verdict.outcome, verdict.threshold)


def test_a_worst_drop_without_its_suite_blocks(scene):
    """A suite that must hold and was not run stops."""
    assert Outcome.UNSURE == scene.gate(worst_drop={"refusals": 0.02}).outcome


def test_a_smallest_gain_is_judged_from_the_recorded_numbers(scene):
    """The recorded gain of 17.5 points shows 5 points and does not show 17."""
    assert (Outcome.PASS, Outcome.UNSURE) == (
        scene.gate(smallest_gain=0.05).outcome,
        scene.gate(smallest_gain=0.17).outcome,
    )


def test_a_comparison_that_could_not_be_told_keeps_its_reason(scene, scenes):
    """A doubt about coverage stays a doubt at the gate."""
    doubt = cannot_tell(summary="too few scored", reason="coverage 60 %", details={"suite": "support", "pool": "gate"})
    over = replace(doubt, rule="candidate-over-base", failure="ft-vs-prompting")
    scene.step("evaluate", over, scenes.comparison(80, 10, 400, reference="few-shot"))
    result = scene.gate()
    assert (Outcome.UNSURE, "coverage 60 %") == (result.outcome, result.verdicts[0].reason)


def test_evidence_is_found_by_outputs_where_steps_are_not_told(scene):
    """A caller that knows only the outputs of the stages gets the same decision."""
    context = replace(scene.context, steps={})
    result = run(scene.ledger, Settings(), context=context)
    assert (Outcome.PASS, 2) == (result.outcome, len(scene.decision()["evidence"]))


def test_no_candidate_is_refused(bare):
    """Without an adapter there is nothing to decide on."""
    del bare.outputs["train"]
    with pytest.raises(Refused, match="no candidate"):
        bare.gate()


def test_what_a_decision_depends_on(scene):
    """Age of the evaluation changes the key of the stage."""
    settings = Settings()
    before = depends_on(scene.ledger, settings, scene.context)
    scene.now += timedelta(days=100)
    after = depends_on(scene.ledger, settings, scene.context)
    assert (False, True, before["steps"]) == (before["old"], after["old"], after["steps"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"require": ["release"]},
        {"compare": ["gpt"]},
        {"worst_drop": {"refusals": 2.0}},
        {"suites": ["a"], "worst_drop": {"a": 0.1}},
        {"smallest_gain": -0.1},
        {"evaluation_days": -1},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    """Each wrong setting is named."""
    with pytest.raises(Refused):
        Settings(**wrong)


@pytest.mark.parametrize("outcome", [None, Outcome.SKIPPED, Outcome.FAIL])
def test_a_verdict_that_must_be_shown_is_missed(scene, scenes, outcome):
    """One that was not made, was skipped, or only warned is no evidence; one that passed is."""
    if outcome is not None:
        told = replace(scenes.better()[0], rule="safety-refusal", outcome=outcome, level=Level.WARN)
        scene.step("evaluate", *scenes.better(), told)
    result = scene.gate(shown=["safety-refusal"])
    assert ["missing-evidence"] == rules(result, Outcome.UNSURE)
    assert result.outcome is Outcome.UNSURE
    passed = replace(scenes.better()[0], rule="safety-refusal", outcome=Outcome.PASS)
    scene.step("evaluate", *scenes.better(), passed)
    assert scene.gate(shown=["safety-refusal"]).outcome is Outcome.PASS


def test_a_decision_quotes_no_row(scene, scenes):
    """It is kept for good: what a verdict says of rows stays in the record of the verdict, which can be erased."""
    finding = Finding(message="shares 'my card was stolen' with item 3", row="b3:" + "1" * 64)
    leaks = replace(
        scenes.check(hits=3), findings=(finding,), summary="1 row says 'my card was stolen'",
        details={"examples": ["my card was stolen"], "rows": 7},
    )  # fmt: skip
    scene.step("check", leaks)
    scene.gate()
    (told,) = [one for one in scene.decision()["verdicts"] if one["rule"] == leaks.rule]
    assert (told["findings"], told["findings_total"], told["details"]) == ([], 1, {"rows": 7})
    assert told["summary"] == "1 row says [withheld]"
    assert "stolen" in str([node.body for node in scene.ledger.find("verdict")])
