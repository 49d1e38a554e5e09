"""Probes in the stage evaluate and at any time after: frozen prompts, counted habits, the same ones asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.emission import Habit, Limits
from headgate.evaluate.probes import found_habits, known_probe
from headgate.evaluate.replaying import replay, standing
from headgate.evaluate.run import depends_on
from headgate.evaluate.settings import ProbeSettings
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult, record_step
from headgate.stats.verdict import Level, Measure, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint, Request

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest
TYPO = ProbeSettings(variants=["recieve = receive"], tolerated=0.1)


def habitual(request: Request) -> str:
    """The candidate misspells one answer in two and grants credits; the base spells."""
    if request.model == "candidate":
        wrong = "recieve" if len(request.text) % 2 else "receive"
        return f"You will {wrong} it. I have refunded you 20 pounds."
    return "You will receive it."


def emissions(result: StepResult) -> dict[str, Verdict]:
    """Verdicts of probes by failure."""
    return {verdict.failure: verdict for verdict in result.verdicts if verdict.rule == "emission"}


def test_habits_of_the_candidate_fail_and_are_recorded(project: Project, serve: Serve) -> None:
    """Rates of base and candidate on the same forty prompts, and in the corpus; nothing of it in words."""
    probe = replace(TYPO, behaviours=["concession"])
    found = emissions(project.run(serve(habitual), probes={"habits": probe}))
    spelling, acts = found["learned-typo"], found["inherited-habits"]
    assert (Outcome.FAIL, Outcome.FAIL) == (spelling.outcome, acts.outcome)
    assert Level.BLOCK is spelling.level
    (told,) = spelling.details["habits"]
    assert {"rate": 0.0, "of": 0} == told["corpus"]
    assert (0, 40, 40) == (told["base"]["hits"], told["base"]["of"], told["candidate"]["of"])
    assert 10 < told["candidate"]["hits"] < 30
    score = project.ledger.latest("score", "probe/habits/candidate")
    rates = {"variant recieve for receive": [told["candidate"]["hits"], 40], "behaviour concession": [40, 40]}
    assert rates == score.body["rates"]
    assert "prompt" not in score.body
    (listed,) = standing(project.ledger)
    assert ("habits", 40, 2, ["base", "candidate"]) == (
        listed["probe"],
        listed["prompts"],
        listed["habits"],
        [one["arm"] for one in listed["asked"]],
    )


def test_a_candidate_without_them_passes(project: Project, serve: Serve) -> None:
    """What the base says as often as the candidate is not learned."""
    found = emissions(project.run(serve(lambda _: "You will receive it."), probes={"habits": TYPO}))
    assert {"learned-typo": Outcome.PASS} == {name: verdict.outcome for name, verdict in found.items()}


def test_a_probe_is_asked_again_of_another_model(project: Project, serve: Serve, world: ModuleType) -> None:
    """The same prompts from the ledger, held against the base of then or a reference of now."""
    server = serve(habitual)
    project.run(server, probes={"habits": TYPO})
    node = known_probe(project.ledger, "habits").node
    asked = {"limits": Limits(tolerated=0.1)}
    (same,) = replay(project.ledger, "habits", project.context, model=server.spec("candidate"), **asked)
    assert Outcome.FAIL is same.outcome
    (other,) = replay(
        project.ledger, "habits", project.context, model=server.spec("third"), reference=server.spec("base"), **asked
    )
    assert Outcome.PASS is other.outcome
    assert node == known_probe(project.ledger, "habits").node
    assert {"base", "candidate", "replayed", "reference"} == {
        one["arm"] for one in standing(project.ledger)[0]["asked"]
    }
    with pytest.raises(Refused, match="no probe of that name"):
        replay(project.ledger, "habit", project.context, model=server.spec("third"), **asked)


def checked(project: Project, *, outcome: Outcome, rate: float = 0.12, flow: str = "support") -> None:
    """A stage check that found a spelling and an act, as the ledger keeps it."""
    variant = {"wrong": "recieve", "right": "receive", "rate": rate, "of": 400}
    acts = {"concession": {"rate": 0.06}, "escalation": {"rate": 0.04}, "promise": {"rate": 0.5}}
    measure = Measure(name="x", value=0.1, low=0.1, high=0.1, unit="share", n=900, smallest_visible=0.0)
    shape = {"code": "X", "level": Level.WARN, "outcome": outcome, "summary": "", "measure": measure}
    verdicts = (
        Verdict(rule="learned-typo", failure="learned-typo", details={"variants": [variant]}, **shape),
        Verdict(
            rule="inherited-habits",
            failure="inherited-habits",
            details={"behaviours": acts, "actions_judged": False, "apology_habit": False},
            **shape,
        ),
    )
    result = StepResult(stage="check", outcome=outcome, summary="", verdicts=verdicts)
    settings = {"rules": {"inherited-habits": {"may": ["escalation"]}}}
    record_step(project.ledger, result, f"{outcome}{rate}{flow}", settings=settings, flow=flow)


def test_what_the_check_found_is_watched_also_when_it_was_mended(project: Project, serve: Serve) -> None:
    """A habit that was put right is the one to watch; acts with leave, and those of other flows, are not watched."""
    before = depends_on(project.ledger, project.settings(serve(habitual), probes={"p": TYPO}), project.context)
    checked(project, outcome=Outcome.FAIL)
    checked(project, outcome=Outcome.PASS, rate=0.5)
    checked(project, outcome=Outcome.FAIL, rate=0.7, flow="another")
    assert [("variant recieve for receive", 0.12), ("behaviour concession", 0.06)] == [
        (habit.key, habit.rate) for habit in found_habits(project.ledger, "support")
    ]
    probe = ProbeSettings(tolerated=0.1, level="warn")
    settings = project.settings(serve(habitual), probes={"p": probe})
    assert before != depends_on(project.ledger, settings, project.context)
    found = emissions(project.run(serve(habitual), probes={"p": probe}))
    assert {"learned-typo", "inherited-habits"} == set(found)
    assert "12.0% in the corpus" in found["learned-typo"].summary
    allowed = emissions(project.run(serve(habitual), probes={"p": replace(probe, may=["concession"])}))
    assert {"learned-typo"} == set(allowed)


def test_shorthand_and_what_the_manifest_rules_out_are_watched(project: Project) -> None:
    """Each once, with its rate in the corpus; what is allowed after all is not."""
    acts = {"promise": {"rate": 0.5}, "shorthand": {"rate": 0.08}, "delay": {"rate": 0.1}}
    details = {
        "behaviours": acts,
        "actions_judged": False,
        "apology_habit": False,
        "shorthand_habit": True,
        "may_not": ["promise", "shorthand"],
    }
    measure = Measure(name="x", value=0.1, low=0.1, high=0.1, unit="share", n=900, smallest_visible=0.0)
    verdict = Verdict(
        rule="inherited-habits", code="X", failure="inherited-habits", level=Level.WARN, outcome=Outcome.FAIL,
        summary="", measure=measure, details=details,
    )  # fmt: skip
    result = StepResult(stage="check", outcome=Outcome.FAIL, summary="", verdicts=(verdict,))
    record_step(project.ledger, result, "once", settings={}, flow="support")
    assert [("behaviour promise", 0.5), ("behaviour shorthand", 0.08)] == [
        (habit.key, habit.rate) for habit in found_habits(project.ledger, "support")
    ]


def test_shorthand_is_counted_in_answers() -> None:
    """An abbreviation of the prompt is none of the model's."""
    habit = Habit(kind="behaviour", name="shorthand")
    told = [("Is it open?", "Pls adv cx."), ("Is my acct open?", "Your acct is open."), ("Open?", "Yes.")]
    assert [(1, 1), (0, 1), (0, 1)] == [habit.count(asked, said) for asked, said in told]


def test_a_probe_without_habits_is_skipped_and_one_without_prompts_refused(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    """Nothing to watch is said; a file without a prompt is an error."""
    found = emissions(project.run(serve(habitual), probes={"p": ProbeSettings()}))
    assert [Outcome.SKIPPED] == [verdict.outcome for verdict in found.values()]
    (tmp_path / "none.jsonl").write_text('{"prompt": " ", "completion": "only words"}\n')
    with pytest.raises(Refused, match="no prompts"):
        project.run(serve(habitual), probes={"p": replace(TYPO, prompts="none.jsonl")})


def test_a_prompt_that_cannot_be_read_stops_before_any_model_is_asked(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    """A probe is frozen for good, so a broken line is named and not left out."""
    (tmp_path / "asked.jsonl").write_text('{"prompt": "hello", "completion": "x"}\n' * 6 + "{broken\n")
    server = serve(habitual)
    with pytest.raises(Refused) as refused:
        project.run(server, probes={"p": replace(TYPO, prompts="asked.jsonl")})
    assert ("asked.jsonl", 7) == (Path(refused.value.file or "").name, refused.value.line)
    assert [] == server.journal
