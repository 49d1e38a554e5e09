"""Tuning by preferred answers, good and bad answers, or rewards, on TRL and PEFT.

The data path is ours: what a trainer gets is rows of the shard in the order of the schedule, with the
weight of each token. Only the answers of GRPO are TRL's, because they are drawn while it trains.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from headgate.kit.progress import Advance, silent
from headgate.models.engines.transformers_local import SMALL, load_base, on_threads
from headgate.train.engines import trl_shim
from headgate.train.engines.checkpoints import clear, newest_complete
from headgate.train.engines.tuning import (
    Told,
    Watch,
    deterministic,
    quiet,
    save,
    settings_of,
    tuned_modules,
    with_adapter,
)
from headgate.train.job import Job, Trained
from headgate.train.rewards import rewards_of

Batch = dict[str, torch.Tensor]
Text = tuple[Any, Any]  # token ids and weights


def train(job: Job, advance: Advance = silent) -> Trained:
    """Trains one adapter and writes its folder; goes on from the newest complete checkpoint of the same job.

    Raises:
        Refused: an unknown version of TRL, a base that cannot be loaded, or a reward that fails.
    """
    trl_shim.must_be_known()
    began, cpu = time.perf_counter(), time.process_time()
    base = load_base(job.base, attention=job.settings.attention)
    size = sum(one.numel() for one in base.model.parameters())
    trl_shim.fit_tiles(base.model.config.get_text_config().vocab_size)
    threads = job.settings.threads or (1 if size < SMALL else torch.get_num_threads())
    with on_threads(threads), deterministic(), trl_shim.former_names():
        model = with_adapter(base.model, job)
        start, known = newest_complete(job.checkpoints)
        told = Told(**known)
        first = int(start.name.rpartition("-")[2]) if start else 0
        advance(first)
        more: dict[str, Any] = {"callbacks": [Watch(job, told, advance)]}
        if job.settings.method == "grpo":
            more["rewards"] = _rewards(job, base.tokenizer.end_ids)
        else:
            more["collate"] = PairCollator(job) if job.settings.method == "dpo" else JudgedCollator(job)
        trainer = trl_shim.trainer_of(job, model, told, sorted(base.tokenizer.end_ids), more)
        quiet(trainer).train(resume_from_checkpoint=str(start) if start else None)
        save(model, job)
    clear(job.checkpoints)
    return Trained(
        losses=tuple(told.losses),
        measures={name: tuple(line) for name, line in told.measures.items()},
        held_loss=None,
        resumed_from=first,
        modules=tuned_modules(model),
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        resolved=settings_of(trainer),
    )


class PairCollator:
    """Pairs to tensors: first all preferred answers, then all others, as TRL's DPO reads them."""

    def __init__(self, job: Job) -> None:
        self._shard, self._pad = job.shard, job.pad_id
        self._order = job.schedule.rows.reshape(-1)

    def __call__(self, places: Sequence[dict[str, int]]) -> Batch:  # noqa: D102 - the library's name for what the class does
        numbers = [int(self._order[one["place"]]) for one in places]
        return right_padded([self._shard.row(i, text) for text in (0, 1) for i in numbers], self._pad)


class JudgedCollator:
    """Answers with their labels, and each prompt with its neighbour's answer, by which KTO tells drift."""

    def __init__(self, job: Job) -> None:
        self._shard, self._pad = job.shard, job.pad_id
        self._order = job.schedule.rows.reshape(-1)

    def __call__(self, places: Sequence[dict[str, int]]) -> Batch:  # noqa: D102 - the library's name for what the class does
        numbers = [int(self._order[one["place"]]) for one in places]
        rows = [self._shard.row(i) for i in numbers]
        begins = [int((weights != 0).argmax()) for _, weights in rows]
        # The first prompt takes the last one's answer.
        crossed = [_crossed(row, begins[i], rows[i - 1], begins[i - 1]) for i, row in enumerate(rows)]
        batch = right_padded(rows, self._pad)
        batch |= {f"KL_{name}": tensor for name, tensor in right_padded(crossed, self._pad).items()}
        batch["label"] = torch.tensor([self._shard.labels[i] for i in numbers])
        return batch


def _crossed(row: Text, begin: int, other: Text, other_begin: int) -> Text:
    """The prompt of one row with the answer of another."""
    return (
        np.concatenate([row[0][:begin], other[0][other_begin:]]),
        np.concatenate([row[1][:begin], other[1][other_begin:]]),
    )


def right_padded(rows: Sequence[Text], pad: int) -> Batch:
    """Token ids, mask and weights, (rows, longest), with the padding on the right as TRL has it."""
    width = max(len(tokens) for tokens, _ in rows)
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    weights = torch.zeros((len(rows), width), dtype=torch.float32)
    for i, (tokens, weight) in enumerate(rows):
        ids[i, : len(tokens)] = torch.from_numpy(tokens.astype("int64"))
        mask[i, : len(tokens)] = 1
        weights[i, : len(tokens)] = torch.from_numpy(weight.astype("float32"))
    batch = {"input_ids": ids, "attention_mask": mask, "completion_mask": (weights > 0).long()}
    if bool(((weights != 0) & (weights != 1)).any()):
        batch["weights"] = weights
    return batch


def _rewards(job: Job, end_ids: frozenset[int] | set[int]) -> list[Any]:
    """The scorers in the shape that TRL calls them in; an answer that never ended earns nothing."""

    def shaped(reward: Any) -> Any:
        def called(completions: list[str], completion_ids: list[list[int]], row: list[int], **_: Any) -> list[float]:
            return [
                reward.score(job.asked[i].prompt, text, job.asked[i].reference) if ids[-1] in end_ids else 0.0
                for text, ids, i in zip(completions, completion_ids, row, strict=True)
            ]

        called.__name__ = reward.name
        return called

    return [shaped(one) for one in rewards_of(job.settings.grpo.rewards, job.project)]
