"""The one place that knows TRL: its version, its settings, and trainers that read our shard.

TRL prepares data by itself and sends a message to a hub for every trainer that is made. Both are
turned off here: batches come from the shard in the order of the schedule, and nothing leaves the
machine. What this relies on is private to TRL, so a version that it was not held against is refused.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import trl
import trl.trainer.utils as trl_inner
from datasets import Dataset
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer

from headgate.kit.errors import Refused
from headgate.train.engines.tuning import Told, arguments
from headgate.train.job import Job

KNOWN = ("1.16",)  # versions that the tests were held against
TILE = "_CHUNKED_LOGPROB_CHUNK_SIZE"  # tokens of the vocabulary scored at once; its scratch is as wide as this
TIMES = ("step_time", "num_tokens", "profiling")  # of a machine, not of a method
Reward = Callable[..., list[float]]


def must_be_known() -> None:
    """Refuses a version of TRL that this module was not held against.

    Raises:
        Refused: another version.
    """
    if not any(trl.__version__ == one or trl.__version__.startswith(one + ".") for one in KNOWN):
        raise Refused(
            "this version of TRL is not known",
            found=f"trl {trl.__version__}",
            wanted=" or ".join(f"trl {one}" for one in KNOWN),
            next_step=f'pip install "trl=={KNOWN[-1]}.*"',
        )


def fit_tiles(vocabulary: int) -> None:
    """Makes the scratch of scoring no wider than the vocabulary; without it every step fills 240 MB for nothing."""
    if hasattr(trl_inner, TILE):
        setattr(trl_inner, TILE, min(32768, vocabulary))


@contextlib.contextmanager
def former_names() -> Iterator[None]:
    """Silences what transformers says of settings that TRL and PEFT call by their former names."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
        yield


class _Ours:
    """What all three trainers have of us: no messages, no cards, losses and measures of every step."""

    told: Told
    accelerator: Any
    state: Any
    args: Any
    _metrics: dict[str, dict[str, list[float]]]

    def _send_telemetry(self) -> None:
        """Nothing leaves the machine."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The release writes the card."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """The shard is prepared already."""
        return dataset

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **more: Any) -> Any:
        """TRL's loss, told of every step."""
        inputs = dict(inputs)
        with Weighing(self.model, inputs):  # type: ignore[attr-defined]
            loss = super().compute_loss(model, inputs, return_outputs, **more)  # type: ignore[misc]
        if model.training:
            part = self.accelerator.reduce(loss.detach(), "mean").item() / self.args.gradient_accumulation_steps
            self.told.add(part, self.state.global_step)
            self._tell()
        return loss

    def _tell(self) -> None:
        """Moves what TRL measured of this part of the step to where checkpoints keep it."""
        step = self.state.global_step
        for name, values in self._metrics["train"].items():
            if not values or name.startswith(TIMES):
                continue
            line = self.told.measures.setdefault(name, [])
            line += [None] * (step + 1 - len(line))
            if math.isfinite(values[-1]):
                line[step] = float(values[-1])
        self._metrics["train"].clear()


class Weighing:
    """Multiplies the log-probability of each token by its weight, wherever the trainer asks the model for them.

    TRL knows only tokens that count and tokens that do not. Weights in between come in with the batch.
    """

    def __init__(self, model: Any, inputs: dict[str, Any]) -> None:
        pairs = [("input_ids", "weights"), ("KL_input_ids", "KL_weights")]
        self._known = [(inputs[ids], inputs.pop(name)) for ids, name in pairs if name in inputs]
        self._model = model
        self._hook: Any = None

    def __enter__(self) -> None:
        if self._known:
            self._hook = self._model.register_forward_hook(self._weigh, with_kwargs=True)

    def __exit__(self, *_: object) -> None:
        if self._hook is not None:
            self._hook.remove()

    def _weigh(self, _: Any, __: Any, given: dict[str, Any], out: Any) -> Any:
        for ids, weights in self._known:
            if ids.shape == given["input_ids"].shape and torch.equal(ids, given["input_ids"]):
                out.log_probs = out.log_probs * weights[:, 1:]
                return out
        return out


class Dpo(_Ours, DPOTrainer):
    """Direct preference optimisation."""


class Kto(_Ours, KTOTrainer):
    """Kahneman-Tversky optimisation."""


class Grpo(_Ours, GRPOTrainer):
    """Group-relative policy optimisation."""

    prompts: dict[str, list[int]]  # token ids of each rendered prompt

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """The token ids of the shard, not those of another rendering."""
        return [list(self.prompts[text]) for text in prompts], None, {}


def trainer_of(job: Job, model: Any, told: Told, end_ids: Sequence[int], more: dict[str, Any]) -> Any:
    """A trainer for the job's method; `more`: what the method needs beside, such as rewards."""
    make = {"dpo": _dpo, "kto": _kto, "grpo": _grpo}[job.settings.method]
    # TRL asks the folder's tokenizer for the padding token, and GRPO for the text of an answer.
    tokenizer = AutoTokenizer.from_pretrained(str(job.base), local_files_only=True)
    trainer = make(job, model, tokenizer, more)
    trainer.told = told
    if job.start is None and "ref" in model.peft_config:
        model.delete_adapter("ref")  # a copy of nothing: without the adapter it is the base
    if job.settings.method == "grpo":
        trainer.eos_token_ids = list(end_ids)
        trainer.generation_config.eos_token_id = list(end_ids)
        trainer.generation_kwargs["eos_token_id"] = list(end_ids)
    return trainer


def _places(job: Job) -> Any:
    """Places in the schedule: all that TRL carries from its data to our collator."""
    return Dataset.from_dict({"place": list(range(job.schedule.rows.size))})


def _dpo(job: Job, model: Any, tokenizer: Any, more: dict[str, Any]) -> Any:
    s = job.settings.dpo
    config = DPOConfig(**arguments(job), **_plain(), beta=s.beta, loss_type=[s.loss], max_length=None)
    return Dpo(
        model=model,
        args=config,
        data_collator=more["collate"],
        train_dataset=_places(job),
        processing_class=tokenizer,
        callbacks=more["callbacks"],
    )


def _kto(job: Job, model: Any, tokenizer: Any, more: dict[str, Any]) -> Any:
    s = job.settings.kto
    config = KTOConfig(
        **arguments(job),
        **_plain(),
        beta=s.beta,
        desirable_weight=s.good_weight,
        undesirable_weight=s.bad_weight,
        max_length=None,
    )
    return Kto(
        model=model,
        args=config,
        data_collator=more["collate"],
        train_dataset=_places(job),
        processing_class=tokenizer,
        callbacks=more["callbacks"],
    )


def _grpo(job: Job, model: Any, tokenizer: Any, more: dict[str, Any]) -> Any:
    s = job.settings.grpo
    config = GRPOConfig(
        **arguments(job, texts=s.generations),
        **_plain(),
        num_generations=s.generations,
        max_completion_length=s.answer_tokens,
        temperature=s.temperature,
        beta=s.beta,
        reward_weights=s.reward_weights or None,
        shuffle_dataset=False,
    )
    order = [int(i) for i in job.schedule.rows.reshape(-1)]
    trainer = Grpo(
        model=model,
        args=config,
        reward_funcs=more["rewards"],
        train_dataset=Dataset.from_dict({"prompt": [job.asked[i].text for i in order], "row": order}),
        processing_class=tokenizer,
        callbacks=more["callbacks"],
    )
    trainer.prompts = {one.text: job.shard.row(i)[0].tolist() for i, one in enumerate(job.asked)}
    return trainer


def _plain() -> dict[str, Any]:
    """TRL's own defaults that are wrong on a CPU, and dropout that it turns off in all methods alike."""
    return {"gradient_checkpointing": False, "disable_dropout": True}
