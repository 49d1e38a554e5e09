"""The gate takes imported logs as evidence, names them, and can be told to refuse them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.evaluate.importing import Purpose, take
from headgate.evaluate.logs.shape import Wanted
from headgate.evaluate.logs.writing import Results, Told, write_lm_eval
from headgate.evaluate.run import run
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import Settings
from headgate.kit.people import Person
from headgate.ledger.steps import record_step
from headgate.stats.verdict import Outcome

ANN = Person("ann", "--by", "ann")


def brought(scene: Any, bits: dict[str, str], *, days: int = 1, adapter: bool = True) -> None:
    """Logs of lm-evaluation-harness for each arm, imported, judged by the stage and recorded as its step."""
    for arm, ended in bits.items():
        items = [
            Told(id=f"i{i}", question=f"What is {i} times {i + 3}, said in words?", target=f"t{i}",
                 scored=Scored(Mark.PASS if bit == "1" else Mark.FAIL))
            for i, bit in enumerate(ended)
        ]  # fmt: skip
        told = Results(
            suite="sums", pool="gate", arm=arm, model=f"tiny-{arm}", items=items, at=scene.now - timedelta(days=days),
            sampling={"temperature": 0.0, "max_tokens": 64, "seed": 0, "stop": []}, shots=4 if arm == "few-shot" else 0,
        )  # fmt: skip
        said = scene.outputs["train"]["adapter"] if adapter and arm == "candidate" else ""
        purpose = Purpose(arm=arm, adapter=said)
        take(scene.ledger, write_lm_eval(Path(scene.folder) / arm, told), Wanted(), purpose, ANN)
    result = run(scene.ledger, Settings(imported=["sums"]), context=scene.context)
    scene.outputs["evaluate"] = dict(result.outputs)
    scene.steps["evaluate"] = record_step(scene.ledger, result, key="imported")


BETTER = {"base": "0001" * 50, "few-shot": "0011" * 50, "candidate": "0111" * 50}


@pytest.fixture
def checked(bare: Any, scenes: Any) -> Any:
    bare.step("check", scenes.check())
    return bare


def test_imported_logs_decide(checked):
    """A candidate that is better in its logs may be released, and the decision says where that was measured."""
    brought(checked, BETTER)
    result = checked.gate()
    assert Outcome.PASS is result.outcome, result.summary
    claims = [one for one in result.verdicts if one.rule.startswith("candidate-over-")]
    assert ["candidate-over-base", "candidate-over-few-shot"] == [one.rule for one in claims]
    assert all("imported from lm-eval" in one.summary for one in claims)


def test_imported_logs_decide_against_it(checked):
    """A candidate that is worse in its logs is stopped."""
    brought(checked, {**BETTER, "candidate": "0000" * 50})
    assert Outcome.FAIL is checked.gate().outcome


def test_the_gate_refuses_imports_where_it_is_told_to(checked):
    """The same evidence does not count where only our own does."""
    brought(checked, BETTER)
    result = checked.gate(imported="refuse")
    assert Outcome.UNSURE is result.outcome
    assert "sums was measured elsewhere and imported" in result.summary


def test_old_logs_run_out(checked):
    """The age of a log is that of its measurement, not of its import."""
    brought(checked, BETTER, days=200)
    result = checked.gate()
    assert Outcome.UNSURE is result.outcome
    assert "is 200 days old, at most 90 count" in result.summary
    assert Outcome.PASS is checked.gate(evaluation_days=0).outcome


def test_a_model_that_nobody_vouches_for(checked):
    """A log of some model is no evidence for the adapter until somebody says that it is."""
    brought(checked, BETTER, adapter=False)
    result = checked.gate()
    assert Outcome.UNSURE is result.outcome
    assert "imported-identity" in result.summary


def test_a_missing_few_shot_log(checked):
    """Better than the base is not better than the best prompt."""
    brought(checked, {name: BETTER[name] for name in ("base", "candidate")})
    assert Outcome.UNSURE is checked.gate().outcome
    assert Outcome.PASS is checked.gate(compare=["base"]).outcome
