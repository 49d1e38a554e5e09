"""Real loops of a small policy: a reward that likes long answers is stopped for that reason, an honest one is not."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import headgate
from headgate.flow.walking import Walked
from headgate.rules.reward_states import open_stops
from headgate.stats.verdict import Outcome, Verdict

SOURCE = Path(__file__).parents[2] / "benchmarks" / "planted" / "reward"
pytestmark = [pytest.mark.training, pytest.mark.xdist_group("rewarded-loops")]


def iterating() -> Any:
    """The module of the benchmark that plants the loops."""
    if str(SOURCE) not in sys.path:
        sys.path.append(str(SOURCE))
    return importlib.import_module("iterating")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the policy that both loops begin with."""
    folder = tmp_path_factory.mktemp("begun") / "loop"
    iterating().begin(folder, rounds=1)
    return folder


def looped(kind: str, begun: Path, folder: Path) -> Walked:
    """Runs a loop and then the flow to its end."""
    shutil.copytree(begun, folder)
    iterating().iterate(kind, folder, rounds=1)
    return headgate.open(folder).run()


def verdicts(walked: Walked) -> dict[str, Verdict]:
    return {one.rule: one for step in walked.steps for one in step.result.verdicts}


def test_a_reward_that_likes_length_is_stopped(begun: Path, tmp_path: Path) -> None:
    """The candidate beats its base by far and would be released: that its outcome fell is the only reason why not."""
    walked = looped("hacked", begun, tmp_path / "loop")
    found = verdicts(walked)
    assert Outcome.FAIL is walked.outcome
    assert {"reward-stop"} == {one.rule for one in found.values() if one.blocks}
    assert Outcome.PASS is found["candidate-over-base"].outcome
    (length,) = (one for one in found["reward-stop"].details["drift"] if one["feature"] == "length")
    assert length["explained"] > 0.9
    with headgate.open(tmp_path / "loop").ledger() as ledger:
        assert 1 == len(open_stops(ledger))


def test_a_reward_that_checks_is_not(begun: Path, tmp_path: Path) -> None:
    """The same loop with a checker that errs in one of sixteen cases ends with a release."""
    walked = looped("honest", begun, tmp_path / "loop")
    found = verdicts(walked)
    assert "reward-stop" not in found
    assert Outcome.PASS is walked.outcome, walked.summary
    assert walked.release
