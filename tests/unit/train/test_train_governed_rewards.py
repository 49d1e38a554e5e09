"""A reward that is gamed while a model is trained on it ends the training, and the stop sticks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from headgate.gate.rewards import doubts_about_rewards
from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.rules.reward_series import recorded
from headgate.rules.reward_states import clear
from headgate.stats.governed import State
from headgate.stats.verdict import Outcome
from headgate.train.governing import judged
from headgate.train.settings import Adapter, Grpo, Probe

NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)
# Pays for words, whatever they say: what a careless measure of helpfulness pays for.
WORDY = """
def wordy(prompt, answer, reference):
    return min(len(answer.split()), 12) / 12
"""
PAID = {"generations": 4, "answer_tokens": 14, "rewards": ["python:wordy.py:wordy"], "temperature": 1.3}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, maker_module: ModuleType) -> Iterator[tuple[Any, StepResult]]:
    """A project with an adapter that knows most topics."""
    folder = tmp_path_factory.mktemp("governed")
    project = maker_module.make_project(folder, maker_module.requests("train"), maker_module.requests("test"))
    (folder / "wordy.py").write_text(WORDY)
    yield project, project.train(steps=16, learning_rate=5e-3, adapter=Adapter(rank=16, alpha=32), save_every=0)
    project.ledger.close()


def rewarded(project: Any, tuned: StepResult, **changes: Any) -> StepResult:
    grpo = Grpo(**{**PAID, **changes.pop("grpo", {})})
    given = {"method": "grpo", "start": tuned.outputs["adapter"], "batch": 8, "learning_rate": 5e-3, "save_every": 0}
    result: StepResult = project.train(**{**given, "grpo": grpo, **changes})
    return result


def test_a_gamed_reward_ends_training_and_stays_stopped(world: tuple[Any, StepResult]) -> None:
    """Words rise and right topics fall: no further step, no release, and no training before somebody clears it."""
    project, tuned = world
    probe = Probe(split="held", every=8 * 4 / 240)
    told: dict[str, Any] = {"grpo": {"outcomes": ["contains"]}, "probe": probe}
    result = rewarded(project, tuned, steps=40, **told)
    assert (Outcome.FAIL, True) == (result.outcome, result.facts["steps"] < 40)
    stop = next(one for one in result.verdicts if one.blocks)
    assert "reward-stop" == stop.rule
    assert "the proxy rose" in result.facts["stopped"]
    assert stop.measure is not None
    assert stop.measure.high < 0
    steps = [batch.step for _, batch in recorded(project.ledger, "grpo")]
    assert [0, result.facts["steps"]] == [int(steps[0]), int(steps[-1])]
    batches = [batch for _, batch in recorded(project.ledger, "grpo")]
    assert 0 == batches[0].divergence < 0.01 < (batches[-1].divergence or 0)
    far = judged([one.as_json() for one in batches], Grpo(**PAID, outcomes=["contains"], budget=0.01), 4)
    assert ("budget", True) == (next(one.kind for one in far.reasons if one.kind == "budget"), far.state is State.STOP)
    bound = doubts_about_rewards(project.ledger, result.outputs["adapter"], "requests")
    assert ["reward-stop"] == [one.rule for one in bound]
    assert [] == doubts_about_rewards(project.ledger, tuned.outputs["adapter"], "another flow")

    runs = len(project.ledger.find("run"))
    again = rewarded(project, tuned, steps=40, **told)
    assert (Outcome.FAIL, runs) == (again.outcome, len(project.ledger.find("run")))
    assert "no step was taken" in again.summary
    clear(project.ledger, "grpo", flow="requests", by="Ann Lee", reason="pays for the topic", suite="new", now=NOW)
    with pytest.raises(Refused, match="rewards were stopped on these prompts"):
        rewarded(project, tuned, steps=40, **told)


def test_a_reward_without_an_outcome_is_known_to_the_gate(world: tuple[Any, StepResult]) -> None:
    """It is trained on, and its loop is on record as one that nothing was held against."""
    project, tuned = world
    result = rewarded(project, tuned, steps=1, batch=4)
    assert Outcome.PASS is result.outcome
    doubts = doubts_about_rewards(project.ledger, result.outputs["adapter"], "no flow of it")
    assert ["rewards of grpo shaped the candidate, and no outcome was held against them"] == [
        one.summary for one in doubts
    ]


def test_outcomes_that_cannot_govern_are_refused(world: tuple[Any, StepResult]) -> None:
    """An outcome that is rewarded, one without prompts, and one twice."""
    project, tuned = world
    for grpo, more, wrong in (
        ({"outcomes": ["exact"], "rewards": ["exact"]}, {}, "grpo rewards what should be an outcome"),
        ({"outcomes": ["exact"]}, {}, "grpo outcomes need probe.split"),
        ({"outcomes": ["exact", "exact"]}, {"probe": Probe(split="held")}, "names an outcome twice"),
        ({"budget": 2.0}, {}, "grpo budget without outcomes"),
    ):
        with pytest.raises(Refused) as refused:
            rewarded(project, tuned, steps=1, grpo=grpo, **more)
        assert wrong in (refused.value.found or "")
