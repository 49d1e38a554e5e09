"""What an engine is given and what it gives back: plain data, so that any engine can be put behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.train.prompts import Asked
from headgate.train.schedule import Schedule
from headgate.train.settings import Settings
from headgate.train.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training with one seed."""

    base: Path  # model folder
    shard: Shard
    schedule: Schedule
    settings: Settings
    seed: int
    pad_id: int
    out: Path  # folder that the adapter is written to
    checkpoints: Path  # folder of checkpoints of this very job; a complete one is resumed from
    held: Shard | None = None  # rows to compute a loss on after training, where seeds are chosen by it
    start: Path | None = None  # folder of the adapter that training goes on from; None: a fresh one
    asked: tuple[Asked, ...] = ()  # prompts of the shard's rows, where answers are drawn and rewarded
    project: Path = Path()  # that files of rewards are relative to


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training gave."""

    losses: tuple[float, ...]  # mean loss of each step, in order
    measures: Mapping[str, tuple[float | None, ...]]  # what the method reports of each step, such as reward margins
    held_loss: float | None  # mean loss per token on the held rows
    resumed_from: int  # step of the checkpoint that this process began with; 0: from the start
    modules: tuple[str, ...]  # names of the modules that got an update, sorted
    wall_s: float
    cpu_s: float
    resolved: Mapping[str, Any] = field(default_factory=dict)  # every setting of the library, defaults included
