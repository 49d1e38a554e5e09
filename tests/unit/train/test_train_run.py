"""The stage train, from a frozen version to an adapter: learning, repeating, refusing, resuming."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.ledger.nodes import Edge
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.compatibility import compare
from headgate.models.engines.transformers_local import open_local
from headgate.models.fingerprint import fingerprint_of
from headgate.models.lora import updates_of
from headgate.models.model import Sampling
from headgate.rows.row import Message
from headgate.stats.verdict import Outcome
from headgate.train.closure import find_base, salted
from headgate.train.material import salt_of
from headgate.train.run import depends_on
from headgate.train.settings import Adapter, Settings
from headgate.train.starting import find_start

pytestmark = pytest.mark.training


def test_an_adapter_learns_and_says_what_it_was_made_from(project, base: Path) -> None:
    """Ten topics from 240 rows: nothing right before, most right after; the record is closed."""
    result = project.train(steps=30, learning_rate=5e-3)
    assert result.outcome is Outcome.PASS
    assert result.facts["loss_last"] < 0.25 * result.facts["loss_first"]

    items = project_items()
    folder = project.folder / result.outputs["adapter_path"]
    right = {}
    for name, adapter in (("base", None), ("adapter", folder)):
        answers = open_local(base, adapter=adapter).generate([p for p, _ in items], Sampling(max_tokens=16))
        right[name] = sum(a.text == wanted for a, (_, wanted) in zip(answers, items, strict=True))
    assert (right["base"], right["adapter"] >= 0.6 * len(items)) == (0, True)

    run = project.ledger.node(result.outputs["run"]).body
    assert run["plan"]["base"]["fingerprint"]["root"] == fingerprint_of(base).root
    assert run["plan"]["data"]["dataset"] == "requests@1"
    assert run["results"][0]["adapter"] == adapter_mark(folder).digest
    (shard,) = (project.folder / ".headgate" / "work" / "shards").glob("*.shard")
    assert run["plan"]["data"]["shard"] != f"b3:{shard.stem}"  # nobody can try texts for a row against what is kept
    assert run["plan"]["data"]["shard"] == salted(
        salt_of(project.ledger, run["plan"]["data"]["manifest"]), f"b3:{shard.stem}"
    )
    assert shard.stem not in json.dumps([one.body for one in project.ledger.find("run")])
    assert len(json.loads(project.ledger.content.get(run["results"][0]["loss_curve"]))) == 30
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "headgate.json",
    ]
    needed = {node.kind for node in project.ledger.closure(result.outputs["adapter"]).nodes}
    assert {"run", "base", "dataset-version"} <= needed


def project_items() -> list[tuple[tuple[dict[str, str], ...], str]]:
    """Held-out requests as prompts, with the topic that is right."""
    import csv

    path = Path(__file__).parents[2] / "fixtures/requests/requests.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [one for one in csv.DictReader(stream) if one["split"] == "test"]
    return [(({"role": "user", "content": one["text"]},), one["topic"]) for one in rows]


def test_an_adapter_of_the_head_holds_its_update_alone_and_one_of_embeddings_is_refused(project) -> None:
    """No copy of the base goes with it, so that it is served as any other."""
    made = project.train(steps=1, targets=["lm_head"])
    folder = project.folder / str(made.outputs["adapter_path"])
    assert ["lm_head"] == list(updates_of(folder))
    assert [] == [one.message for one in compare(folder, project.base).causes]
    with pytest.raises(Refused, match="neither served nor combined") as refused:
        project.train(steps=1, targets=["embed_tokens", "q_proj"])
    assert "targets names model.embed_tokens" == refused.value.found


def test_a_release_is_a_start(project) -> None:
    """People know the name of what they released; an alias moves, and is refused."""
    made = project.train(steps=1)
    edges = [Edge("derived-from", made.outputs["run"]), Edge("derived-from", made.outputs["adapter"])]
    release = project.ledger.record("release", "x@1", {}, edges=edges)
    base = find_base(project.ledger, str(project.base), project.folder)
    for text in ("x@1", release):
        start = find_start(project.ledger, text, base, project.folder / ".headgate/work")
        assert start is not None
        assert made.outputs["adapter"] == start.node_id
    with pytest.raises(Refused, match="no such adapter to go on from"):
        find_start(project.ledger, "production", base, project.folder / ".headgate/work")


def test_the_same_closure_gives_the_same_tensors(project) -> None:
    """Twice the same plan, twice the same bytes; another seed gives others. Dropout is included."""
    shape = Adapter(rank=4, alpha=8.0, dropout=0.1)
    first, again, other = (project.train(steps=4, adapter=shape, seeds=[seed]) for seed in (1, 1, 2))
    assert first.facts["adapter"] == again.facts["adapter"] != other.facts["adapter"]
    assert (first.facts["plan"] == again.facts["plan"], first.facts["plan"] == other.facts["plan"]) == (True, False)
    assert [one.facts["same_as_earlier_runs"] for one in (first, again, other)] == [None, True, None]


def test_a_row_without_a_lesson_stops_the_run_before_a_model_is_loaded(maker, tmp_path: Path, monkeypatch) -> None:
    """The verdict fails, the failed run is recorded, and no engine is opened."""
    rows = maker.requests("train")[:20]
    rows[7] = replace(rows[7], messages=(rows[7].messages[0], Message("assistant", "x", weight=0.0)))
    project = maker.make_project(tmp_path, rows)
    monkeypatch.setattr("headgate.train.training.open_door", lambda _: pytest.fail("an engine was opened"))
    result = project.train()
    project.ledger.close()
    assert (result.outcome, result.verdicts[0].rule) == (Outcome.FAIL, "pre-flight")
    assert result.verdicts[0].findings[0].row == rows[7].id
    assert "adapter" not in result.outputs


def test_failed_runs_are_recorded_and_named_by_the_next(project) -> None:
    """What did not work is part of the record of what did."""
    with pytest.raises(Refused, match="cannot be put on this base"):
        project.train(targets=["no_such_module"])
    result = project.train(steps=2)
    run = project.ledger.node(result.outputs["run"]).body
    failed = project.ledger.node(run["history"]["failed_runs"][0]).body
    assert (failed["outcome"], "no_such_module" in failed["why"]) == ("fail", True)


KILLED = """
import contextlib, importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("project_maker", sys.argv[1])
maker = importlib.util.module_from_spec(spec)
sys.modules["project_maker"] = maker
spec.loader.exec_module(maker)
import headgate.train.training as training
from headgate.train.run import depends_on
from headgate.train.settings import Adapter, Settings
from headgate.train.starting import find_start
from pathlib import Path

done = 0

def advance(steps):
    global done
    done += steps
    if done >= 8:
        os.kill(os.getpid(), signal.SIGKILL)

@contextlib.contextmanager
def progress(*_, **__):
    yield advance

training.progress = progress
project = maker.make_project(Path(sys.argv[2]), maker.requests("train")[:64])
project.train(steps=10, save_every=3, adapter=Adapter(rank=4, alpha=8.0, dropout=0.1))
"""


def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(maker, tmp_path: Path) -> None:
    """kill -9 in step 8: the rerun starts at step 6 and ends with the bytes of a run that was never killed."""
    shape = Adapter(rank=4, alpha=8.0, dropout=0.1)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir(), whole.mkdir()
    child = subprocess.run(
        [sys.executable, "-c", KILLED, maker.__file__, str(killed)],
        env=dict(os.environ),  # the plan records what variables say: both processes must see the same
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()

    again = maker.open_project(killed, "requests@1")
    torn = next((again.context.work / "runs").glob("*/seed-0")) / "checkpoint-7"
    torn.mkdir()
    (torn / "adapter_model.safetensors").write_bytes(b"half a file")
    resumed = again.train(steps=10, save_every=3, adapter=shape)
    run = again.ledger.node(resumed.outputs["run"]).body
    interrupted = again.ledger.node(run["history"]["failed_runs"][0]).body
    again.ledger.close()

    fresh = maker.make_project(whole, maker.requests("train")[:64])
    uninterrupted = fresh.train(steps=10, save_every=3, adapter=shape)
    fresh.ledger.close()
    assert (resumed.facts["resumed_from"], uninterrupted.facts["resumed_from"]) == (6, 0)
    assert [True, False] == ["gone on from step 6" in one.summary for one in (resumed, uninterrupted)]
    assert resumed.facts["adapter"] == uninterrupted.facts["adapter"]
    curves = [curve_of(killed, resumed.outputs["run"], maker), curve_of(whole, uninterrupted.outputs["run"], maker)]
    assert curves[0] == curves[1]
    assert interrupted["outcome"] == "interrupted"
    assert not (again.context.work / "runs" / resumed.facts["plan"][3:15]).exists()


def curve_of(folder: Path, run: str, maker) -> bytes:
    """A run's loss curve."""
    project = maker.open_project(folder, "requests@1")
    curve = project.ledger.content.get(project.ledger.node(run).body["results"][0]["loss_curve"])
    project.ledger.close()
    return bytes(curve)


def test_seeds_are_all_recorded_and_one_is_chosen_by_the_rule_set_before(project) -> None:
    """The choice and what it was made on are part of the closure."""
    result = project.train(steps=3, seeds=[5, 6], choose="lowest-loss", choose_on="held", save_every=0)
    run = project.ledger.node(result.outputs["run"]).body
    losses = [one["held_loss"] for one in run["results"]]
    best = [5, 6][losses.index(min(losses))]
    assert (run["choice"]["chosen"], run["choice"]["looked_at"]) == (best, "held")
    assert run["choice"]["held_losses"] == losses
    assert len(project.ledger.find("adapter")) == 2
    assert project.ledger.node(result.outputs["adapter"]).body["seed"] == best


def test_a_step_in_parts_is_the_same_step(project) -> None:
    """Cutting a batch for memory changes rounding only: the loss is that of the whole batch."""
    whole, parts = (project.train(steps=3, micro_batch=size, save_every=0) for size in (0, 4))
    assert parts.facts["loss_first"] == pytest.approx(whole.facts["loss_first"], rel=1e-5)
    assert parts.facts["loss_last"] == pytest.approx(whole.facts["loss_last"], rel=1e-3)


def test_weights_reach_the_loss(maker, tmp_path: Path) -> None:
    """An answer of weight 0.0 beside one of weight 1.0 leaves no trace in the adapter."""
    rows = maker.requests("train")[:16]

    def with_turn(text: str, weight: float | None) -> list:
        turn = (Message("user", "Hello"), Message("assistant", text, weight=weight))
        return [replace(row, messages=(*row.messages, *turn)) for row in rows]

    losses = {}
    for name, made in (("a", with_turn("one", 0.0)), ("b", with_turn("two", 0.0)), ("c", with_turn("one", None))):
        folder = tmp_path / name
        folder.mkdir()
        project = maker.make_project(folder, made)
        result = project.train(steps=1, batch=16, save_every=0)
        losses[name] = (result.facts["loss_first"], result.facts["learned_tokens"])
        project.ledger.close()
    # The turn comes after what is learned, so its words cannot change the loss of the earlier answer.
    assert losses["a"] == pytest.approx(losses["b"], rel=1e-6)
    assert losses["c"][1] > losses["a"][1]
    assert losses["c"][0] != pytest.approx(losses["a"][0], rel=1e-3)


def test_a_training_that_diverges_gives_no_adapter(project) -> None:
    """A loss that is no number ends the run with what to change, and the run is on record."""
    with pytest.raises(Refused, match="training diverged"):
        project.train(steps=6, learning_rate=1e18, clip=1e18, warmup=0.0, save_every=0)
    assert [node.body["outcome"] for node in project.ledger.find("run")] == ["fail"]
    assert project.ledger.find("adapter") == []


def test_a_lost_adapter_is_noticed(project) -> None:
    """The flow trains again when the folder that it would hand on is gone or damaged."""
    settings = Settings(base=str(project.base), steps=2, batch=16, save_every=0)
    result = project.train(steps=2, save_every=0)
    whole = depends_on(project.ledger, settings, project.context)
    tensors = project.folder / result.outputs["adapter_path"] / "adapter_model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"\x01")
    damaged = depends_on(project.ledger, settings, project.context)
    assert (len(whole["gone"]), len(damaged["gone"])) == (0, 1)


def test_a_changed_base_is_refused_by_name(project, base: Path, tmp_path: Path) -> None:
    """A base known by name must still be what the ledger recorded."""
    copy = tmp_path / "bases" / "tiny"
    copy.mkdir(parents=True)
    for path in base.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    by_path = project.train(base="bases/tiny", steps=1, save_every=0)
    by_name = project.train(base="tiny", steps=1, save_every=0)
    assert by_path.facts["adapter"] == by_name.facts["adapter"]

    template = copy / "chat_template.jinja"
    template.write_text(template.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(Refused, match="the base tiny was changed") as refused:
        project.train(base="tiny", steps=1)
    assert refused.value.found == "differs in template"
    with pytest.raises(Refused, match="no such base"):
        project.train(base="other", steps=1)


def test_the_same_tensors_for_another_base_do_not_take_its_record(project, base: Path, tmp_path: Path) -> None:
    """A template that was changed where no row goes: each adapter still belongs to the base that it was made for."""
    other = Path(shutil.copytree(base, tmp_path / "other"))
    template = other / "chat_template.jinja"
    template.write_text(template.read_text(encoding="utf-8") + "{# tools come later #}", encoding="utf-8")
    first, second, again = (project.train(steps=2, base=str(one)) for one in (base, other, other))
    folders = [project.folder / one.outputs["adapter_path"] for one in (first, second, again)]
    assert adapter_mark(folders[0]) == adapter_mark(folders[1])
    assert (folders[1], True) == (folders[2], folders[0] != folders[1])
    for folder, own in zip(folders, (base, other, other), strict=True):
        must_belong(folder, own, fingerprint_of(own))
