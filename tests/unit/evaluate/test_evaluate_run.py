"""The stage from item files to verdicts, against a server that plays base and candidate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.access_log import AccessLog
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.faults import where

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest
Passed = Any  # of conftest


def of(result: StepResult, rule: str, pool: str | None = None) -> list[Verdict]:
    return [v for v in result.verdicts if v.rule == rule and pool in (None, v.details.get("pool"))]


def one(result: StepResult, rule: str, pool: str | None = None) -> Verdict:
    found = of(result, rule, pool)
    assert len(found) == 1, [v.rule for v in result.verdicts]
    return found[0]


def test_a_better_candidate_passes_on_both_pools(passed: Passed) -> None:
    """Right answers beat a base that knows nothing and a few-shot prompt that knows two intents of five."""
    result = passed.result
    assert result.outcome is Outcome.PASS, result.summary
    gate = one(result, "candidate-over-base", "gate")
    assert gate.details["accuracies"] == {"base": 0.0, "candidate": 1.0}
    assert (gate.details["d"], gate.details["n"], gate.outcome) == (1.0, 30, Outcome.PASS)
    shots = one(result, "candidate-over-few-shot", "gate")
    assert shots.details["accuracies"] == {"few-shot": 0.4, "candidate": 1.0}
    sealed = [v for v in result.verdicts if v.details.get("pool") == "sealed" and v.level is Level.BLOCK]
    assert {v.outcome for v in sealed} == {Outcome.PASS}
    assert len(of(result, "candidate-over-base")) == len(of(result, "candidate-over-few-shot")) == 2


def test_an_equal_candidate_does_not_pass(project: Project, serve: Serve, world: ModuleType) -> None:
    """Where base and candidate say the same, superiority is not claimed."""
    result = project.run(serve(world.truth))
    assert result.outcome is Outcome.UNSURE
    assert one(result, "candidate-over-base", "gate").outcome is Outcome.UNSURE


def test_a_candidate_worse_than_the_prompt_fails(project: Project, serve: Serve, world: ModuleType) -> None:
    """A tune that beats the bare base and loses against its best prompt was not needed."""

    def prompt_is_better(request: Request) -> str:
        if request.model == "candidate":
            return world.truth(request) if world.truth(request) == "refund" else "?"
        return world.truth(request) if len(request.messages) > 1 else "?"

    result = project.run(serve(prompt_is_better))
    assert result.outcome is Outcome.FAIL
    assert one(result, "candidate-over-base", "gate").outcome is Outcome.PASS
    assert one(result, "candidate-over-few-shot", "gate").outcome is Outcome.FAIL


def test_few_shot_is_chosen_on_dev_items_only(passed: Passed, world: ModuleType) -> None:
    """Gate and sealed questions meet the base with no examples or with the chosen ones, never with others."""
    result = passed.result
    choice = result.facts["few_shot"]["topics"]
    assert choice["examples"] == 2 and choice["chosen_on"] == "dev pool"
    assert {(p["examples"], p["draw"]) for p in choice["curve"]} == {(0, 0), (2, 0), (2, 1)}
    held = {
        question
        for name in ("gate", "sealed")
        for question, _ in world.items(*{"gate": (100, 30), "sealed": (200, 30)}[name])
    }
    shown = {len(r.messages) for r in passed.journal if r.text in held and r.model == "base"}
    assert shown == {1, 5}
    prompts = {json.dumps(r.messages[:-1]) for r in passed.journal if r.text in held and len(r.messages) > 1}
    assert len(prompts) == 1


def test_no_request_is_sent_twice(project: Project, serve: Serve) -> None:
    """Also over two evaluations, each model meets each prompt once."""
    server = serve()
    project.run(server)
    once = len(server.journal)
    again = project.run(server)
    assert len(server.journal) == once and max(r.attempt for r in server.journal) == 1
    assert again.outcome is Outcome.PASS


def test_gate_items_show_no_result_of_their_own(passed: Passed, world: ModuleType) -> None:
    """Neither verdicts nor facts name an item of the gate or sealed pool, or its words."""
    result = passed.result
    told = json.dumps([v.as_json() for v in result.verdicts]) + json.dumps(result.facts)
    for name, start in (("gate", 100), ("sealed", 200)):
        for question, _ in world.items(start, 30):
            assert question not in told, name
    assert [v.findings for v in result.verdicts if v.rule.startswith("candidate-over-")] == [()] * 4


def test_dev_results_may_be_read(passed: Passed) -> None:
    """A file lists question, target and what each arm said."""
    result = passed.result
    lines = [json.loads(x) for x in Path(result.outputs["topics/dev/results"]).read_text().splitlines()]
    assert len(lines) == 10 and set(lines[0]["arms"]) == {"base", "few-shot", "candidate"}
    assert lines[0]["arms"]["candidate"] == ["pass", "", lines[0]["target"]]
    assert lines[0]["file"].endswith("dev.jsonl") and lines[0]["line"] == 1


def test_scores_are_recorded_with_their_evidence(passed: Passed, world: ModuleType) -> None:
    """Score nodes hold model, transcript and counts; of a sealed pool they hold no score."""
    result = passed.result
    gate = passed.project.ledger.node(result.outputs["topics/gate/candidate"]).body
    sealed = passed.project.ledger.node(result.outputs["topics/sealed/candidate"]).body
    assert gate["counts"] == {"pass": 30, "fail": 0, "unscored": 0, "error": 0}
    assert sorted(set(json.loads(passed.project.ledger.content.get(gate["outcomes"])).values())) == ["pass"]
    assert gate["transcript"].startswith("b3:") and gate["model"].startswith("b3:")
    assert not {"counts", "accuracy", "outcomes"} & set(sealed) and sealed["n"] == 30
    suite = passed.project.ledger.latest("suite", "topics")
    assert suite is not None and [len(suite.body["pools"][p]) for p in ("dev", "gate", "sealed")] == [10, 30, 30]
    assert len(passed.project.ledger.find("item")) == 70
    words = world.items(200, 1)[0][0]
    assert all(words not in json.dumps(node.body) for node in passed.project.ledger.find("item"))


def test_errors_are_unsure_and_asked_again(project: Project, serve: Serve, world: ModuleType) -> None:
    """A fifth of the gate failing is no score of zero: coverage says so, and the next run repairs it."""
    bad = {question for question, _ in world.items(100, 6)}
    server = serve(world.policy, lambda attempt, text: "500" if attempt == 1 and text in bad else "")
    first = project.run(server)
    coverage = one(first, "coverage")
    assert (first.outcome, coverage.outcome) == (Outcome.UNSURE, Outcome.UNSURE)
    assert coverage.reason.startswith("coverage: 80.0% of the items are scored")
    assert coverage.details["arms"]["candidate"]["error"] == 6
    assert one(first, "candidate-over-base", "gate").outcome is Outcome.UNSURE
    second = project.run(server)
    assert second.outcome is Outcome.PASS
    sent = server.sent("candidate")
    assert {text for text, n in sent.items() if n == 2} == bad and max(sent.values()) == 2


def test_cut_off_answers_are_not_wrong_answers(project: Project, serve: Serve, world: ModuleType) -> None:
    """Answers cut at the token limit leave the claim unsure, and the next step names the settings."""
    server = serve(world.policy, where("", "length"))
    result = project.run(server)
    assert result.outcome is Outcome.UNSURE
    verdict = one(result, "coverage")
    assert "cut off at the token limit" in verdict.reason and "max-tokens" in verdict.next_step


def test_two_versions_behind_one_name_are_said(project: Project, serve: Serve, world: ModuleType) -> None:
    """A server that changes in the middle is named with its versions."""
    result = project.run(serve(world.policy, where("case 9", "new-fingerprint")))
    verdicts = of(result, "one-model")
    assert verdicts and verdicts[0].outcome is Outcome.FAIL
    assert verdicts[0].details["versions"] == ["fp_fake_1", "fp_fake_1-changed"]


def test_an_item_in_two_pools_fails(project: Project, serve: Serve, world: ModuleType) -> None:
    """A sealed question that stands in dev as well judges nothing."""
    world.write_items(project.folder / "sealed.jsonl", [*world.items(200, 29), world.items(3, 1)[0]])
    verdict = one(project.run(serve()), "pools-apart")
    assert (verdict.outcome, verdict.findings_total) == (Outcome.FAIL, 1)
    assert str(verdict.findings[0].place).endswith("sealed.jsonl:30")
    assert str(verdict.findings[0].other).endswith("dev.jsonl:4")


def test_a_system_message_that_gives_items_away_stops_everything(
    project: Project, serve: Serve, world: ModuleType
) -> None:
    """A sealed question pasted into the system message fails, before any item is sent with it."""
    leaked = world.items(200, 30)[5][0]
    server = serve()
    result = project.run(server, suite={"system": f"You route requests. For example: {leaked}"})
    verdict = one(result, "prompt-leak")
    assert result.outcome is Outcome.FAIL and verdict.findings_total == 1
    assert str(verdict.findings[0].place).endswith("sealed.jsonl:6")
    gate = {question for question, _ in world.items(100, 30)}
    assert not [r for r in server.journal if r.text in gate]


def test_instructions_that_change_between_looks_at_the_gate_are_told(project: Project, serve: Serve) -> None:
    """A second candidate under the same instructions is a look; other instructions on the same items are a choice."""
    server = serve()
    for spec, system, outcome, known in (
        ("candidate", "", Outcome.PASS, 1),
        ("base", "", Outcome.PASS, 1),
        ("candidate", "You route requests.", Outcome.FAIL, 2),
    ):
        result = project.run(server, candidate=server.spec(spec), suite={"system": system})
        verdict = one(result, "chosen-on-items")
        assert (outcome, Level.WARN) == (verdict.outcome, verdict.level)
        assert known == verdict.details["pools"][0]["instructions"]
    assert 3 == verdict.details["looks"]
    assert "after 2 looks at topics, gate" in verdict.findings[0].message
    sealed = AccessLog(project.folder / ".headgate" / "access-log.jsonl").entries
    opened = [entry.detail["instructions"] for entry in sealed if entry.answer == "opened"]
    assert ['["","{prompt}"]', '["","{prompt}"]', '["You route requests.","{prompt}"]'] == opened


def test_without_training_rows_the_few_shot_claim_is_skipped(project: Project, serve: Serve) -> None:
    """No dataset above: the claim is skipped with its reason, the other one is judged."""
    project.dataset = ""
    result = project.run(serve())
    assert one(result, "candidate-over-few-shot").outcome is Outcome.SKIPPED
    assert one(result, "candidate-over-base", "gate").outcome is Outcome.PASS


def test_without_a_dev_pool_prompts_are_chosen_on_training_rows(project: Project, serve: Serve) -> None:
    """Spare training rows stand in for development items; gate items are still not looked at."""
    result = project.run(serve(), suite={"dev": ""})
    assert result.facts["few_shot"]["topics"]["chosen_on"] == "training rows that are no examples"
    assert result.outcome is Outcome.PASS


def test_missing_models_are_refused(project: Project, serve: Serve) -> None:
    """Without settings and without a stage above there is nothing to evaluate."""
    server = serve()
    with pytest.raises(Refused, match="no base"):
        project.run(server, base="", candidate="")
    with pytest.raises(Refused, match="no candidate"):
        project.run(server, candidate="")


def test_a_suite_that_cannot_decide_is_refused(project: Project, serve: Serve) -> None:
    """Development items alone decide nothing."""
    with pytest.raises(Refused, match="no gate or sealed items"):
        project.run(serve(), suite={"gate": "", "sealed": ""})
