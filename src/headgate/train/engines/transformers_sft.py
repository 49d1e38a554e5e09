"""Supervised tuning of a LoRA adapter on transformers' Trainer and PEFT.

The Trainer is given finished batches: rows of the shard in the order of the schedule, left-padded as
in serving. What is its own is the loss, because a weight for each token must reach it and because
scores are needed only from the first learned token on. Deterministic algorithms are on, without their
habit of filling fresh memory, which costs a third of a step and changes no byte.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from peft import LoraConfig
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.progress import Advance, silent
from headgate.models.adapter import CONFIG, TENSORS, canonical_bytes, read_config
from headgate.models.engines.transformers_local import SMALL, load_base, on_threads, wrapped
from headgate.train.engines.checkpoints import clear, mark_complete, newest_complete
from headgate.train.job import Job, Trained
from headgate.train.shard import Shard

Batch = dict[str, torch.Tensor]
WHERE = ("output_dir", "logging_dir", "run_name", "hub_token", "push_to_hub_token")  # paths and secrets of a machine


def train(job: Job, advance: Advance = silent) -> Trained:
    """Trains one adapter and writes its folder; goes on from the newest complete checkpoint of the same job.

    Raises:
        Refused: the base cannot be loaded, or has no modules of the names that were asked for.
    """
    began, cpu = time.perf_counter(), time.process_time()
    base = load_base(job.base, attention=job.settings.attention)
    size = sum(one.numel() for one in base.model.parameters())
    with on_threads(job.settings.threads or (1 if size < SMALL else torch.get_num_threads())), deterministic():
        model = with_lora(base.model, job)
        start, losses = newest_complete(job.checkpoints)
        first = int(start.name.rpartition("-")[2]) if start else 0
        advance(first)
        trainer = _WeightedTrainer(
            model=model,
            args=arguments(job),
            train_dataset=_Steps(job),
            data_collator=_Collator(job.pad_id),
            callbacks=[_Watch(job, losses, advance)],
        )
        trainer.step_losses = losses
        trainer.remove_callback(PrinterCallback)  # it prints what the run records
        trainer.train(resume_from_checkpoint=str(start) if start else None)
        held = held_loss(trainer, job.held, job) if job.held is not None else None
        save(model, job)
    clear(job.checkpoints)
    return Trained(
        losses=tuple(losses),
        held_loss=held,
        resumed_from=first,
        modules=tuple(sorted(name for name, one in model.named_modules() if hasattr(one, "lora_A"))),
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        resolved={key: value for key, value in trainer.args.to_dict().items() if key not in WHERE},
    )


def with_lora(base: Any, job: Job) -> Any:
    """The base with a fresh adapter; its first values depend on the seed alone."""
    shape = job.settings.adapter
    torch.manual_seed(job.seed)
    config = LoraConfig(
        r=shape.rank,
        lora_alpha=int(shape.alpha) if shape.alpha == int(shape.alpha) else shape.alpha,
        lora_dropout=shape.dropout,
        target_modules=job.settings.targets,
        task_type="CAUSAL_LM",
    )
    try:
        return wrapped(base, config)
    except ValueError as error:
        raise Refused("the adapter cannot be put on this base", file=str(job.base), found=str(error)) from None


def arguments(job: Job) -> TrainingArguments:
    """The Trainer's settings; what is not named here keeps the library's default and is recorded."""
    s = job.settings
    micro = s.micro_batch or s.batch
    return TrainingArguments(
        output_dir=str(job.checkpoints),
        max_steps=job.schedule.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=s.batch // micro,
        learning_rate=s.learning_rate,
        lr_scheduler_type="constant_with_warmup" if s.decay == "constant" else s.decay,
        warmup_steps=round(s.warmup * job.schedule.steps),
        weight_decay=s.weight_decay,
        max_grad_norm=s.clip,
        optim="adamw_torch",
        seed=job.seed,
        data_seed=job.seed,
        train_sampling_strategy="sequential",
        use_cpu=s.device == "cpu" or not torch.cuda.is_available(),
        bf16=s.precision == "bfloat16",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        save_strategy="steps" if s.save_every else "no",
        save_steps=s.save_every or 500,
        save_total_limit=2,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class _Steps(Dataset):
    """The rows of every step, one step after the other."""

    def __init__(self, job: Job) -> None:
        self._shard, self._rows = job.shard, job.schedule.rows.reshape(-1)
        sums = [float(job.shard.row(i)[1].sum()) for i in range(len(job.shard))]
        # The loss of a step is the mean over its learned tokens, however the step is cut into parts.
        self._whole = [sum(sums[i] for i in step) for step in job.schedule.rows]
        self._batch = job.schedule.rows.shape[1]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Any, Any, float]:
        tokens, weights = self._shard.row(int(self._rows[index]))
        return tokens, weights, self._whole[index // self._batch]


class _Collator:
    """Rows to tensors, padded on the left as in serving."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: Sequence[tuple[Any, Any, float]]) -> Batch:
        width = max(len(tokens) for tokens, _, _ in rows)
        ids = torch.full((len(rows), width), self._pad, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        weights = torch.zeros((len(rows), width), dtype=torch.float32)
        for i, (tokens, weight, _) in enumerate(rows):
            ids[i, width - len(tokens) :] = torch.from_numpy(tokens.astype("int64"))
            mask[i, width - len(tokens) :] = 1
            weights[i, width - len(tokens) :] = torch.from_numpy(weight.copy())
        return {"input_ids": ids, "attention_mask": mask, "weights": weights, "whole": torch.tensor([rows[0][2]])}


class _WeightedTrainer(Trainer):
    """transformers' Trainer with a weight for each token in the loss."""

    loss_is_scaled_for_ga = True  # each part of a step is divided by the weight of the whole step
    step_losses: list[float]

    def compute_loss(self, model: Any, inputs: Batch, return_outputs: bool = False, **_: Any) -> Any:
        """The sum of the weighted losses of the batch over the weight of its step."""
        loss = weighted_sum(model, inputs) / inputs["whole"][0]
        if model.training:
            if self._begins_step():
                self.step_losses.append(0.0)
            self.step_losses[-1] += loss.item()
        return (loss, {}) if return_outputs else loss

    def _begins_step(self) -> bool:
        return len(self.step_losses) <= self.state.global_step


def weighted_sum(model: Any, inputs: Batch) -> torch.Tensor:
    """Sum over tokens of weight times negative log-likelihood in nats.

    Rows end at the same place, so scores are computed only from the first learned token on.
    """
    ids, mask, weights = inputs["input_ids"], inputs["attention_mask"], inputs["weights"]
    columns = weights.any(0).nonzero()
    keep = ids.shape[1] - (int(columns[0]) if len(columns) else ids.shape[1] - 1) + 1
    keep = min(keep, ids.shape[1])
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=keep).logits
    losses = cross_entropy(logits[:, -keep:-1].float().flatten(0, 1), ids[:, -keep + 1 :].flatten(), reduction="none")
    return (losses * weights[:, -keep + 1 :].flatten()).sum()


class _Watch(TrainerCallback):
    """Moves the progress bar and seals checkpoints."""

    def __init__(self, job: Job, losses: list[float], advance: Advance) -> None:
        self._job, self._losses, self._advance = job, losses, advance

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """One step is done."""
        self._advance(1)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the library's signature
        """The library has written a checkpoint: it counts once its seal is on disk."""
        mark_complete(self._job.checkpoints / f"checkpoint-{state.global_step}", self._losses)


def held_loss(trainer: Trainer, shard: Shard, job: Job) -> float:
    """Mean loss per learned token on rows that were not trained on, in nats."""
    collate, model = _Collator(job.pad_id), trainer.model
    model.eval()
    total = weight = 0.0
    with torch.inference_mode():
        for start in range(0, len(shard), job.settings.batch):
            numbers = range(start, min(start + job.settings.batch, len(shard)))
            batch = collate([(*shard.row(i), 1.0) for i in numbers])
            batch = {name: tensor.to(trainer.args.device) for name, tensor in batch.items()}
            total += float(weighted_sum(model, batch))
            weight += float(batch["weights"].sum())
    return total / weight if weight else float("nan")


def save(model: Any, job: Job) -> None:
    """Writes tensors and settings; PEFT's own settings file holds a path and sets in random order."""
    model.save_pretrained(job.out, safe_serialization=True)
    with atomic_write(job.out / CONFIG) as stream:
        stream.write(canonical_bytes(read_config(job.out), job.base.name))
    for path in job.out.iterdir():
        if path.name not in (CONFIG, TENSORS):
            path.unlink()


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    """Deterministic algorithms for what is inside; puts back what was there before."""
    before, fill = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill
