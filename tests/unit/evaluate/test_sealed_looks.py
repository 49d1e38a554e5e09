"""Looks at sealed pools are counted before they are taken, answered once, and refused at the end of the budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.protecting import suites_of
from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import roles
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint, Request

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sealed(result: StepResult) -> list[Verdict]:
    return [v for v in result.verdicts if v.details.get("pool") == "sealed"]


def run(project: Project, server: FakeEndpoint, candidate: str = "candidate", **changes: Any) -> StepResult:
    project.dataset = ""  # no few-shot prompt: fewer requests
    suite = {"dev": "", "gate": "", **changes.pop("suite", {})}
    return project.run(server, candidate=server.spec(candidate), suite=suite, **changes)


def by_name(world: ModuleType) -> Callable[[Request], str]:
    """Models named right* are right; all others know nothing."""
    return lambda request: world.truth(request) if request.model.startswith("right") else "?"


def entries(project: Project) -> list[dict[str, Any]]:
    path = project.folder / ".headgate" / "access-log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_look_is_logged_with_who_and_why(project: Project, serve: Serve, world: ModuleType) -> None:
    """Opened first, answered after: actor, purpose, candidate, suite, and the ledger remembers the head."""
    run(project, serve(by_name(world)), "right", purpose="release 4")
    found = entries(project)
    assert [e["answer"] for e in found] == ["opened", "pass better"]
    assert {(e["actor"], e["purpose"]) for e in found} == {("tester", "release 4")}
    assert found[0]["bits"] == 0 < found[1]["bits"] < 40
    head = project.ledger.latest("trace", "access-log")
    assert {"seq": 2, "hash": found[1]["hash"], "log": found[0]["hash"], "flow": "support"}.items() <= head.body.items()


def test_a_look_wants_the_role(project: Project, serve: Serve, world: ModuleType) -> None:
    """Who may not look at sealed answers sends nothing and opens nothing; the refusal is kept."""
    roles.adopt(project.ledger, roles.Roles(sealed=["Ann Lee"]), Person("Ann Lee", "--by", "ann"), LONG_AGO)
    server = serve(by_name(world))
    with pytest.raises(Refused, match="tester may not look at sealed answers"):
        run(project, server, "right")
    assert entries(project) == []
    assert server.sent("right").total() == 0
    assert [one["about"] for one in roles.refusals(project.ledger)] == ["suite:topics/sealed"]


def test_the_same_look_is_answered_from_the_record(project: Project, serve: Serve, world: ModuleType) -> None:
    """A rerun costs nothing, sends nothing and says the same; also when the budget is spent."""
    server = serve(by_name(world))
    first = run(project, server, "right", look_budget=1)
    sent, logged = len(server.journal), len(entries(project))
    again = run(project, server, "right", look_budget=1)
    assert [v.as_json() for v in sealed(again)] == [v.as_json() for v in sealed(first)]
    assert (len(server.journal), len(entries(project))) == (sent, logged)


def test_at_the_end_of_the_budget_nothing_is_sent(project: Project, serve: Serve, world: ModuleType) -> None:
    """The third candidate on a budget of two gets no answer; the pool is a development pool, and the ledger says so."""
    server = serve(by_name(world))
    first, second = (run(project, server, name, look_budget=2) for name in ("wrong-1", "right-2"))
    assert [first.outcome, second.outcome] == [Outcome.UNSURE, Outcome.PASS]
    assert "look 1 of 2, 3.6 of 40 bits given away, 0.0 points by choosing" in sealed(first)[0].summary
    # Two looks at 30 items: sqrt(0.075 / 30) * sqrt(2 ln 2) of the share.
    assert 0.0589 == sealed(second)[0].details["look"]["by_choosing"]
    assert "the pool is spent, and is a development pool from now on" in sealed(second)[0].summary
    third = run(project, server, "right-3", look_budget=2)
    assert third.outcome is Outcome.UNSURE
    silent = next(v for v in sealed(third) if v.rule == "sealed-look")
    assert silent.reason == "its sealed items are spent, and are development items now"
    assert (2, True) == (third.facts["sealed"]["topics"]["looks_used"], silent.details["spent"])
    assert 30 == third.facts["suites"]["topics"]["items"]["dev"]
    (node,) = project.ledger.find("trace", "pool-spent")
    assert (30, "the look budget of 2 is spent") == (len(node.body["items"]), node.body["why"])


def test_bits_run_out_before_looks_do(project: Project, serve: Serve, world: ModuleType) -> None:
    """Each answer costs; with eight bits and answers of 3.6 the pool is spent after the second."""
    server = serve(by_name(world))
    told = [sealed(run(project, server, f"right-{i}", look_bits=8.0))[0] for i in range(3)]
    assert [False, True] == [one.details["look"]["spent"] for one in told[:2]]
    assert [3.585, 7.17] == [round(one.details["look"]["bits"], 3) for one in told[:2]]
    assert told[2].rule == "sealed-look"
    assert told[0].details["look"]["ceiling"] < told[1].details["look"]["ceiling"]


def test_a_budget_of_nothing_keeps_the_pool_closed(project: Project, serve: Serve, world: ModuleType) -> None:
    """It is not answered, no item is sent, and nothing becomes a development item."""
    server = serve(by_name(world))
    result = run(project, server, "right", look_bits=0.0)
    assert (Outcome.UNSURE, 0) == (result.outcome, server.sent("right").total())
    assert [] == project.ledger.find("trace", "pool-spent")


def test_a_forged_answer_is_not_believed(project: Project, serve: Serve, world: ModuleType) -> None:
    """An entry that fits the chain and that the ledger does not know answers nothing: the look is taken."""
    from headgate.evaluate.access_log import AccessLog

    server = serve(by_name(world))
    run(project, server, "right-1")
    path = project.folder / ".headgate" / "access-log.jsonl"
    whole = path.read_text()
    passed = AccessLog(path).entries[1]
    run(project, server, "wrong-2")
    asked = AccessLog(path).entries[2].look
    path.write_text(whole)
    log = AccessLog(path)
    for name in ("look", "look again"):
        log.append(
            actor="eve", candidate="c", suite=passed.suite, purpose=name, look=asked, answer="pass better",
            detail=passed.detail, at=datetime.now(UTC),
        )  # fmt: skip
    result = run(project, server, "wrong-2")
    assert Outcome.FAIL is next(v for v in result.verdicts if v.rule == "sealed-access-log").outcome


@pytest.mark.parametrize("ladder", ["fixed", "parameter-free"])
def test_both_ladders_climb_only_for_better_candidates(
    project: Project, serve: Serve, world: ModuleType, ladder: str
) -> None:
    """The same answers again are not better, worse ones neither; a candidate that is right everywhere is."""

    def half(request: Request) -> str:
        if request.model.startswith("half"):
            return world.truth(request) if world.truth(request) in world.INTENTS[:2] else "?"
        return by_name(world)(request)

    server = serve(half)
    names = ("half-1", "half-2", "wrong-1", "right-1", "right-2")
    told = [sealed(run(project, server, name, ladder=ladder))[0].details["ladder"]["better"] for name in names]
    assert [True, False, False, True, False] == told


def test_another_scorer_or_one_more_item_does_not_fill_the_budget_up(
    project: Project, serve: Serve, world: ModuleType
) -> None:
    """Pools that share items share their budget, until it is spent and nothing of it is sealed any more."""
    server = serve(by_name(world))
    run(project, server, "right", look_budget=3)
    world.write_items(project.folder / "sealed.jsonl", [*world.items(200, 30), *world.items(400, 1)])
    more = run(project, server, "right-2", look_budget=3)
    other = run(project, server, "right-3", look_budget=3, suite={"scorer": "contains"})
    assert [2, 3] == [sealed(r)[0].details["look"]["looks_used"] for r in (more, other)]
    last = run(project, server, "right-4", look_budget=3, suite={"scorer": "exact"})
    assert "its sealed items are spent" in sealed(last)[0].reason


def test_fresh_items_have_a_budget_of_their_own(project: Project, serve: Serve, world: ModuleType) -> None:
    """A pool without one of the old items starts at zero looks."""
    server = serve(by_name(world))
    run(project, server, "right", look_budget=1)
    world.write_items(project.folder / "sealed.jsonl", world.items(400, 30))
    assert run(project, server, "right-2", look_budget=1).outcome is Outcome.PASS


def test_a_spent_pool_of_spread_items_stays_spent(project: Project, serve: Serve, world: ModuleType) -> None:
    """Every later evaluation says so, not only the next one, and a suite under another name as well."""
    world.write_items(project.folder / "all.jsonl", world.items(100, 60))
    spread = {"items": "all.jsonl", "sealed": "", "shares": {"gate": 0.5, "sealed": 0.5}}
    server = serve(by_name(world))
    told = [run(project, server, f"right-{i}", look_budget=1, suite=spread) for i in range(3)]
    assert [Outcome.PASS, Outcome.UNSURE, Outcome.UNSURE] == [one.outcome for one in told]
    settings = project.settings(server, suite={"dev": "", "gate": "", **spread})
    (renamed,) = suites_of(project.ledger, replace(settings, suites={"b": settings.suites["topics"]}), project.context)
    assert ((), True) == (renamed.pools["sealed"], bool(renamed.spent))


def test_a_pool_that_answered_is_not_left_out(project: Project, serve: Serve, world: ModuleType) -> None:
    """Without its line in the flow file the evaluation cannot tell; with it, it can."""
    server = serve(by_name(world))
    gate = {"gate": "gate.jsonl"}
    assert Outcome.UNSURE is run(project, server, "wrong-1", suite=gate).outcome
    without = run(project, server, "right-2", suite={**gate, "sealed": ""})
    (silent,) = [v for v in without.verdicts if v.rule == "sealed-look"]
    assert (Outcome.UNSURE, True) == (without.outcome, "it answered 1 looks" in silent.reason)
    assert Outcome.PASS is run(project, server, "right-2", suite=gate).outcome


def test_a_sealed_answer_is_coarse(project: Project, serve: Serve, world: ModuleType) -> None:
    """Interval ends stand on a grid of 1/sqrt(n), outwards; exact accuracies and p stay inside."""
    run_of = run(project, serve(by_name(world)), "right", sealed_answer="interval")
    verdict = next(v for v in sealed(run_of) if v.rule == "candidate-over-base")
    step = 30**-0.5
    for name in ("low", "high", "d"):
        value = verdict.details[name] / step
        assert abs(value - round(value)) < 1e-9 or verdict.details[name] in (-1.0, 1.0), name
    assert verdict.details["low"] <= verdict.details["d"] - step <= verdict.details["high"]
    assert verdict.details["accuracies"] == {} and "comparison" not in verdict.details
    assert verdict.details["ladder"]["better"] is True


def test_an_equal_second_candidate_is_not_better(project: Project, serve: Serve, world: ModuleType) -> None:
    """The Ladder says "better" only for a step above the best so far."""
    server = serve(by_name(world))
    answers = [sealed(run(project, server, name))[0].details["ladder"]["better"] for name in ("right-1", "right-2")]
    assert answers == [True, False]


def test_a_look_that_was_cut_short_goes_on_for_free(project: Project, serve: Serve, world: ModuleType) -> None:
    """Errors in the middle leave the look open: it counts once, is finished by the next run, then answered."""
    bad = {question for question, _ in world.items(200, 6)}
    server = serve(by_name(world), lambda attempt, text: "500" if attempt == 1 and text in bad else "")
    first = run(project, server, "right", look_budget=1)
    assert (first.outcome, [e["answer"] for e in entries(project)]) == (Outcome.UNSURE, ["opened"])
    second = run(project, server, "right", look_budget=1)
    assert (second.outcome, [e["answer"] for e in entries(project)]) == (Outcome.PASS, ["opened", "pass better"])
    assert {text for text, n in server.sent("right").items() if n > 1} == bad


def test_a_damaged_log_keeps_the_pool_closed(project: Project, serve: Serve, world: ModuleType) -> None:
    """An edited log blocks, with the entry named, and no sealed item is sent."""
    server = serve(by_name(world))
    run(project, server, "right-1")
    path = project.folder / ".headgate" / "access-log.jsonl"
    path.write_text(path.read_text().replace("release decision", "just trying", 1))
    result = run(project, server, "right-2")
    broken = next(v for v in result.verdicts if v.rule == "sealed-access-log")
    assert (result.outcome, broken.outcome) == (Outcome.FAIL, Outcome.FAIL)
    assert broken.findings[0].message == "entry 1 was changed"
    assert server.sent("right-2").total() == 0


def test_a_removed_log_is_missed(project: Project, serve: Serve, world: ModuleType) -> None:
    """The ledger remembers how many entries there were."""
    server = serve(by_name(world))
    run(project, server, "right-1")
    (project.folder / ".headgate" / "access-log.jsonl").unlink()
    result = run(project, server, "right-2")
    broken = next(v for v in result.verdicts if v.rule == "sealed-access-log")
    assert broken.findings[0].message == "the ledger remembers 2 entries, the log holds 0"
    assert server.sent("right-2").total() == 0


def test_projects_on_one_ledger_keep_logs_of_their_own_and_count_looks_together(
    project: Project, serve: Serve, world: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The log of one project is no break in another's; a pool that both have gives no more away than to one."""
    server, folder = serve(by_name(world)), tmp_path_factory.mktemp("other")
    world.write_items(folder / "sealed.jsonl", world.items(200, 30))
    other = type(project)(folder, project.ledger, "", flow="billing")
    told = [
        sealed(run(one, server, name, look_budget=3))[0].details["look"]
        for one, name in ((project, "right-1"), (other, "right-2"), (project, "right-3"))
    ]
    assert [(1, 3.585), (2, 7.17), (3, 10.755)] == [(one["looks_used"], round(one["bits"], 3)) for one in told]
    assert [4, 2] == [len(entries(one)) for one in (project, other)]
    last = run(other, server, "right-4", look_budget=3)
    assert "its sealed items are spent" in sealed(last)[0].reason


def test_a_new_log_does_not_stand_in_for_one_that_was_removed(
    project: Project, serve: Serve, world: ModuleType
) -> None:
    """A log that begins anew is noticed by the flow that the lost one was of, and earlier looks still count."""
    server = serve(by_name(world))
    run(project, server, "right-1")
    path = project.folder / ".headgate" / "access-log.jsonl"
    path.unlink()
    other = type(project)(project.folder, project.ledger, "", flow="billing")
    assert 2 == sealed(run(other, server, "right-2"))[0].details["look"]["looks_used"]
    result = run(project, server, "right-3")
    broken = next(v for v in result.verdicts if v.rule == "sealed-access-log")
    assert "2 entries of this flow, support, in a log that is not here" in broken.findings[0].message
