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
from headgate.models.engines.drift import AT_ONCE, looking
from headgate.models.engines.transformers_local import SMALL, left_padded, load_base, on_threads
from headgate.train.engines import trl_shim
from headgate.train.engines.checkpoints import newest_complete
from headgate.train.engines.divergence import FromStart
from headgate.train.engines.probing import Probing, finish, mean_of
from headgate.train.engines.tuning import (
    Told,
    Watch,
    deterministic,
    quiet,
    settings_of,
    tuned_modules,
    with_adapter,
)
from headgate.train.governing import Said, judged, paid, scored, why_stopped
from headgate.train.job import Job, Trained
from headgate.train.rewards import rewards_of
from headgate.train.shard import Shard

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
        probing = Probing(job, told, model)
        more: dict[str, Any] = {"callbacks": [Watch(job, told, advance), probing]}
        if job.settings.method == "grpo":
            more["rewards"] = _rewards(job, base.tokenizer.end_ids)
        else:
            more["collate"] = COLLATORS[job.settings.method](job.shard, job.pad_id, job.schedule.rows.reshape(-1))
        trainer = trl_shim.trainer_of(job, model, told, sorted(base.tokenizer.end_ids), more)
        if (probed := job.probed) is not None:
            probing.measure = lambda: mean_of(held_parts(trainer, model, probed, job))
            if job.settings.grpo.outcomes and job.settings.method == "grpo":
                probing.govern = Governing(trainer, model, probed, job, told)
        if not told.stopped:
            quiet(trainer).train(resume_from_checkpoint=str(start) if start else None)
        held = held_parts(trainer, model, job.held, job) if job.held is not None else ()
        kept = finish(trainer, model, job, told)
    return Trained(
        losses=tuple(told.losses),
        measures={name: tuple(line) for name, line in told.measures.items()},
        held_parts=held,
        resumed_from=first,
        modules=tuned_modules(model),
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        resolved=settings_of(trainer),
        probes=tuple(told.probes),
        scores=tuple(told.scores),
        stopped=told.stopped,
        kept_step=kept,
    )


def held_parts(trainer: Any, model: Any, shard: Shard, job: Job) -> tuple[tuple[float, float], ...]:
    """Of each batch of rows that are not trained on: the method's loss times its rows, and its rows."""
    if job.settings.method == "grpo":
        return _rewarded(trainer, model, shard, job)
    size = job.settings.micro_batch or job.settings.batch
    collate = COLLATORS[job.settings.method](shard, job.pad_id, np.arange(len(shard)))
    out = []
    with looking(model):
        for start in range(0, len(shard), size):
            places = range(start, min(start + size, len(shard)))
            batch = {name: one.to(trainer.args.device) for name, one in collate([{"place": i} for i in places]).items()}
            out.append((float(trainer.compute_loss(model, batch)) * len(places), float(len(places))))
    return tuple(out)


def _rewarded(trainer: Any, model: Any, shard: Shard, job: Job) -> tuple[tuple[float, float], ...]:
    """Of each prompt that is not trained on: the reward of its greedy answer, negated, and 1."""
    rewards = rewards_of(job.settings.grpo.rewards, job.project)
    said = _answers(trainer, model, shard, job)
    return tuple((-paid(one, rewards, job.settings.grpo.reward_weights), 1.0) for one in said)


class Governing:
    """Holds rewards against outcomes on the probed prompts; the first look is taken before the first step."""

    def __init__(self, trainer: Any, model: Any, shard: Shard, job: Job, told: Told) -> None:
        start = FromStart(model)
        self._ask = lambda: _answers(trainer, model, shard, job, start)
        self._grpo, self._told, self._probes = job.settings.grpo, told, len(job.probe_steps)
        self._rewards = rewards_of(self._grpo.rewards, job.project)
        self._outcomes = rewards_of(self._grpo.outcomes, job.project)
        if not told.scores:
            self._look(0)

    def __call__(self, step: int) -> str:
        """Scores the answers of now; why training ends, or nothing."""
        self._look(step)
        return why_stopped(judged(self._told.scores, self._grpo, self._probes))

    def _look(self, step: int) -> None:
        said = self._ask()
        earned = [paid(one, self._rewards, self._grpo.reward_weights) for one in said]
        self._told.scores.append(scored(step, said, earned, self._outcomes))


def _answers(trainer: Any, model: Any, shard: Shard, job: Job, start: FromStart | None = None) -> list[Said]:
    """The greedy answers to prompts that are not trained on, and how far each is from what the start would say."""
    ends, most = sorted(trainer.eos_token_ids), job.settings.grpo.answer_tokens
    out = []
    with looking(model):
        for first in range(0, len(shard), AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, len(shard)))
            ids, mask = left_padded([shard.row(i)[0].tolist() for i in numbers], job.pad_id)
            given = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
            answers = model.generate(
                **given, max_new_tokens=most, do_sample=False, eos_token_id=ends, pad_token_id=job.pad_id,
                temperature=None, top_p=None, top_k=None,
            )  # fmt: skip
            drawn = answers[:, ids.shape[1] :].tolist()
            stops = [next((at for at, token in enumerate(tokens) if token in ends), None) for tokens in drawn]
            lengths = [len(tokens) if end is None else end + 1 for tokens, end in zip(drawn, stops, strict=True)]
            apart = start.each(answers, given["attention_mask"], lengths) if start else [None] * len(drawn)
            for i, tokens, end, kl in zip(numbers, drawn, stops, apart, strict=True):
                text = trainer.processing_class.decode(tokens[:end], skip_special_tokens=True)
                out.append(Said(job.other_asked[shard.row_ids[i]], text, end is not None, kl))
    return out


class PairCollator:
    """Pairs to tensors: first all preferred answers, then all others, as TRL's DPO reads them."""

    def __init__(self, shard: Shard, pad: int, order: Any) -> None:
        self._shard, self._pad, self._order = shard, pad, order

    def __call__(self, places: Sequence[dict[str, int]]) -> Batch:  # noqa: D102 - the library's name for what the class does
        numbers = [int(self._order[one["place"]]) for one in places]
        return right_padded([self._shard.row(i, text) for text in (0, 1) for i in numbers], self._pad)


class JudgedCollator:
    """Answers with their labels, and each prompt with its neighbour's answer, by which KTO tells drift."""

    def __init__(self, shard: Shard, pad: int, order: Any) -> None:
        self._shard, self._pad, self._order = shard, pad, order

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


COLLATORS: dict[str, Any] = {"dpo": PairCollator, "kto": JudgedCollator}


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
