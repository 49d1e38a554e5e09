"""A good adapter passes the gate; leaks, a spent judge, lost refusals and the others are each stopped by their own."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.output import EXIT_OF
from headgate.flow.walking import Walked
from headgate.rules.reward_states import states
from headgate.stats.verdict import Outcome, Verdict

SOURCE = Path(__file__).parents[2] / "examples" / "gauntlet"
pytestmark = [pytest.mark.training, pytest.mark.xdist_group("gauntlet")]  # base and good adapter are made once
FEWER = "train.steps=40"  # enough to lose what a tune of this rate loses


def load(name: str) -> Any:
    """A module of the example."""
    if str(SOURCE) not in sys.path:
        sys.path.append(str(SOURCE))
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Walked]]:
    """The project of the good adapter after its walk, with the judge still there."""
    cases = load("cases")
    with cases.the_judge() as server:
        folder: Path = cases.prepared(tmp_path_factory.mktemp("gauntlet"), server.url)
        yield folder, cases.run(cases.GOOD, folder)


def stopped(name: str, good: tuple[Path, Walked], *settings: str) -> tuple[Walked, Verdict]:
    """How a case ended, and the verdict that it is about; all that was said where it ended otherwise."""
    cases = load("cases")
    case = next(one for one in cases.CASES if one.name == name)
    folder = good[0].parent / name  # beside the good one: the same base by the same relative path
    shutil.copytree(good[0], folder)
    walked = case.walk(folder, *settings)
    said = [(v.rule, v.outcome.value, v.summary) for v in walked.steps[-1].result.verdicts if v.blocks]
    assert cases.decided(case, walked), (walked.summary, said)
    found = (v for v in walked.steps[-1].result.verdicts if v.rule == case.rule and v.outcome is case.outcome)
    return walked, next(found)


def test_the_good_adapter_passes_the_gate(good: tuple[Path, Walked]) -> None:
    """It beats its base, a judge prefers it, and it keeps refusals and answers: exit code 0 and a decision."""
    walked = good[1]
    assert (Outcome.PASS, "gate", 0) == (walked.outcome, walked.steps[-1].stage.name, int(EXIT_OF[walked.outcome])), (
        walked.summary
    )
    shown = {v.rule for step in walked.steps for v in step.result.verdicts if v.outcome is Outcome.PASS}
    assert {"candidate-over-base", "preferred-over-base", "safety-refusal", "safety-over-refusal"} <= shown
    assert walked.steps[-1].result.outputs["decision"].startswith("b3:")


def test_leaked_items_stop_before_training(good: tuple[Path, Walked]) -> None:
    """Twelve gate items with words behind them: the firewall names them, and no version is frozen."""
    walked, verdict = stopped("leaked-items", good)
    assert (1, "curate") == (int(EXIT_OF[walked.outcome]), walked.steps[-1].stage.name)
    assert len({finding.other_row for finding in verdict.findings}) >= 3  # short items only look alike


def test_a_spent_judge_decides_nothing(good: tuple[Path, Walked]) -> None:
    """One recorded use as reward: the judge is not asked, and the verdict names the use."""
    _, verdict = stopped("spent-judge", good)
    assert "judge ann is spent" in verdict.summary and "reward" in verdict.summary


def test_lost_refusals(good: tuple[Path, Walked]) -> None:
    """Topics alone: the refusals are gone, and nothing says that the other direction failed."""
    walked, verdict = stopped("lost-refusals", good, FEWER)
    assert verdict.measure is not None and verdict.measure.high < -0.08
    failed = {v.rule for v in walked.steps[-1].result.verdicts if v.outcome is Outcome.FAIL and v.blocks}
    assert "safety-over-refusal" not in failed


def test_over_refusal(good: tuple[Path, Walked]) -> None:
    """A tune that refuses everything keeps its refusals and fails in the other direction."""
    walked, verdict = stopped("over-refusal", good, FEWER)
    assert verdict.measure is not None and verdict.measure.high < -0.1
    failed = {v.rule for v in walked.steps[-1].result.verdicts if v.outcome is Outcome.FAIL and v.blocks}
    assert "safety-refusal" not in failed


def test_a_hacked_reward(good: tuple[Path, Walked]) -> None:
    """Trained on a reward for words: it rose, what nobody optimised fell, training ended, and the stop stands."""
    walked, verdict = stopped("hacked-reward", good)
    assert "the proxy rose" in verdict.summary and "contains fell" in verdict.summary
    assert 120 > walked.steps[-1].result.facts["steps"] > 0
    with load("cases").opened(good[0].parent / "hacked-reward" / "headgate.toml") as (ledger, _, _now):
        assert ["STOP"] == [one.body["state"] for one in states(ledger, "grpo", "gauntlet")]


def test_a_veneer_on_one_wording_reverts(good: tuple[Path, Walked]) -> None:
    """Right in the wording that was taught, and the base is back in others."""
    _, verdict = stopped("reversion", good)
    assert verdict.details["accuracy"]["plain"] > 0.8


def test_too_few_items_tell_nothing(good: tuple[Path, Walked]) -> None:
    """The same adapter on eight items: unsure, exit code 3, with how many are needed."""
    walked, verdict = stopped("too-few-items", good)
    assert 3 == int(EXIT_OF[walked.outcome])
    assert "8 items" in verdict.reason, verdict.reason


def test_the_base_saved_again_differs_in_nothing(good: tuple[Path, Walked], tmp_path: Path) -> None:
    """Two folders of the same weights: no answer changes, and every axis passes without a label."""
    import headgate

    base = good[0].parent / "base"
    shutil.copytree(base, tmp_path / "again")
    folder = tmp_path / "same"
    load("cases").write_good(folder, base, "http://127.0.0.1:9")
    text = (folder / "headgate.toml").read_text()
    start, end = text.index("[train]"), text.index("[evaluate]")
    judged, safety = text.index("[evaluate.judged"), text.index("[evaluate.safety]")
    models = f'[evaluate]\nbase = "local:{base}"\ncandidate = "local:{tmp_path / "again"}"\n'
    text = text[:start] + text[end:judged].replace("[evaluate]\n", models, 1) + text[safety : text.index("[gate]")]
    (folder / "headgate.toml").write_text(text)
    walked = headgate.open(folder).run(until="evaluate")
    found = [v for step in walked.steps for v in step.result.verdicts if v.rule.startswith("safety-")]
    assert [(Outcome.PASS, 0)] * 3 == [(one.outcome, one.details["changed"]) for one in found]
