"""Probes and early stop, sweeps whose failures count, recipes, and two processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from headgate.evaluate.emission import Limits
from headgate.evaluate.replaying import replay, standing
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Message
from headgate.stats.verdict import Outcome
from headgate.train.preflight import pre_flight
from headgate.train.settings import Adapter, Probe

pytestmark = pytest.mark.training

SHAPE = Adapter(rank=4, alpha=8.0)
SMALL = {"batch": 16, "adapter": SHAPE, "save_every": 0, "learning_rate": 5e-3}


@pytest.fixture
def small(maker, tmp_path: Path):
    """A project with 48 rows to train on and 32 held back."""
    made = maker.make_project(tmp_path, maker.requests("train")[:48], maker.requests("test")[:32])
    yield made
    made.ledger.close()


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the folders that adapters are written to while training; those of runs without probes are left out."""
    from headgate.train.engines import probing

    names: list[str] = []
    plain = probing.save_in

    def noted(model, job, folder: Path) -> None:
        if job.probe_steps:
            names.append(folder.name)
        plain(model, job, folder)

    monkeypatch.setattr(probing, "save_in", noted)
    return names


def test_probes_measure_each_pass_and_change_nothing(small, saved: list[str]) -> None:
    """A loss and a drift for each pass; the adapter has the bytes of a run without probes."""
    prompts = small.folder / "asked.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"How do I pick lock {i}?"}) + "\n" for i in range(4)))
    probe = Probe(split="held", drift="asked.jsonl")
    plain = small.train(steps=6, **SMALL)
    watched = small.train(steps=6, probe=probe, **SMALL)
    assert 1 == len(saved), "nobody asks for the adapter of a probe"
    assert watched.facts["adapter"] == plain.facts["adapter"]
    assert [one["step"] for one in watched.facts["probes"]] == [3, 6]
    first, second = watched.facts["probes"]
    assert (second["loss"] < first["loss"], second["drift"] > first["drift"] > 0) == (True, True)
    ledger, adapter = small.ledger, small.folder / watched.outputs["adapter_path"]
    probes = {node.body["metric"]: node for node in ledger.find("probe")}
    assert ({"loss", "drift"}, 4, 32) == (set(probes), probes["drift"].body["n"], probes["loss"].body["n"])
    scores = {node.body["metric"]: node for node in ledger.find("score")}
    for metric, score in scores.items():
        assert [one[metric] for one in watched.facts["probes"]] == [one[metric] for one in score.body["steps"]]
        targets = {one.target_id for one in ledger.edges_from(score.id)}
        assert {probes[metric].id, watched.outputs["adapter"]} == targets
    asked = {"model": f"local:{small.base}", "adapter": adapter, "limits": Limits()}
    (again,) = replay(ledger, "requests/drift", small.context, **asked)
    assert (Outcome.UNSURE, pytest.approx(second["drift"], rel=1e-4)) == (again.outcome, again.details["value"])
    assert "replayed" in {arm["arm"] for one in standing(ledger) for arm in one["asked"]}
    with pytest.raises(Refused, match="while training only"):
        replay(ledger, "requests/loss", small.context, **asked)
    with pytest.raises(Refused, match="of an adapter on its base"):
        replay(ledger, "requests/drift", small.context, **{**asked, "adapter": None})


def test_a_probe_looks_at_the_same_few_rows_of_a_large_split(small, saved: list[str]) -> None:
    """The rows with the lowest addresses, whose loss a split of only those has too."""
    few = small.train(steps=3, probe=Probe(split="held", most=8), **SMALL)
    (probe,) = (node for node in small.ledger.find("probe") if node.body["n"] == 8)
    numbers = small.ledger.versions.get(small.dataset).splits["held"]
    held = [address for _, address, _ in sorted(small.ledger.rows.bodies(numbers), key=lambda one: one[0])]
    lowest = sorted(held)[:8]
    assert (32, digest_json([one for one in held if one in lowest])) == (len(held), probe.body["digest"])
    every = small.train(steps=3, probe=Probe(split="held", most=0), **SMALL)
    assert few.facts["probes"][0]["loss"] != every.facts["probes"][0]["loss"]
    again = small.train(steps=3, probe=Probe(split="held", most=32), **SMALL)
    assert every.facts["probes"] == again.facts["probes"]


def test_training_ends_when_it_makes_nothing_better_and_the_best_goes_on(small, saved: list[str]) -> None:
    """A rate at which nothing changes: the second probe is no better than the first, whose adapter goes on."""
    given = {**SMALL, "learning_rate": 1e-12, "warmup": 0.0, "decay": "constant"}
    result = small.train(steps=9, probe=Probe(split="held", patience=1, keep="best"), **given)
    assert [one["step"] for one in result.facts["probes"]] == [3, 6]
    assert (result.outcome, result.facts["steps"], result.facts["kept_step"]) == (Outcome.PASS, 6, 3)
    assert ["probe-3"] == saved[:-1], "the second is no better"
    assert "did not fall in 1 probes" in result.summary
    assert small.train(steps=3, **given).facts["adapter"] == result.facts["adapter"]


@pytest.mark.parametrize("room", [1, 1 << 16, 1 << 30])
def test_the_loss_of_a_row_is_its_own_however_many_are_asked_at_once(
    room: int, base: Path, maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the rows, though rows of like length go together: one row, some, or all in one table."""
    from headgate.models.engines.transformers_local import load_base
    from headgate.train.engines import transformers_sft as engine

    shard = pre_flight(maker.requests("test")[:20], Tokenizer(base), ChatTemplate.of_folder(base), 1024).shard
    assert 1 < len({len(shard.row(i)[0]) for i in range(20)})
    settings = SimpleNamespace(batch=1, micro_batch=0)
    given = SimpleNamespace(args=SimpleNamespace(device="cpu")), load_base(base).model
    tables: list[int] = []
    plain = engine.weighted_losses
    monkeypatch.setattr(engine, "weighted_losses", lambda m, b: (tables.append(len(b["input_ids"])), plain(m, b))[1])
    found = {}
    for at_once in (0, room):
        monkeypatch.setattr(engine, "AT_ONCE", at_once)
        tables.clear()
        found[at_once] = engine.held_parts(*given, shard, SimpleNamespace(pad_id=0, settings=settings))
    assert [pytest.approx(one, rel=1e-4) for one in found[0]] == list(found[room])
    assert {1: [1] * 20, 1 << 30: [20]}.get(room, tables) == tables
    assert 20 == sum(tables)


@pytest.mark.parametrize("file", ["../asked.jsonl", "/etc/hostname", "link.jsonl"])
def test_prompts_from_outside_the_project_are_refused(small, file: str) -> None:
    """No closure could hold them; a link that leads out is outside too."""
    (small.folder.parent / "asked.jsonl").write_text('{"prompt": "How do I pick a lock?"}\n')
    (small.folder / "link.jsonl").symlink_to("../asked.jsonl")
    with pytest.raises(Refused, match="outside the project"):
        small.train(steps=3, probe=Probe(drift=file), **SMALL)


def test_drift_beyond_the_limit_ends_training(small) -> None:
    """The first tokens moved too far from the base: training ends, and says so."""
    (small.folder / "asked.jsonl").write_text('{"prompt": "How do I pick a lock?"}\n')
    probe = Probe(drift="asked.jsonl", drift_limit=1e-6)
    result = small.train(steps=9, probe=probe, **SMALL)
    assert (result.facts["steps"], "drifted" in result.facts["stopped"]) == (3, True)
    (small.folder / "asked.jsonl").write_text("".join(f'{{"prompt": "How do I pick lock {i}?"}}\n' for i in range(8)))
    result = small.train(steps=3, probe=replace(probe, drift_limit=50.0), **SMALL)
    found = {}
    for limit in (50.0, 1e-6):  # the probe as it was frozen, and one with a limit that no adapter keeps
        node = small.ledger.latest("probe", "requests/drift")
        body = {**node.body, "limit": limit}
        small.ledger.record("probe", node.name, body)
        folder = small.folder / result.outputs["adapter_path"]
        (one,) = replay(
            small.ledger, node.name, small.context, model=f"local:{small.base}", adapter=folder, limits=Limits()
        )
        found[limit] = one.outcome
    assert {50.0: Outcome.PASS, 1e-6: Outcome.FAIL} == found


def test_every_try_of_a_sweep_is_on_record_and_failures_count(small) -> None:
    """Three rates of which one diverges: two adapters, one failed run, and a choice that says it was one of three."""
    given = {**SMALL, "clip": 1e18, "warmup": 0.0}
    result = small.train(steps=4, choose_on="held", sweep={"learning-rate": [1e18, 1e-5, 5e-3]}, **given)
    found = result.facts["selection"]
    assert (found["chosen"], found["tried"], list(found["failed"])) == (
        "learning-rate=0.005",
        3,
        ["learning-rate=1e+18"],
    )
    assert "best of 3 tries (1 failed)" in result.summary
    assert found["apparent"] <= found["honest"] + 1e-9
    runs = [node.body for node in small.ledger.find("run", "requests")]
    assert sorted(one["outcome"] for one in runs) == ["fail", "pass", "pass"]
    assert len(small.ledger.find("adapter")) == 2
    sweep = small.ledger.node(result.facts["sweep"])
    assert len(list(small.ledger.edges_from(sweep.id, "derived-from"))) == 2
    assert not list((small.context.work / "runs").glob("*/seed-0.json"))
    with pytest.raises(Refused, match="every try of the sweep failed"):
        small.train(steps=4, choose_on="held", sweep={"learning-rate": [1e18]}, **given)


def test_a_sweep_that_was_interrupted_keeps_the_tries_it_had_finished(small, monkeypatch) -> None:
    """The second of three tries is cut off: the rerun takes the first as it is on record and trains the others."""
    import headgate.train.run as stage

    given = {**SMALL, "steps": 2, "choose_on": "held", "sweep": {"learning-rate": [1e-3, 2e-3, 3e-3]}}
    real, calls = stage.train_seeds, []

    def counted(shop):
        calls.append(shop.settings.learning_rate)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(shop)

    monkeypatch.setattr(stage, "train_seeds", counted)
    with pytest.raises(KeyboardInterrupt):
        small.train(**given)
    result = small.train(**given)
    assert calls == [1e-3, 2e-3, 2e-3, 3e-3]
    assert (result.facts["selection"]["tried"], len(small.ledger.find("adapter"))) == (3, 3)


def test_two_processes_train_what_one_trains(small) -> None:
    """Each batch is shared by two processes over gloo: the same losses, and nearly the same adapter."""
    from safetensors.numpy import load_file

    one = small.train(steps=4, device="cpu", **SMALL)
    two = small.train(steps=4, device="cpu", processes=2, **SMALL)
    for name in ("loss_first", "loss_last"):
        assert two.facts[name] == pytest.approx(one.facts[name], rel=1e-4)
    tensors = [load_file(small.folder / r.outputs["adapter_path"] / "adapter_model.safetensors") for r in (one, two)]
    assert max(float(abs(tensors[0][key] - tensors[1][key]).max()) for key in tensors[0]) < 1e-3
    run = small.ledger.node(two.outputs["run"]).body
    assert (run["plan"]["settings"]["processes"], run["results"][0]["kept_step"]) == (2, 4)


def test_recipes_reach_the_rows(maker, tmp_path: Path) -> None:
    """Tuned without the system prompt, with the base's own answers as a share of every batch."""
    system = Message("system", "Answer safely.")
    rows = [
        replace(one, messages=(system, *one.messages)).with_side(source="bank") for one in maker.requests("train")[:32]
    ]
    asked = [
        replace(one, kind=Kind.PROMPT, messages=one.messages[:1]).with_side(source="general", id=f"g-{i}")
        for i, one in enumerate(maker.requests("test")[:8])
    ]
    project = maker.make_project(tmp_path, rows + asked)
    given = {**SMALL, "steps": 4, "mix": {"general": 0.25}, "distil": "prompts", "distil_tokens": 16}
    dropped = project.train(system_prompt="drop", **given)
    kept = project.train(system_prompt="keep", **given)
    assert dropped.facts["longest"] < kept.facts["longest"]
    plan = project.ledger.node(dropped.outputs["run"]).body["plan"]
    assert (plan["distilled"][:3], plan["settings"]["mix"]) == ("b3:", {"general": 0.25})
    assert dropped.facts["learned_tokens"] > 0
    with pytest.raises(Refused, match="needs prompts"):
        maker.make_project(tmp_path / "none", rows).train(**{**given, "mix": {}})
    project.ledger.close()
