"""What training costs: our DPO and KTO beside TRL with its defaults and a plain loop, and what we add to steps.

    python benchmarks/training/methods.py

Each run is a process of its own on one thread: 240 requests of ten topics, LoRA rank 16 on every
linear layer of headgate-tiny, the same pairs. `trl` gets the same rows as text and prepares them by
itself, with the one setting without which it does not start on a CPU; `loop` is DPO in 40 lines on
the same model and batches. `stage` is the whole of `headgate train` for supervised tuning and tells
what share of its CPU time is not spent in the engine: pre-flight, shard, closure, records, and probes.
Probes are timed where they run, because two runs differ by more than probes cost: `stage 64` has 64
rows beside 240, probed every 15 steps; `stage tenth` is two passes over nine tenths of the 2,173 rows
of `examples/support`, with the last tenth and 16 prompts of drift probed after each pass; `stage 77`
is 400 steps of 32 rows of all 77 intents of BANKING77, probed in the same way.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
NAMES = ("ours dpo", "trl dpo", "loop dpo", "ours kto", "trl kto", "stage", "stage 64", "stage tenth", "stage 77")
LIMIT = 0.05  # share that closure, pre-flight and probes may cost
STEPS, STAGE_STEPS, BATCH, RATE = 10, 60, 16, 5e-4
SEEDS = (0, 1, 2)


def maker() -> Any:
    """The module that makes the rows of the tests."""
    path = ROOT / "tests/unit/train/conftest.py"
    spec = importlib.util.spec_from_file_location("rows_of_the_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def job_of(method: str, seed: int, scratch: Path) -> Any:
    """A job as the stage would make it."""
    from headgate.models.chat_template import ChatTemplate
    from headgate.models.tokenizer import Tokenizer
    from headgate.train.job import Job
    from headgate.train.preferences import judged_of, pairs_of, preference_flight
    from headgate.train.schedule import schedule_of
    from headgate.train.settings import Settings

    rows = maker().pairs() if method == "dpo" else maker().judged()
    lessons = pairs_of(rows) if method == "dpo" else judged_of(rows)
    flight = preference_flight(rows, lessons, Tokenizer(BASE), ChatTemplate.of_folder(BASE), 1024)
    return Job(
        base=BASE,
        shard=flight.shard,
        schedule=schedule_of(flight.shard.row_ids, seed=seed, batch=BATCH, steps=STEPS, epochs=0),
        settings=Settings(
            base="-", method=method, batch=BATCH, steps=STEPS, learning_rate=RATE, save_every=0, threads=1, device="cpu"
        ),
        seed=seed,
        pad_id=flight.pad_id,
        out=scratch / "adapter",
        checkpoints=scratch / "checkpoints",
    )


def ours(method: str, seed: int, scratch: Path) -> dict[str, float]:
    """Our engine; imports and pre-flight apart."""
    from headgate.train.engines import trl_methods

    trained = trl_methods.train(job_of(method, seed, scratch))
    return {"ms_a_step": 1000 * trained.cpu_s / STEPS, "loss": trained.losses[-1]}


def theirs(method: str, seed: int, scratch: Path) -> dict[str, float]:
    """TRL with its defaults on the rows as messages."""
    os.environ["CI"] = "1"  # without it TRL reports every trainer to a hub
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    def turns(some: Any) -> list[dict[str, str]]:
        return [{"role": one.role, "content": one.content} for one in some]

    rows = []
    for row in maker().pairs() if method == "dpo" else maker().judged():
        if method == "dpo":
            answers = {"chosen": turns(row.chosen), "rejected": turns(row.rejected[0])}
        else:
            answers = {"completion": turns(row.messages[1:]), "label": row.label}
        rows.append({"prompt": turns(row.messages[:1]), **answers})
    began = time.process_time()
    config = (DPOConfig if method == "dpo" else KTOConfig)(
        output_dir=str(scratch / "out"), max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=RATE,
        use_cpu=True, full_determinism=True, report_to="none", save_strategy="no", seed=seed, disable_tqdm=True,
    )  # fmt: skip
    trainer = (DPOTrainer if method == "dpo" else KTOTrainer)(
        model=AutoModelForCausalLM.from_pretrained(BASE),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(BASE),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    found = trainer.train()
    return {"ms_a_step": 1000 * (time.process_time() - began) / STEPS, "loss": found.training_loss}


def loop(seed: int, scratch: Path) -> dict[str, float]:
    """DPO as a plain loop on the same batches: two passes with the adapter's answer, two without."""
    import torch
    from torch.nn.functional import logsigmoid

    from headgate.models.engines.transformers_local import load_base, on_threads
    from headgate.train.engines.trl_methods import PairCollator
    from headgate.train.engines.tuning import save_in, with_adapter

    job = job_of("dpo", seed, scratch)
    began = time.process_time()

    def scores(model: Any, batch: dict[str, Any]) -> Any:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        logs = logits.float().log_softmax(-1).gather(-1, batch["input_ids"][:, 1:, None])[..., 0]
        return (logs * batch["completion_mask"][:, 1:]).sum(1).chunk(2)

    with on_threads(1):
        model = with_adapter(load_base(job.base).model, job)
        collate = PairCollator(job.shard, job.pad_id, job.schedule.rows.reshape(-1))
        tuned = [one for one in model.parameters() if one.requires_grad]
        optimiser = torch.optim.AdamW(tuned, lr=RATE, weight_decay=0.0)
        model.train()
        for step in range(STEPS):
            batch = collate([{"place": i} for i in range(step * BATCH, (step + 1) * BATCH)])
            with torch.no_grad(), model.disable_adapter():
                old_good, old_bad = scores(model, batch)
            good, bad = scores(model, batch)
            loss = -logsigmoid(0.1 * ((good - old_good) - (bad - old_bad))).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tuned, 1.0)
            optimiser.step()
            optimiser.zero_grad()
        save_in(model, job, job.out)
    return {"ms_a_step": 1000 * (time.process_time() - began) / STEPS, "loss": loss.item()}


def timed(holder: Any, name: str, spent: list[float]) -> None:
    """Lets a function add the CPU time of each of its calls to a list."""
    plain = getattr(holder, name)

    def run(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return plain(*given, **named)
        finally:
            spent.append(time.process_time() - began)

    setattr(holder, name, run)


def rows_of(size: str) -> tuple[list[Any], list[Any], int, int]:
    """Rows to train on, rows to probe, steps, and rows of a step."""
    from headgate.rows.reading import read_rows

    if size not in ("tenth", "77"):
        return maker().requests("train"), maker().requests("test")[:64], STAGE_STEPS, BATCH
    if size == "77":
        path, columns = ROOT / "examples/data/banking77/train.csv.gz", {"prompt": "text", "completion": "category"}
    else:
        path = ROOT / "examples/support/data/train.csv"
        columns = {"prompt": "text", "completion": "topic", "subject": "customer"}
    rows = list(read_rows(path, columns=columns))
    if size == "77":
        random.Random(0).shuffle(rows)  # the file has one intent after the other
    cut = len(rows) - len(rows) // 10
    return rows[:cut], rows[cut:], *((400, 32) if size == "77" else (2 * cut // BATCH, BATCH))


def stage(seed: int, scratch: Path, size: str) -> dict[str, float]:
    """The whole stage, as a flow calls it; the CPU time that is not the engine's steps. `size` of rows and probes."""
    from headgate.models.engines.drift import Drift
    from headgate.train.engines import transformers_sft  # noqa: F401 - imports are no part of the share
    from headgate.train.engines.probing import Probing
    from headgate.train.settings import Probe

    spent: list[float] = []
    timed(Drift, "__init__", spent)
    timed(Probing, "on_step_end", spent)
    train, held, steps, batch = rows_of(size)
    project = maker().make_project(scratch, train, held)
    asked = (json.dumps({"prompt": f"How do I open lock {i}?"}) + "\n" for i in range(16))
    (scratch / "drift.jsonl").write_text("".join(asked))
    probe = Probe(split="held", drift="drift.jsonl") if size else Probe()
    began = time.process_time()
    result = project.train(
        steps=steps,
        batch=batch,
        learning_rate=RATE,
        save_every=0,
        threads=1,
        device="cpu",
        seeds=[seed],
        probe=probe,
    )
    whole = time.process_time() - began
    return {
        "ms_a_step": 1000 * whole / steps,
        "engine_s": result.facts["cpu_s"] - sum(spent),
        "around_s": whole - result.facts["cpu_s"],
        "probes_s": sum(spent),
    }


def one(name: str, seed: int) -> dict[str, float]:
    """One run in this process."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        kind, _, method = name.partition(" ")
        if kind == "stage":
            return stage(seed, scratch, method)
        if kind == "loop":
            return loop(seed, scratch)
        return (ours if kind == "ours" else theirs)(method, seed, scratch)


def share_of(runs: list[dict[str, float]]) -> dict[str, float | None]:
    """What is around the steps, in CPU seconds and as shares of them, and from what length of training under 5 %."""
    steps, around, probes = (
        statistics.median(one[key] for one in runs) for key in ("engine_s", "around_s", "probes_s")
    )
    each = probes / steps  # grows with the steps; what is around does not
    return {
        "steps_s": round(steps, 2),
        "closure_and_pre_flight_s": round(around, 3),
        "probes_share": round(each, 4),
        "share": round((around + probes) / steps, 4),
        "under_limit_from_s": round(around / (LIMIT - each), 1) if each < LIMIT else None,
    }


def main() -> None:
    """Every run with every seed in turns; writes the figures and their ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--one", choices=NAMES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.seed)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for seed in range(given.seeds):
        for name in NAMES:
            command = [sys.executable, "-W", "ignore", __file__, "--one", name, "--seed", str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            found[name].append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(seed, name, found[name][-1], file=sys.stderr, flush=True)

    def middle(name: str, key: str = "ms_a_step") -> float:
        return statistics.median(run[key] for run in found[name])

    told = {
        "steps": STEPS,
        "batch": BATCH,
        "seeds": given.seeds,
        "cpu_ms_a_step": {name: round(middle(name)) for name in NAMES},
        "ratios": {
            "ours to a plain loop, dpo": round(middle("ours dpo") / middle("loop dpo"), 2),
            "trl's defaults to a plain loop, dpo": round(middle("trl dpo") / middle("loop dpo"), 2),
            "trl's defaults to ours, dpo": round(middle("trl dpo") / middle("ours dpo"), 2),
            "trl's defaults to ours, kto": round(middle("trl kto") / middle("ours kto"), 2),
        },
        "stage": {name: share_of(found[name]) for name in NAMES if name.startswith("stage")},
    }
    out = Path(__file__).with_name("results") / "methods.json"
    out.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
