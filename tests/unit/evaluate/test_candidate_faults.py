"""Candidates behind bad endpoints and bad suites: the right class of outcome, asked again, and never a silent zero."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.evaluate.batteries import ForgettingSettings, ShadowSettings
from headgate.evaluate.scorers import COMPARISONS, Mark, Scored
from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.shadow.judging import Shadow, judge_reversion
from headgate.evaluate.shadow.judging import Told as Heard
from headgate.evaluate.shadow.variants import variants_of
from headgate.evaluate.suites import load_suite
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.faults import where

Serve = Callable[..., FakeEndpoint]
Project = Any  # of conftest


def one(result: StepResult, rule: str, pool: str = "gate") -> Verdict:
    (found,) = (v for v in result.verdicts if v.rule == rule and v.details.get("pool") in (None, pool))
    return found


def test_what_passes_is_asked_again(project: Project, serve: Serve, world: ModuleType) -> None:
    """Once refused, broken, half sent or empty: the second attempt counts and every item has a score."""
    faults = ("429", "500", "malformed", "reset", "empty")
    hit = dict(zip([question for question, _ in world.items(100, 30)], faults, strict=False))
    server = serve(world.policy, lambda attempt, text: hit.get(text, "") if attempt == 1 else "")
    result = project.run(server, attempts=3, suite={"sealed": ""})
    assert Outcome.PASS is result.outcome, result.summary
    assert {"base": 0.0, "candidate": 0.0} == one(result, "candidate-over-base").details["unscored"]
    assert {"base", "candidate"} == {request.model for request in server.journal if request.attempt == 2}
    assert set(hit) == {request.text for request in server.journal if request.attempt == 2}


def test_what_stays_is_no_zero(project: Project, serve: Serve, world: ModuleType) -> None:
    """Eight of thirty items never arrive whole: the claim is unsure, says the share, and goes on once it is mended."""
    passing = ("429", "500", "malformed", "reset", "empty")
    faults = (*passing, "content_filter", "context", "length")
    hit = dict(zip([question for question, _ in world.items(100, 30)], faults, strict=False))
    broken = [True]
    server = serve(world.policy, lambda _, text: hit.get(text, "") if broken[0] else "")
    result = project.run(server, attempts=1, suite={"sealed": ""})
    claim = one(result, "candidate-over-base")
    assert (Outcome.UNSURE, Outcome.UNSURE) == (result.outcome, claim.outcome)
    assert {"base": 0.2667, "candidate": 0.2667} == claim.details["unscored"]
    assert claim.reason.startswith("coverage: 73.3% of the items are scored")
    for arm in one(result, "coverage").details["arms"].values():
        assert (22, 7, 1) == (arm["pass"] + arm["fail"], arm["error"], arm["unscored"])
    sent, broken[0] = len(server.journal), False
    again = project.run(server, attempts=1, suite={"sealed": ""})
    # What failed on the way is asked again, by base, best prompt and candidate; what the model itself decided (a
    # filter, a full window, the limit of tokens) would come again and is not.
    asked = server.journal[sent:]
    assert {question: 3 for question, fault in hit.items() if fault in passing} == Counter(one.text for one in asked)
    assert {"base": 0.1, "candidate": 0.1} == one(again, "candidate-over-base").details["unscored"]


def test_few_items_without_a_score_are_told_beside_the_claim(project: Project, serve: Serve, world: ModuleType) -> None:
    """One item of thirty is lost and the limits allow it: the claim stands, and its summary says what it lacks."""
    lost = world.items(100, 1)[0][0]
    server = serve(world.policy, lambda _, text: "500" if text == lost else "")
    result = project.run(server, attempts=1, coverage=0.9, coverage_gap=0.05, suite={"sealed": ""})
    claim = one(result, "candidate-over-base")
    assert (Outcome.PASS, 29) == (claim.outcome, claim.details["n"])
    assert claim.summary.endswith("; unscored: 3.3% for base, 3.3% for candidate")


def test_a_server_that_only_talks_garbage_stops_the_run(project: Project, serve: Serve, world: ModuleType) -> None:
    """Twenty failures in a row end it with what to do, and no score is recorded."""
    server = serve(world.policy, where("", "malformed"))
    with pytest.raises(Refused, match="does not answer") as caught:
        project.run(server, attempts=1)
    assert "answers so far are kept" in str(caught.value.next_step)
    assert [] == project.ledger.find("score")


def test_other_wordings_that_did_not_arrive_are_not_held(tmp_path: Path, world: ModuleType) -> None:
    """The endpoint fails on some other wordings: no wording in which the tune held, and none in which it did not."""
    world.write_items(tmp_path / "gate.jsonl", world.items(100, 30))
    suite = load_suite("topics", SuiteSettings(gate="gate.jsonl"), tmp_path)
    variants = variants_of(suite.pools["gate"], ShadowSettings(suites=["topics"]), tmp_path)
    right = Heard(Scored(Mark.PASS), "right")
    wrong, lost = Heard(Scored(Mark.FAIL), "base"), Heard(Scored(Mark.ERROR, "HTTP 500"), "")

    def judged(share: int) -> Verdict:
        changed = {name: [lost if i % share == 0 else right for i in range(len(some))] for name, some in
                   variants.changed.items()}  # fmt: skip
        shadow = Shadow(
            suite="topics", variants=variants, base=[wrong] * 30, candidate=[right] * 30,
            base_changed={name: [wrong] * len(some) for name, some in variants.changed.items()},
            candidate_changed=changed,
        )  # fmt: skip
        return judge_reversion(shadow, margin=0.2, level=Level.BLOCK, prior={})

    assert (Outcome.UNSURE, "coverage: 0.0% of plain") == (judged(1).outcome, judged(1).reason[:23])
    few = judged(30)
    assert Outcome.PASS is few.outcome and 0 < few.details["unscored"] < 0.05
    assert 1.0 == few.details["accuracy"]["other"]


def test_style_is_that_of_answers_that_arrived(project: Project, serve: Serve) -> None:
    """A candidate whose skills fail at the endpoint has lost no style, and its skill cannot be told."""

    def answer(request: Request) -> str:
        return "It is 12, and that is all there is to say."

    def plan(_: int, text: str) -> str:
        return "" if "case" in text else "content_filter"

    server = serve(answer, plan)
    skills = ForgettingSettings(skills=["arithmetic"], items=30)
    result = project.run(server, forgetting=skills, suite={"sealed": "", "dev": ""})
    assert "coverage: 0.0%" in one(result, "forgetting-arithmetic").reason
    assert "no answer arrived from both" == one(result, "style-drift").reason


FLOW = '[flow]\nname = "doors"\n[evaluate]\nmax-tokens = 16\nattempts = 1\nbase = "{base}"\ncandidate = "{candidate}"\n'
SUITE = '[evaluate.suites.doors]\ngate = "gate.jsonl"\nscorer = "{scorer}"\n'
ROW = '{{"id": "{id}", "prompt": "Which code opens door {id}?", "completion": "{answer}"}}\n'


def evaluated(folder: Path, capsys: Any, lines: list[str], scorer: str = "exact") -> tuple[int, str, int]:
    """Exit code, message and the number of requests of `headgate evaluate` on a suite of these lines."""
    (folder / "gate.jsonl").write_text("".join(lines))
    with FakeEndpoint(lambda request: f"code {request.text[-2]}") as server:
        flow = FLOW.format(base=server.spec("base"), candidate=server.spec("candidate"))
        (folder / "headgate.toml").write_text(flow + SUITE.format(scorer=scorer))
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", "--quiet"])
        return int(ended.value.code or 0), capsys.readouterr().err, len(server.journal)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (ROW.format(id=2, answer="another"), "the id '2' was used before"),
        ('{"id": "7", "prompt": "Which code opens door 7?"}\n', "1 rows fit trl-prompt-only"),
        ('{"id": "7", "prompt": "Which code opens door 7?", "completion": " "}\n', "the target is empty"),
        ('{"id": "7", "completion": "code 7"}\n', "suite 'doors'"),
        ("half a line\n", "suite 'doors'"),
    ],
)
def test_a_broken_suite_stops_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, spoil: str, says: str
) -> None:
    """Two items of one id, no answer, no question: exit 2, the line, and nothing was asked."""
    monkeypatch.chdir(tmp_path)
    lines = [ROW.format(id=i, answer=f"code {i}") for i in range(6)]
    code, told, sent = evaluated(tmp_path, capsys, [*lines, spoil])
    assert (2, 0) == (code, sent)
    assert says in told and "gate.jsonl:7" in told


def test_a_scorer_that_throws_stops_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The fourth item breaks the comparison: exit 2 and its line; a zero would blame the model."""

    def breaks(found: str, target: str) -> bool:
        if target == "code 3":
            raise ZeroDivisionError("no such code")
        return found == target

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(COMPARISONS, "exact", breaks)
    code, told, sent = evaluated(tmp_path, capsys, [ROW.format(id=i, answer=f"code {i}") for i in range(6)])
    assert (2, True) == (code, "gate.jsonl:4" in told)
    assert "the scorer exact broke on an answer" in told and "ZeroDivisionError: no such code" in told
    assert sent and not list((tmp_path / ".headgate").glob("**/score*"))


def test_an_answer_nested_too_deep_blames_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A target that no comparison can walk through breaks the scorer of JSON; the line is told."""
    monkeypatch.chdir(tmp_path)
    deep = "[" * 900 + "]" * 900
    (tmp_path / "gate.jsonl").write_text(
        "".join(json.dumps({"prompt": f"door {i}?", "completion": deep if i == 2 else "[]"}) + "\n" for i in range(4))
    )
    with FakeEndpoint(lambda _: deep) as server:
        flow = FLOW.format(base=server.spec("base"), candidate=server.spec("candidate"))
        (tmp_path / "headgate.toml").write_text(flow + SUITE.format(scorer="json-match"))
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", "--quiet"])
    told = capsys.readouterr().err
    assert (2, True) == (ended.value.code, "gate.jsonl:3" in told)
    assert "RecursionError" in told
