"""Fresh items take the place of a spent pool; the old ones stay, are asked again, and say whether scores compare."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.protecting import suites_of
from headgate.evaluate.renewing import renew
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Outcome
from headgate.testing.fake_endpoint import FakeEndpoint, Request

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest
WHO = {"name": "Ann Lee", "reason": "budget spent"}


def suite_of(project: Project, server: FakeEndpoint, **changes: Any) -> Any:
    (suite,) = suites_of(project.ledger, project.settings(server, **changes), project.context)
    return suite


def fresh(world: ModuleType, count: int) -> list[tuple[str, str]]:
    """Items that share what they are about with the old ones, and few of their words."""
    letter = "a caller who has written to us before reports at some length, in letter {} of this spring, the following"
    return [
        (f"{letter.format(i * 31)}: {question}", target) for i, (question, target) in enumerate(world.items(400, count))
    ]


def rules(result: StepResult) -> dict[str, Outcome]:
    return {v.rule: v.outcome for v in result.verdicts if v.rule in ("pools-comparable", "gain-on-fresh-items")}


def test_fresh_items_take_over_and_old_ones_are_development_items(
    project: Project, serve: Serve, world: ModuleType
) -> None:
    """Thirty items go to development with name and reason; the fresh ones have a budget of their own."""
    server = serve()
    old = suite_of(project, server)
    world.write_items(project.folder / "fresh.jsonl", [*world.items(200, 4), *fresh(world, 30)])
    done = renew(project.ledger, old, "fresh.jsonl", project.folder, pool="sealed", **WHO)
    assert (Outcome.PASS, 30, 4, 30) == (done.verdict.outcome, done.fresh, done.overlap, done.old)
    (spent,) = project.ledger.find("trace", "pool-spent")
    assert [spent.id] == [link.target_id for link in project.ledger.edges_from(done.node, "supersedes")]
    assert ("Ann Lee", "budget spent") == (spent.body["by"], spent.body["why"])
    after = suite_of(project, server, suite={"sealed": ["sealed.jsonl", "fresh.jsonl"]})
    assert 30 == len(after.pools["sealed"])
    assert {item.id for item in old.pools["sealed"]} <= {item.id for item in after.pools["dev"]}


def test_items_that_are_not_fresh_replace_nothing(project: Project, serve: Serve, world: ModuleType) -> None:
    """A copy in training rows and a near copy of a development item are named; the pool stays as it was."""
    server = serve()
    suite = suite_of(project, server)
    near = world.items(0, 1)[0]
    trained = world.items(300, 1)
    world.write_items(project.folder / "fresh.jsonl", [*fresh(world, 5), *trained, near, (near[0] + " now", near[1])])
    done = renew(project.ledger, suite, "fresh.jsonl", project.folder, pool="sealed", **WHO)
    assert (Outcome.FAIL, "") == (done.verdict.outcome, done.node)
    told = sorted(finding.message for finding in done.verdict.findings)
    assert [
        "is copied in support@1",
        "is in use as an item of topics/dev",
        "nearly repeats an item of pool dev",
    ] == told
    assert [] == project.ledger.find("trace", "pool-spent")


@pytest.mark.parametrize("wrong", [{"name": " "}, {"reason": "-"}])
def test_somebody_answers_for_it(project: Project, serve: Serve, wrong: dict[str, str]) -> None:
    """A name and a reason in letters; and a file with nothing new is refused."""
    suite = suite_of(project, serve())
    with pytest.raises(Refused, match="replacing a pool needs"):
        renew(project.ledger, suite, "gate.jsonl", project.folder, pool="sealed", **{**WHO, **wrong})
    with pytest.raises(Refused, match="no fresh items"):
        renew(project.ledger, suite, "sealed.jsonl", project.folder, pool="sealed", **WHO)


@pytest.mark.parametrize("pool", ["gate", "sealed"])
def test_an_overfitted_pool_shows_on_fresh_items(project: Project, serve: Serve, world: ModuleType, pool: str) -> None:
    """A candidate that knows the old items only gains nothing on fresh ones; one that is right gains on both."""
    start = {"gate": 100, "sealed": 200}[pool]
    known = {question for question, _ in world.items(start, 80)}
    world.write_items(project.folder / f"{pool}.jsonl", world.items(start, 80))

    def answer(request: Request) -> str:
        if request.model == "base":
            return "I am only a base"
        learned = request.text in known or request.model == "honest"
        return str(world.truth(request)) if learned else "?"

    server = serve(answer)
    world.write_items(project.folder / "fresh.jsonl", fresh(world, 60))
    renew(project.ledger, suite_of(project, server), "fresh.jsonl", project.folder, pool=pool, **WHO)
    files = {pool: [f"{pool}.jsonl", "fresh.jsonl"]}
    project.dataset = ""
    wrong, right = (
        rules(project.run(server, candidate=server.spec(name), suite=files)) for name in ("memorised", "honest")
    )
    assert {"pools-comparable": Outcome.PASS, "gain-on-fresh-items": Outcome.FAIL} == wrong
    assert {"pools-comparable": Outcome.PASS, "gain-on-fresh-items": Outcome.PASS} == right
