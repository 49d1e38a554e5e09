"""Preferred answers, judged answers and rewards: learning, repeating, going on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.kit.errors import Refused
from headgate.ledger.steps import StepResult
from headgate.stats.verdict import Outcome
from headgate.train.settings import Adapter, Grpo

pytestmark = [pytest.mark.training, pytest.mark.xdist_group("train-methods")]  # they share one tuned adapter

SHAPE = Adapter(rank=4, alpha=8.0)
REWARDED = Grpo(rewards=["exact", "python:shorter.py:shorter"], generations=4, answer_tokens=8)
SHORTER = "def shorter(prompt, answer, reference):\n    return float(len(answer) <= len(reference)) / 10\n"
GIVEN: dict[str, dict[str, Any]] = {
    "dpo": {"steps": 16, "learning_rate": 5e-3, "batch": 16},
    "kto": {"steps": 4, "learning_rate": 1e-2, "batch": 16},
    "grpo": {"steps": 4, "learning_rate": 1e-3, "batch": 2, "grpo": REWARDED},
}


def train(project: Any, method: str, start: str, **more: Any) -> StepResult:
    """Preferences and rewards go on from a tuned adapter; judged answers begin with a fresh one."""
    begin = {} if method == "kto" else {"start": start}
    result: StepResult = project.train(method=method, **begin, **GIVEN[method], **more)
    return result


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModuleType, Any, StepResult]]:
    """A project with rows for every method, and an adapter that knows some topics."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("methods_maker", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    sys.modules["methods_maker"] = maker
    spec.loader.exec_module(maker)
    folder = tmp_path_factory.mktemp("methods")
    project = maker.make_project(folder, maker.requests("train"))
    (folder / "shorter.py").write_text(SHORTER)
    tuned = project.train(steps=16, learning_rate=5e-3, adapter=SHAPE, save_every=0)
    for method in GIVEN:
        rows_of(maker, project, method)
    project.ledger.close()
    shutil.copytree(folder, folder.with_name("methods-killed"))
    project = maker.open_project(folder, "requests@1")
    yield maker, project, tuned
    project.ledger.close()


def rows_of(maker: ModuleType, project: Any, method: str) -> Any:
    """The project's dataset version for a method."""
    if method == "dpo":
        return project.of("pairs", maker.pairs())
    return project.of("judged", maker.judged()) if method == "kto" else project


@pytest.fixture(scope="module")
def trained(world: tuple[ModuleType, Any, StepResult]) -> dict[str, StepResult]:
    """One uninterrupted run of each method that goes on from the tuned adapter, with checkpoints."""
    maker, project, tuned = world
    return {
        method: train(rows_of(maker, project, method), method, tuned.outputs["adapter"], save_every=2)
        for method in GIVEN
    }


def test_each_method_moves_what_it_is_meant_to_move(trained: dict[str, StepResult], world) -> None:
    """Margins between better and worse answers rise; rewards of drawn answers are measured in every step."""
    _, project, tuned = world
    assert {one.outcome for one in trained.values()} == {Outcome.PASS}
    margins = {}
    for method in ("dpo", "kto"):
        body = project.ledger.node(trained[method].outputs["run"]).body["results"][0]
        first, *later = json.loads(project.ledger.content.get(body["loss_curve"]))["rewards/margins"]
        margins[method] = (first, sum(later[-8:]) / len(later[-8:]))
    assert {name: (pytest.approx(0.0, abs=1e-6), True) for name in margins} == {
        name: (first, later > 0.05) for name, (first, later) in margins.items()
    }, margins
    body = project.ledger.node(trained["grpo"].outputs["run"]).body["results"][0]
    curve = json.loads(project.ledger.content.get(body["loss_curve"]))
    measured = [len(curve[name]) for name in ("reward", "rewards/exact/mean")]
    assert (measured, max(curve["reward"]) > 0) == ([4, 4], True)
    assert len({one.facts["adapter"] for one in trained.values()} | {tuned.facts["adapter"]}) == 4


def test_the_closure_names_start_rewards_and_references(trained: dict[str, StepResult], world) -> None:
    """The adapter gone on from, the user's own function by its hash, and what answers were held against."""
    _, project, tuned = world
    run = project.ledger.node(trained["grpo"].outputs["run"]).body
    assert (run["method"], run["plan"]["engine"]["name"]) == ("grpo", "trl")
    assert run["plan"]["start"]["adapter"] == tuned.facts["adapter"]
    exact, shorter = run["plan"]["rewards"]
    assert (exact["name"], shorter["file"], shorter["digest"][:3]) == ("exact", "shorter.py", "b3:")
    assert run["plan"]["references"].startswith("b3:")
    needed = {node.id for node in project.ledger.closure(trained["grpo"].outputs["adapter"]).nodes}
    assert tuned.outputs["adapter"] in needed


@pytest.mark.parametrize("method", ["dpo", "kto", "grpo"])
def test_the_same_closure_gives_the_same_tensors(method: str, trained: dict[str, StepResult], world) -> None:
    """Twice the same plan, twice the same bytes; without checkpoints it is another plan with the same bytes."""
    maker, project, tuned = world
    again = train(rows_of(maker, project, method), method, tuned.outputs["adapter"], save_every=0)
    assert again.facts["adapter"] == trained[method].facts["adapter"]


KILLED = """
import contextlib, importlib.util, os, signal, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("methods_maker", sys.argv[1])
maker = importlib.util.module_from_spec(spec)
sys.modules["methods_maker"] = maker
spec.loader.exec_module(maker)
import headgate.train.engines.transformers_sft, headgate.train.engines.trl_methods
import headgate.train.training as training
import test_train_methods as tests

done = 0

def advance(steps):
    global done
    done += steps
    if done >= 3:
        os.kill(os.getpid(), signal.SIGKILL)

@contextlib.contextmanager
def progress(*_, **__):
    yield advance

training.progress = progress
for method in ("dpo", "kto", "grpo"):
    child = os.fork()
    if child == 0:
        project = maker.open_project(Path(sys.argv[2]), "requests@1")
        tests.train(tests.rows_of(maker, project, method), method, sys.argv[3], save_every=2)
        os._exit(7)
    print(method, os.waitpid(child, 0)[1], flush=True)
"""


def test_runs_that_were_killed_go_on_to_the_same_bytes(trained: dict[str, StepResult], world) -> None:
    """kill -9 in step 3 of each method: the rerun starts at step 2 and ends with the bytes of a whole run."""
    maker, project, tuned = world
    folder, start = project.folder.with_name("methods-killed"), tuned.outputs["adapter"]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), environment.get("PYTHONPATH", "")])
    child = subprocess.run(
        [sys.executable, "-c", KILLED, maker.__file__, str(folder), start],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    ends = dict(line.split() for line in child.stdout.splitlines())
    assert ends == dict.fromkeys(GIVEN, str(int(signal.SIGKILL))), child.stderr
    again = maker.open_project(folder, "requests@1")
    for method in GIVEN:
        resumed = train(rows_of(maker, again, method), method, start, save_every=2)
        assert (method, resumed.facts["resumed_from"]) == (method, 2)
        assert (method, resumed.facts["adapter"]) == (method, trained[method].facts["adapter"])
        assert resumed.facts["measures"] == trained[method].facts["measures"]
        run = again.ledger.node(resumed.outputs["run"]).body
        failed = again.ledger.node(run["history"]["failed_runs"][-1]).body
        assert (failed["outcome"], failed["why"]) == ("interrupted", "at step 2")
    again.ledger.close()


def test_weights_between_none_and_all_reach_the_loss_of_pairs(world) -> None:
    """Answers at half weight move the margin half as far in the first step that has one."""
    from dataclasses import replace

    maker, project, _ = world
    rows = maker.pairs()[:8]

    def weighing(weight: float | None) -> list:
        def turned(turn: Any) -> Any:
            return replace(turn, weight=weight)

        return [
            replace(row, chosen=tuple(map(turned, row.chosen)), rejected=(tuple(map(turned, row.rejected[0])),))
            for row in rows
        ]

    found = {}
    for name, weight in (("whole", None), ("half", 0.5)):
        chosen = project.of(f"weighted-{name}", weighing(weight))
        result = chosen.train(method="dpo", steps=1, batch=8, save_every=0, adapter=SHAPE)
        found[name] = result.facts["measures"]["logps/chosen"][0]
    assert found["half"] == pytest.approx(found["whole"] / 2, rel=1e-5)


def test_a_base_that_is_never_right_is_told_to_begin_with_demonstrations(world) -> None:
    """Rewards that never differ teach nothing: no adapter, and the run is on record."""
    _, project, _ = world
    before = len(project.ledger.find("adapter"))
    with pytest.raises(Refused, match="nothing was learned"):
        project.train(method="grpo", steps=1, batch=2, save_every=0, grpo=Grpo(rewards=["exact"], generations=2))
    assert len(project.ledger.find("adapter")) == before
    assert project.ledger.find("run")[-1].body["outcome"] == "fail"


def test_an_adapter_of_nobody_is_refused_as_a_start(world) -> None:
    """The name must be in the ledger."""
    _, project, _ = world
    with pytest.raises(Refused, match="no such adapter to go on from"):
        project.train(start="somebody-else")


def test_another_version_of_the_library_is_refused(world, monkeypatch) -> None:
    """What the engine was not held against is not tried."""
    from headgate.train.engines import trl_shim

    maker, project, _ = world
    monkeypatch.setattr(trl_shim.trl, "__version__", "2.0.0")
    with pytest.raises(Refused, match="this version of TRL is not known"):
        rows_of(maker, project, "dpo").train(method="dpo", steps=1, batch=8)


def test_nothing_is_sent_anywhere(world, monkeypatch) -> None:
    """TRL reports every trainer to a hub; ours reports to nobody."""
    import trl.trainer.base_trainer as trl_base

    maker, project, _ = world
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(trl_base, "send_telemetry", lambda **_: pytest.fail("a message left the machine"))
    result = rows_of(maker, project, "dpo").train(method="dpo", steps=1, batch=4, save_every=0, adapter=SHAPE)
    assert result.outcome is Outcome.PASS
