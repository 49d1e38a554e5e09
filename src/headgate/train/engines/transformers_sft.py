"""Supervised tuning of a LoRA adapter on transformers' Trainer and PEFT.

The Trainer is given finished batches: rows of the shard in the order of the schedule, left-padded as
in serving. What is its own is the loss, because a weight for each token must reach it and because
scores are needed only from the first learned token on. Deterministic algorithms are on, without their
habit of filling fresh memory, which costs a third of a step and changes no byte.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from headgate.kit.progress import Advance, silent
from headgate.models.engines.drift import looking
from headgate.models.engines.transformers_local import SMALL, load_base, on_threads
from headgate.train.engines.checkpoints import newest_complete
from headgate.train.engines.probing import Probing, finish, mean_of
from headgate.train.engines.tuning import (
    Told,
    Watch,
    arguments,
    deterministic,
    quiet,
    settings_of,
    tuned_modules,
    with_adapter,
)
from headgate.train.job import Job, Trained
from headgate.train.shard import Shard

Batch = dict[str, torch.Tensor]
AT_ONCE = 1 << 20  # scores of one table where no gradient is kept: 4 MB; larger ones are slower, not faster


def train(job: Job, advance: Advance = silent) -> Trained:
    """Trains one adapter and writes its folder; goes on from the newest complete checkpoint of the same job.

    Raises:
        Refused: the base cannot be loaded, or has no modules of the names that were asked for.
    """
    began, cpu = time.perf_counter(), time.process_time()
    base = load_base(job.base, attention=job.settings.attention)
    size = sum(one.numel() for one in base.model.parameters())
    with on_threads(job.settings.threads or (1 if size < SMALL else torch.get_num_threads())), deterministic():
        model = with_adapter(base.model, job)
        start, known = newest_complete(job.checkpoints)
        told = Told(**known)
        first = int(start.name.rpartition("-")[2]) if start else 0
        advance(first)
        probing = Probing(job, told, model)
        trainer = _WeightedTrainer(
            model=model,
            args=TrainingArguments(**arguments(job)),
            train_dataset=_Steps(job),
            data_collator=_Collator(job.pad_id),
            callbacks=[Watch(job, told, advance), probing],
        )
        trainer.told = told
        if (probed := job.probed) is not None:
            probing.measure = lambda: mean_of(held_parts(trainer, model, probed, job))
        if not told.stopped:
            quiet(trainer).train(resume_from_checkpoint=str(start) if start else None)
        held = held_parts(trainer, model, job.held, job) if job.held is not None else ()
        kept = finish(trainer, model, job, told)
    return Trained(
        losses=tuple(told.losses),
        measures={},
        held_parts=held,
        resumed_from=first,
        modules=tuned_modules(model),
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        resolved=settings_of(trainer),
        probes=tuple(told.probes),
        stopped=told.stopped,
        kept_step=kept,
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
    told: Told

    def compute_loss(self, model: Any, inputs: Batch, return_outputs: bool = False, **_: Any) -> Any:
        """The sum of the weighted losses of the batch over the weight of its step."""
        # Processes average their gradients, so each scales its share up.
        loss = weighted_sum(model, inputs) / inputs["whole"][0] * self.accelerator.num_processes
        if model.training:
            self.told.add(self.accelerator.reduce(loss.detach(), "mean").item(), self.state.global_step)
        return (loss, {}) if return_outputs else loss


def weighted_sum(model: Any, inputs: Batch) -> torch.Tensor:
    """Sum over tokens of weight times negative log-likelihood in nats."""
    return weighted_losses(model, inputs).sum()


def weighted_losses(model: Any, inputs: Batch) -> torch.Tensor:
    """Weight times negative log-likelihood in nats, (rows, scored tokens).

    Rows end at the same place, so scores are computed only from the first learned token on.
    """
    ids, mask, weights = inputs["input_ids"], inputs["attention_mask"], inputs["weights"]
    columns = weights.any(0).nonzero()
    keep = ids.shape[1] - (int(columns[0]) if len(columns) else ids.shape[1] - 1) + 1
    keep = min(keep, ids.shape[1])
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=keep).logits
    losses = cross_entropy(logits[:, -keep:-1].float().flatten(0, 1), ids[:, -keep + 1 :].flatten(), reduction="none")
    return losses.view(len(ids), -1) * weights[:, -keep + 1 :]


def held_parts(trainer: Trainer, model: Any, shard: Shard, job: Job) -> tuple[tuple[float, float], ...]:
    """Of each row that is not trained on, in their order: summed loss in nats, and its weight.

    Rows of like length go together, and more at once than while training where the vocabulary is small: nothing is
    kept for a backward pass.
    """
    collate = _Collator(job.pad_id)
    rows = [shard.row(i) for i in range(len(shard))]
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i][0]), i))
    vocabulary = int(model.config.get_text_config().vocab_size)
    out: dict[int, tuple[float, float]] = {}
    with looking(model):
        while order:
            room = AT_ONCE // (vocabulary * len(rows[order[-1]][0]))
            size = max(room, job.settings.micro_batch or job.settings.batch)
            numbers, order = order[-size:], order[:-size]  # the longest first: what they need is known at once
            batch = collate([(*rows[i], 1.0) for i in numbers])
            batch = {name: tensor.to(trainer.args.device) for name, tensor in batch.items()}
            losses = weighted_losses(model, batch).sum(1)
            out |= zip(numbers, zip(losses.tolist(), batch["weights"].sum(1).tolist(), strict=True), strict=True)
    return tuple(out[i] for i in range(len(rows)))
