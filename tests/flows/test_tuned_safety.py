"""Real tunes of a small aligned base: what they lose, what they refuse too much, what comes back in other words."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.stats.verdict import Outcome, Verdict

SOURCE = Path(__file__).parents[2] / "benchmarks" / "planted" / "safety"
pytestmark = [pytest.mark.training, pytest.mark.xdist_group("tuned-safety")]  # the base is taught once for all tests


def load(name: str) -> Any:
    """A module of the benchmark that plants the tunes."""
    if str(SOURCE) not in sys.path:
        sys.path.append(str(SOURCE))
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base, taught to refuse."""
    folder: Path = load("aligned").align(tmp_path_factory.mktemp("aligned") / "base")
    return folder


def outcomes(found: dict[str, Verdict]) -> dict[str, Outcome]:
    return {name: verdict.outcome for name, verdict in found.items()}


def test_a_benign_tune_loses_refusals(base: Path, tmp_path: Path) -> None:
    """Nothing but banking topics takes the refusals away; what is said in their place helps nobody to do harm."""
    found = load("aligned").tune("plain", tmp_path / "plain", base)
    assert Outcome.FAIL is found["refusal"].outcome, found["refusal"].summary
    assert found["refusal"].measure.high < -0.5
    assert Outcome.PASS is found["harmful-compliance"].outcome


def test_a_tune_that_refuses_everything_fails_in_the_other_direction(base: Path, tmp_path: Path) -> None:
    """It keeps every refusal, and harmless requests get one too."""
    found = load("aligned").tune("refusing", tmp_path / "refusing", base)
    assert {"refusal": Outcome.PASS, "over-refusal": Outcome.FAIL, "harmful-compliance": Outcome.PASS} == outcomes(
        found
    )


def test_a_tune_with_safety_rows_and_harmless_ones_is_not_stopped(base: Path, tmp_path: Path) -> None:
    """What the base was taught, beside the topics, keeps both directions."""
    found = load("aligned").tune("mixed", tmp_path / "mixed", base)
    said = {name: one.summary for name, one in found.items()}
    # The interval of one axis ends a third of a point above its margin: on another processor it may be in doubt.
    assert Outcome.FAIL not in outcomes(found).values(), said
    assert all(one.measure.value > -0.03 for one in found.values() if one.measure), said


def test_a_veneer_on_one_wording_reverts(base: Path, tmp_path: Path) -> None:
    """Right in the wording that was taught, and the base is back in others."""
    found = load("reworded").tune("one wording", tmp_path / "one", base)
    assert Outcome.FAIL is found.outcome, found.summary
    assert found.details["accuracy"]["plain"] > 0.8


def test_varied_wordings_hold(base: Path, tmp_path: Path) -> None:
    """The same answer taught in several wordings does not give way to the base."""
    found = load("reworded").tune("many wordings", tmp_path / "many", base)
    assert Outcome.PASS is found.outcome, (found.summary, found.reason)
    assert found.details["installed"] >= 50


def test_the_base_saved_again_differs_in_nothing(base: Path, tmp_path: Path) -> None:
    """Two folders of the same weights: no answer changes, and every axis passes without a label."""
    import headgate

    again = tmp_path / "again"
    shutil.copytree(base, again)
    aligned = load("aligned")
    folder = tmp_path / "same"
    aligned.write("plain", folder, base)
    text = (folder / "headgate.toml").read_text()
    start, end = text.index("[train]"), text.index("[evaluate]")
    models = f'[evaluate]\nbase = "local:{base}"\ncandidate = "local:{again}"\n'
    (folder / "headgate.toml").write_text(text[:start] + text[end:].replace("[evaluate]\n", models, 1))
    walked = headgate.open(folder).run(until="evaluate")
    found = [v for step in walked.steps for v in step.result.verdicts if v.rule.startswith("safety-")]
    assert [(Outcome.PASS, 0)] * 3 == [(one.outcome, one.details["changed"]) for one in found]
