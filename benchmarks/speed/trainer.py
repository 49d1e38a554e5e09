"""The trainers that could stand behind `headgate train`, on one shard with one schedule and one evaluation.

    python benchmarks/speed/trainer.py

Each run is a process of its own: 20 intents of examples/support, LoRA rank 16 on every linear layer of
headgate-tiny, the same rows in the same order, one thread. Reported: CPU milliseconds a step, peak
memory, exact matches on 480 held-out requests, over three seeds. `trl` needs `pip install trl`.

- ours: transformers' Trainer as `headgate train` uses it
- trl: SFTTrainer on our tokens, with what a CPU needs and deterministic algorithms
- trl tuned: the same with its two known costs taken out
- loop: a bare loop over the same batches, the floor
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import write

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
DATA = ROOT / "examples/support/data"
NAMES = ("ours", "trl", "trl tuned", "loop")
STEPS, BATCH, RATE = 100, 32, 3e-3
SEEDS = (0, 1, 2)


def rows(*names: str) -> list[Any]:
    """Requests with their topic as answer."""
    from headgate.rows.row import Kind, Message, Row

    out = []
    for name in names:
        with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            for one in csv.DictReader(stream):
                turns = (Message("user", one["text"]), Message("assistant", one["topic"]))
                out.append(Row(kind=Kind.DEMONSTRATION, messages=turns))
    return out


def job_of(seed: int, scratch: Path) -> Any:
    """The same job for every trainer."""
    from headgate.models.chat_template import ChatTemplate
    from headgate.models.tokenizer import Tokenizer
    from headgate.train.job import Job
    from headgate.train.preflight import pre_flight
    from headgate.train.schedule import schedule_of
    from headgate.train.settings import Settings

    flight = pre_flight(rows("train"), Tokenizer(BASE), ChatTemplate.of_folder(BASE), 1024)
    settings = Settings(base="-", steps=STEPS, batch=BATCH, learning_rate=RATE, save_every=0, threads=1)
    return Job(
        base=BASE,
        shard=flight.shard,
        schedule=schedule_of(flight.shard.row_ids, seed=seed, batch=BATCH, steps=STEPS, epochs=0),
        settings=settings,
        seed=seed,
        pad_id=flight.pad_id,
        out=scratch / "adapter",
        checkpoints=scratch / "checkpoints",
    )


def ours(job: Any) -> float:
    """CPU seconds of the engine, imports and loading apart."""
    from headgate.train.engines import transformers_sft as engine

    return float(engine.train(job).cpu_s)


def trl(job: Any, *, tuned: bool) -> float:
    """CPU seconds of TRL's SFTTrainer on our tokens in our order."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from headgate.models.engines.transformers_local import load_base
    from headgate.train.engines.tuning import save_in, with_adapter

    torch.set_num_threads(1)
    base = load_base(job.base).model
    if tuned:
        import trl.trainer.utils as inner

        torch.utils.deterministic.fill_uninitialized_memory = False
        inner._CHUNKED_LOGPROB_CHUNK_SIZE = base.config.vocab_size
    cells = []
    for i in job.schedule.rows.reshape(-1):
        tokens, weights = job.shard.row(int(i))
        labels = [int(t) if w else -100 for t, w in zip(tokens, weights, strict=True)]
        cells.append({"input_ids": [int(t) for t in tokens], "labels": labels})
    config = SFTConfig(
        output_dir=str(job.checkpoints),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        lr_scheduler_type="linear",
        warmup_steps=round(0.05 * STEPS),
        train_sampling_strategy="sequential",
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        full_determinism=True,
        dataloader_pin_memory=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=job.seed,
    )
    model = with_adapter(base, job)
    began = time.process_time()
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    trainer = SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(cells), processing_class=tokenizer)
    if tuned:
        torch.utils.deterministic.fill_uninitialized_memory = False
    trainer.train()
    spent = time.process_time() - began
    save_in(model, job, job.out)
    return spent


def loop(job: Any) -> float:
    """CPU seconds of a bare loop with the engine's own loss."""
    import torch

    from headgate.models.engines.transformers_local import load_base, on_threads
    from headgate.train.engines.transformers_sft import _Collator, _Steps, weighted_sum
    from headgate.train.engines.tuning import save_in, with_adapter

    with on_threads(1):
        model = with_adapter(load_base(job.base).model, job)
        steps, collate = _Steps(job), _Collator(job.pad_id)
        optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE, weight_decay=0.0)
        warm = round(0.05 * STEPS)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda n: n / warm if n < warm else (STEPS - n) / (STEPS - warm)
        )
        model.train()
        began = time.process_time()
        for number in range(STEPS):
            batch = collate([steps[i] for i in range(number * BATCH, (number + 1) * BATCH)])
            (weighted_sum(model, batch) / batch["whole"][0]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
        spent = time.process_time() - began
    save_in(model, job, job.out)
    return spent


def one(name: str, seed: int) -> dict[str, Any]:
    """One training and its evaluation in this process."""
    from headgate.models.engines.transformers_local import open_local
    from headgate.models.model import Sampling

    trainers = {
        "ours": ours,
        "trl": lambda job: trl(job, tuned=False),
        "trl tuned": lambda job: trl(job, tuned=True),
        "loop": loop,
    }
    with tempfile.TemporaryDirectory() as scratch:
        job = job_of(seed, Path(scratch))
        spent = trainers[name](job)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        items = rows("dev", "gate")
        model = open_local(BASE, adapter=job.out, allow_unrecorded=True)
        answers = model.generate(
            [({"role": "user", "content": i.prompt_text},) for i in items], Sampling(max_tokens=24)
        )
        right = sum(a.text == i.answer_text for a, i in zip(answers, items, strict=True))
    return {"ms_a_step": 1000 * spent / STEPS, "peak_mib": peak, "right": right, "of": len(items)}


def main() -> None:
    """Runs every trainer with every seed in turns and writes the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--one", choices=NAMES)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.seed)))
        return
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for seed in SEEDS:
        for name in NAMES:
            command = [sys.executable, "-W", "ignore", __file__, "--one", name, "--seed", str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
            found[name].append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(seed, name, found[name][-1], file=sys.stderr)
    write(
        "trainer",
        {
            "steps": STEPS,
            "batch": BATCH,
            "seeds": len(SEEDS),
            "trainers": {
                name: {
                    "ms_a_step": round(statistics.median(r["ms_a_step"] for r in runs)),
                    "peak_mib": round(statistics.median(r["peak_mib"] for r in runs)),
                    "exact_matches": [f"{r['right']}/{r['of']}" for r in runs],
                }
                for name, runs in found.items()
            },
        },
    )


if __name__ == "__main__":
    main()
