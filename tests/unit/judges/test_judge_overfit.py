"""A naive rubric that is learned is found out; honest improvement passes; a criterion that a cue moves is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headgate.evaluate.overfitting import gameable, judge_overfit, read_grades
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.judges.asking import JudgeDesk
from headgate.models.judges.settings import CriterionSettings, RubricSettings
from headgate.testing.fake_endpoint import FakeEndpoint
from headgate.testing.judges import grader

CRITERIA = {
    "source": {"aspect": "presence", "weight": 1.0},
    "whole": {"aspect": "completeness", "weight": 1.0},
    "right": {"aspect": "correctness", "weight": 1.0},
}
Grade = Callable[[np.random.Generator, str, str, str], float]


def graded(path: Path, grade: Grade, items: int = 300, seed: int = 0) -> Path:
    """Grades of every item, by the judge that trained and by one of another family."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(items):
        ability = {name: rng.random() for name in CRITERIA}
        for checkpoint in ("before", "after"):
            for role in ("train", "eval"):
                noise = np.random.default_rng([seed, i, len(checkpoint), len(role)])
                marks = {
                    name: "met" if ability[name] + 0.05 * noise.standard_normal() < grade(noise, name, checkpoint, role)
                    else "not met" for name in CRITERIA
                }  # fmt: skip
                lines.append(
                    {"item": f"q{i}", "checkpoint": checkpoint, "role": role, "judge": role, "criteria": marks}
                )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def naive(_: np.random.Generator, name: str, checkpoint: str, role: str) -> float:
    """Learns to mention a source and to look whole: the training judge credits it, the other does not."""
    if checkpoint == "before":
        return 0.5
    gain = {"source": 0.45, "whole": 0.3, "right": -0.12}[name]
    return 0.5 + (gain if role == "train" or name == "right" else min(gain, 0.08))


def honest(_: np.random.Generator, name: str, checkpoint: str, role: str) -> float:
    """More right answers, seen alike by both judges."""
    return 0.5 if checkpoint == "before" or name != "right" else 0.7


def same(_: np.random.Generator, name: str, checkpoint: str, role: str) -> float:
    """Nothing changed."""
    return 0.5


def outcomes(path: Path, grade: Grade, **options: int) -> dict[str, str]:
    return {
        one.rule: one.outcome.value for one in judge_overfit(read_grades([graded(path, grade, **options)]), CRITERIA)
    }


def test_a_rubric_that_was_learned_fails_all_three(tmp_path: Path) -> None:
    """The training score rises; gap, exploitation and the criteria say why that is nothing."""
    found = outcomes(tmp_path / "g.jsonl", naive)
    assert {"rubric-gap": "fail", "exploitation": "fail", "criteria-gained": "fail"} == found


def test_honest_improvement_passes_all_three(tmp_path: Path) -> None:
    """More correct answers under both rubrics are no gaming."""
    found = outcomes(tmp_path / "g.jsonl", honest)
    assert {"rubric-gap": "pass", "exploitation": "pass", "criteria-gained": "pass"} == found


def test_false_alarms_are_rare_where_nothing_changed(tmp_path: Path) -> None:
    """Of twenty evaluations without any change at most two fail at anything."""
    failed = sum("fail" in outcomes(tmp_path / "g.jsonl", same, items=100, seed=seed).values() for seed in range(20))
    assert failed <= 2


def test_few_prompts_are_a_doubt(tmp_path: Path) -> None:
    """Ten prompts tell neither that there is a gap nor that there is none."""
    found = outcomes(tmp_path / "g.jsonl", honest, items=10)
    assert "unsure" == found["rubric-gap"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"item": ""}, "not a grade: no item"),
        ({"role": "both"}, "not a grade: role is 'both'"),
        ({"checkpoint": "later"}, "not a grade: checkpoint is 'later'"),
        ({"criteria": {}}, "not a grade: criteria are no object"),
        ({"criteria": {"source": 7}}, "the mark of 'source'"),
    ],
)
def test_bad_grades_stop_with_their_line(tmp_path: Path, change: dict, what: str) -> None:
    """File and line of the first line that is no grade."""
    good = {"item": "q", "checkpoint": "before", "role": "train", "judge": "a", "criteria": {"source": 1}}
    path = tmp_path / "g.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps({**good, "item": "r", **change}) + "\n")
    with pytest.raises(Refused) as caught:
        read_grades([path])
    assert (what, str(path), 2) == (caught.value.what, caught.value.file, caught.value.line)
    path.write_text((json.dumps(good) + "\n") * 2)
    with pytest.raises(Refused, match="the same grade twice"):
        read_grades([path])


def test_who_trained_does_not_check_itself(tmp_path: Path) -> None:
    """One judge on both sides would agree with what it taught; the line on which it changes sides is named."""
    path = graded(tmp_path / "grades.jsonl", naive, items=2)
    path.write_text(path.read_text().replace('"judge": "eval"', '"judge": "train"'))
    with pytest.raises(Refused, match="one judge on both sides") as refused:
        read_grades([path])
    assert ("train", True) == (refused.value.found, (refused.value.line or 0) > 1)


def test_a_criterion_that_a_cue_moves_is_gameable(
    serve: Callable[..., FakeEndpoint], desk: Callable[..., JudgeDesk], ledger: Ledger
) -> None:
    """'Mentions a source' falls for a mere "according to"; a criterion of substance does not move."""
    rubric = RubricSettings(
        criteria={"source": CriterionSettings(text="Mentions a source."), "right": CriterionSettings(text="Is right.")}
    )
    node = ledger.node(ledger.record("rubric", "naive", rubric.body()))
    policy = grader(lambda name, answer: "ccording to" in answer if name == "source" else "7" in answer)
    answers = [(f"q{i}", f"What is {i}?", f"It is {i}.") for i in range(40)]
    found = {one.details["criterion"]: one for one in gameable(desk(serve(policy)), node, answers)}
    assert ("fail", 1.0) == (found["source"].outcome.value, found["source"].measure.value)
    assert 100.0 == found["source"].details["cues"]["policy"] == found["source"].details["cues"]["authority"]
    assert 0.0 == found["right"].measure.value and "fail" != found["right"].outcome.value
    plain = ledger.node(ledger.record("rubric", "plain", RubricSettings().body()))
    with pytest.raises(Refused, match="no criteria to probe"):
        gameable(desk(serve(policy), "bob"), plain, answers)
