"""What every engine that tunes an adapter shares: the adapter, the library's settings, what is watched and saved."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import PrinterCallback, Trainer, TrainerCallback

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.progress import Advance
from headgate.models.adapter import CONFIG, TENSORS, canonical_bytes, canonical_config, read_config
from headgate.models.adapter_layout import PREFIX
from headgate.models.engines.transformers_local import wrapped
from headgate.train.engines.checkpoints import mark_complete
from headgate.train.job import Job

WHERE = ("output_dir", "logging_dir", "run_name", "hub_token", "push_to_hub_token")  # paths and secrets of a machine


@dataclass
class Told:
    """What a training measured so far; goes into each checkpoint, so that a resumed run has all of it."""

    losses: list[float] = field(default_factory=list)
    measures: dict[str, list[float | None]] = field(default_factory=dict)
    probes: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the seal of a checkpoint."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def add(self, loss: float, step: int) -> None:
        """Adds a part of the loss of a step, counted from 0."""
        if len(self.losses) <= step:
            self.losses.append(0.0)
        self.losses[-1] += loss


def with_adapter(base: Any, job: Job) -> Any:
    """The base with a fresh adapter, whose first values depend on the seed alone, or with the one to go on from.

    Raises:
        Refused: the base has no modules of the names that were asked for, or one is an embedding.
    """
    torch.manual_seed(job.seed)
    if job.start is not None:
        settings = canonical_config(read_config(job.start))
        model = _lean(wrapped(base, LoraConfig.from_peft_type(**settings)))
        set_peft_model_state_dict(model, load_file(job.start / TENSORS))
        return model
    shape = job.settings.adapter
    config = LoraConfig(
        r=shape.rank,
        lora_alpha=int(shape.alpha) if shape.alpha == int(shape.alpha) else shape.alpha,
        lora_dropout=shape.dropout,
        target_modules=job.settings.targets,
        task_type="CAUSAL_LM",
    )
    try:
        model = _lean(wrapped(base, config))
    except ValueError as error:
        raise Refused("the adapter cannot be put on this base", file=str(job.base), found=str(error)) from None
    if looked_up := sorted(name for name, one in model.named_modules() if len(getattr(one, "lora_embedding_A", ()))):
        raise Refused(
            "an update of an embedding can be neither served nor combined",
            found=f"targets names {looked_up[0].removeprefix(PREFIX)}",
            wanted="linear layers: all-linear, or names such as q_proj, down_proj or lm_head",
        )
    return model


def _lean(model: Any) -> Any:
    """Saves no copy of the base's embeddings beside an update of `lm_head`: they did not change, and it is plain so."""
    model.save_pretrained = functools.partial(model.save_pretrained, save_embedding_layers=False)
    return model


def arguments(job: Job, *, texts: int = 1) -> dict[str, Any]:
    """Settings that every trainer of the library takes; what is not named here keeps its default and is recorded.

    `texts`: sequences that one row of the schedule takes up in a batch.
    """
    s = job.settings
    micro = s.micro_batch or s.batch // s.processes
    return {
        "output_dir": str(job.checkpoints),
        "max_steps": job.schedule.steps,
        "per_device_train_batch_size": micro * texts,
        "gradient_accumulation_steps": s.batch // (micro * s.processes),
        "learning_rate": s.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if s.decay == "constant" else s.decay,
        "warmup_steps": round(s.warmup * job.schedule.steps),
        "weight_decay": s.weight_decay,
        "max_grad_norm": s.clip,
        "optim": "adamw_torch",
        "seed": job.seed,
        "data_seed": job.seed,
        "train_sampling_strategy": "sequential",
        "use_cpu": s.device == "cpu" or not torch.cuda.is_available(),
        "bf16": s.precision == "bfloat16",
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
        "save_strategy": "steps" if s.save_every else "no",
        "save_steps": s.save_every or 500,
        "save_total_limit": 2,
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


class Watch(TrainerCallback):
    """Moves the progress bar and seals checkpoints."""

    def __init__(self, job: Job, told: Told, advance: Advance) -> None:
        self._job, self._told, self._advance = job, told, advance

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """One step is done."""
        self._advance(1)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the library's signature
        """The library has written a checkpoint: it counts once its seal is on disk."""
        if not state.is_world_process_zero:
            return
        mark_complete(self._job.checkpoints / f"checkpoint-{state.global_step}", self._told.as_json())


def _matters(record: logging.LogRecord) -> bool:
    """Not on a file system of containers: checkpoints ordered by their step, not by their time, are what is wanted."""
    return "falling back to numerical ordering" not in record.getMessage()


def quiet(trainer: Trainer) -> Any:
    """A trainer that prints nothing: what it would print is recorded."""
    trainer.remove_callback(PrinterCallback)
    logging.getLogger("transformers.trainer_utils").addFilter(_matters)
    return trainer


def settings_of(trainer: Any) -> dict[str, Any]:
    """Every setting of the library as it was used, defaults included."""
    return {key: value for key, value in trainer.args.to_dict().items() if key not in WHERE}


def tuned_modules(model: Any) -> tuple[str, ...]:
    """Names of the modules that got an update, sorted."""
    return tuple(sorted(name for name, one in model.named_modules() if hasattr(one, "lora_A")))


def save_in(model: Any, job: Job, folder: Path) -> None:
    """Writes tensors and settings; PEFT's own settings file holds a path and sets in random order."""
    model.save_pretrained(folder, safe_serialization=True, selected_adapters=["default"])
    with atomic_write(folder / CONFIG) as stream:
        stream.write(canonical_bytes(read_config(folder), job.base.name))
    for path in folder.iterdir():
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
