"""The gate takes a judged claim only from judges that may decide, as things stand when it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from headgate.ledger.nodes import Node
from headgate.models.judges.settings import CriterionSettings, JudgeSettings, RubricSettings
from headgate.rules.judge_fitness import licence_about
from headgate.rules.judge_uses import record_use
from headgate.stats.judging import judge_difference
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Outcome, Verdict

Scene = Any


class Judged:
    """Judges at a scene, and what an evaluation would have recorded of them."""

    def __init__(self, scene: Scene, scenes: ModuleType) -> None:
        self.scene, self.scenes, self.ledger = scene, scenes, scene.ledger

    def judge(self, name: str, model: str, days: int = 30, rubric: Node | None = None) -> Node:
        node = self.ledger.node(self.ledger.record("judge", name, JudgeSettings(endpoint="", model=model).body()))
        if days:
            self.ledger.claims.assert_(
                licence_about(node, rubric), "judge-licence", "licensed", source="t", observed_at=self.scene.now,
                valid_from=self.scene.now, valid_to=self.scene.now + timedelta(days=days),
            )  # fmt: skip
        return node

    def rubric(self, name: str = "clear") -> Node:
        body = RubricSettings(criteria={"c": CriterionSettings(text="Says when it will be done.")}).body()
        return self.ledger.node(self.ledger.record("rubric", name, body))

    def preferred(
        self,
        judge: Node,
        wins: int = 80,
        losses: int = 10,
        n: int = 200,
        unscored: float = 0.0,
        suite: str = "helpful",
        rubric: Node | None = None,
    ) -> Verdict:
        after = np.r_[np.ones(wins), np.full(n - wins - losses, 0.5), np.zeros(losses)]
        told: Mapping[str, Any] = {"judge": judge.id, "name": judge.name, "unscored": unscored, "why": {"HTTP 500": 9}}
        details = {
            "suite": suite, "pool": "gate", "reference": "base", "candidate": "candidate", "judges": [told],
            "rubric": rubric.id if rubric else "", "rubric_free": rubric is None,
        }  # fmt: skip
        verdict = judge_difference(
            compare_paired(1 - after, after), kind="superiority", name="share preferred", details=details
        )
        return replace(verdict, rule="preferred-over-base", failure="rubric-overfit")

    def gate(self, *verdicts: Verdict, **settings: Any) -> Any:
        self.scene.step("evaluate", *self.scenes.better(), *verdicts)
        return self.scene.gate(**settings)


@pytest.fixture
def judged(scene: Scene, scenes: ModuleType) -> Judged:
    return Judged(scene, scenes)


def stopping(result: Any) -> list[tuple[str, str]]:
    return sorted((v.rule, v.outcome.value) for v in result.verdicts if v.blocks)


def test_a_judged_claim_of_a_fit_judge_passes(judged: Judged) -> None:
    """Unspent, of another family, licensed, everything scored; it is corrected together with the other claims."""
    result = judged.gate(judged.preferred(judged.judge("bob", "claude-3")))
    assert (Outcome.PASS, []) == (result.outcome, stopping(result))
    claim = next(v for v in result.verdicts if v.rule == "preferred-over-base")
    assert 3 == claim.details["claims"]


def test_a_spent_judge_blocks_and_the_use_is_named(judged: Judged) -> None:
    """Spent after the evaluation and before the decision is spent."""
    bob = judged.judge("bob", "claude-3")
    claim = judged.preferred(bob)
    record_use(judged.ledger, "model-choice", on=[judged.scene.outputs["train"]["adapter"]], judge=bob)
    result = judged.gate(claim)
    assert [("spent-judge", "fail")] == stopping(result)
    verdict = next(v for v in result.verdicts if v.rule == "spent-judge")
    assert "bob (claude-3), model-choice of adapter tiny@0.5" in verdict.summary


def test_the_family_of_a_training_judge_blocks(judged: Judged) -> None:
    """A sibling of the judge that gave the reward does not decide."""
    record_use(
        judged.ledger, "reward", on=[judged.scene.outputs["train"]["run"]], judge=judged.judge("ann", "claude-3-opus")
    )
    assert [("judge-family", "fail")] == stopping(judged.gate(judged.preferred(judged.judge("bob", "claude-3-haiku"))))


def test_unqualified_and_expired_judges_block(judged: Judged) -> None:
    """No licence, or one that has run out since the evaluation."""
    result = judged.gate(judged.preferred(judged.judge("bob", "claude-3", days=0)))
    assert [("judge-licence", "unsure")] == stopping(result)
    claim = judged.preferred(judged.judge("carl", "mistral-large", days=3))
    judged.scene.now += timedelta(days=4)
    late = judged.gate(claim)
    assert [("judge-licence", "unsure")] == stopping(late)
    assert "ran out on" in next(v for v in late.verdicts if v.blocks).summary


def test_too_many_unscored_pairs_block(judged: Judged) -> None:
    """The gate has a limit of its own, whatever the evaluation allowed."""
    bob = judged.judge("bob", "claude-3")
    assert [("judge-coverage", "unsure")] == stopping(judged.gate(judged.preferred(bob, unscored=0.08)))
    assert [] == stopping(judged.gate(judged.preferred(bob, unscored=0.08), unscored=0.1))


def test_a_rubric_alone_decides_nothing(judged: Judged) -> None:
    """A claim by a rubric wants a preference without one beside it; outcomes are there in this scene."""
    rubric = judged.rubric()
    bob, plain = judged.judge("bob", "claude-3", rubric=rubric), judged.judge("carl", "mistral-large")
    alone = judged.gate(judged.preferred(bob, rubric=rubric))
    assert [("missing-evidence", "fail")] == stopping(alone)
    assert "a preference without a rubric" in next(v for v in alone.verdicts if v.blocks).summary
    both = judged.gate(judged.preferred(bob, rubric=rubric), judged.preferred(plain, suite="plain"))
    assert [] == stopping(both)


def test_a_spent_rubric_blocks(judged: Judged) -> None:
    """The same words that gave the reward do not decide."""
    rubric = judged.rubric()
    bob, plain = judged.judge("bob", "claude-3", rubric=rubric), judged.judge("carl", "mistral-large")
    record_use(judged.ledger, "reward", on=[judged.scene.outputs["train"]["run"]], rubric=judged.rubric("reward"))
    result = judged.gate(judged.preferred(bob, rubric=rubric), judged.preferred(plain, suite="plain"))
    assert [("spent-rubric", "fail")] == stopping(result)


def test_a_worse_preference_fails_and_a_margin_may_be_asked(judged: Judged) -> None:
    """Not preferred is no pass; where only not worse is asked, a margin decides."""
    bob = judged.judge("bob", "claude-3")
    assert [("preferred-over-base", "fail")] == stopping(judged.gate(judged.preferred(bob, wins=10, losses=80)))
    assert [("preferred-over-base", "unsure")] == stopping(judged.gate(judged.preferred(bob, wins=11, losses=10)))
    near = judged.gate(judged.preferred(bob, wins=11, losses=10, n=600), worst_drop={"helpful": 0.1})
    assert [] == stopping(near)


def test_a_waiver_may_answer_for_a_judge(judged: Judged) -> None:
    """A spent judge is a failure a person may answer for, with name, reason and end."""
    from headgate.gate.waivers import give

    bob = judged.judge("bob", "claude-3")
    claim = judged.preferred(bob)
    record_use(judged.ledger, "reward", on=[judged.scene.outputs["train"]["run"]], judge=bob)
    give(
        judged.ledger, rule="spent-judge", flow="support", name="Ann Lee", reason="no other judge reads Finnish",
        until=(judged.scene.now + timedelta(days=5)).date().isoformat(), now=judged.scene.now,
    )  # fmt: skip
    assert [] == stopping(judged.gate(claim))
