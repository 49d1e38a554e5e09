"""Joint retraining: trained once on the rows of all, or a plan that is closed and says why."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_adapters import BASE, make_adapter

from headgate.fleet.composition.composing import Composed
from headgate.fleet.composition.joint import joint_maker, trained_jointly
from headgate.fleet.composition.matrix import judged
from headgate.fleet.composition.plans import Closed, plans_of
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.fingerprint import fingerprint_of
from headgate.stats.verdict import Outcome

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, Path]]]:
    """A project with two adapters, each trained on half of the topics' rows."""
    name = "headgate_train_scene"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "train/conftest.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    made = sys.modules[name]
    rows = made.requests("train")
    project = made.make_project(tmp_path_factory.mktemp("joint"), rows[:20], [])
    adapters = {}
    for key, some in (("a", rows[:20]), ("b", rows[20:40])):
        one = project.of(f"rows-{key}", some)
        result = one.train(steps=2 if key == "a" else 1, batch=8, save_every=0)
        adapters[key] = project.folder / result.outputs["adapter_path"]
    yield project, adapters
    project.ledger.close()


def test_it_is_trained_once_on_all_rows_and_hangs_below_both(trained: tuple[Any, dict[str, Path]]) -> None:
    """The union of both versions; the steps of both together; a run with a closure of its own."""
    project, adapters = trained
    result = trained_jointly(project.ledger, adapters, BASE, project.context)
    version = project.ledger.versions.get(project.ledger.node(result.outputs["run"]).body["plan"]["data"]["dataset"])
    assert (40, 3) == (len(version.splits["train"]), result.facts["steps"])
    above = {project.ledger.node(one.target_id).name for one in project.ledger.edges_from(version.node_id)}
    assert {"rows-a@1", "rows-b@1"} <= above


def test_the_maker_gives_an_adapter_of_the_base(trained: tuple[Any, dict[str, Path]], tmp_path: Path) -> None:
    """In a folder of its own; the ledger is the one that is named."""
    project, adapters = trained
    joint_maker(adapters, BASE, project.folder / ".headgate")(tmp_path / "joint")
    must_belong(tmp_path / "joint", BASE, fingerprint_of(BASE))
    assert adapter_mark(tmp_path / "joint").digest not in {adapter_mark(one).digest for one in adapters.values()}


def test_it_is_closed_where_runs_are_not_known_or_do_not_go_together(
    trained: tuple[Any, dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ledger, an adapter from elsewhere, another method, a start: the plan is left out, and others go on."""
    project, adapters = trained
    with pytest.raises(Closed, match="needs the ledger"):
        joint_maker(adapters, BASE, tmp_path / "none")(tmp_path / "joint")
    stranger = make_adapter(tmp_path / "stranger", seed=1)
    with pytest.raises(Closed, match="does not know the run"):
        trained_jointly(project.ledger, {**adapters, "c": stranger}, BASE, project.context)
    module = sys.modules[trained_jointly.__module__]
    plan_of = module._plan_of  # type: ignore[attr-defined]
    for changed, why in (({"method": "dpo"}, "different methods"), ({"start": "x"}, "from another adapter")):

        def other(ledger: Any, name: str, folder: Path, changed: Any = changed) -> Any:
            plan = dict(plan_of(ledger, name, folder))
            return {**plan, "settings": {**plan["settings"], **(changed if name == "b" else {})}}

        monkeypatch.setattr(module, "_plan_of", other)
        with pytest.raises(Closed, match=why):
            trained_jointly(project.ledger, adapters, BASE, project.context)


def test_safety_may_be_trained_in_and_an_empty_choice_is_a_doubt() -> None:
    """Joint training is no merge; plans of which none could be made are no pass."""
    (joint, stack) = plans_of(["joint", "stack"], 2)
    assert [0, 1] == [len(judged(one, [], "gate", {}, {}, ["a"])) for one in (joint, stack)]
    nothing = Composed(conflicts=(), alone={}, disagreement={}, tried=(), chosen=None, written=None)
    assert Outcome.SKIPPED is nothing.outcome
    assert Outcome.UNSURE is replace(nothing, tried=(object(),)).outcome  # type: ignore[arg-type]
