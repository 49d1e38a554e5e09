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
    probed: Shard | None = None  # rows that probes measure while training
    probe_steps: frozenset[int] = frozenset()  # steps after which probes are due
    drift_prompts: tuple[tuple[int, ...], ...] = ()  # token ids of prompts on which drift from the base is measured
    start: Path | None = None  # folder of the adapter that training goes on from; None: a fresh one
    asked: tuple[Asked, ...] = ()  # prompts of the shard's rows, where answers are drawn and rewarded
    other_asked: Mapping[str, Asked] = field(default_factory=dict)  # by row, of rows that are held or probed
    project: Path = Path()  # that files of rewards are relative to


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training gave."""

    losses: tuple[float, ...]  # mean loss of each step, in order
    measures: Mapping[str, tuple[float | None, ...]]  # what the method reports of each step, such as reward margins
    held_parts: tuple[tuple[float, float], ...]  # of held rows, alone or by batch: summed loss and its weight
    resumed_from: int  # step of the checkpoint that this process began with; 0: from the start
    modules: tuple[str, ...]  # names of the modules that got an update, sorted
    wall_s: float
    cpu_s: float
    resolved: Mapping[str, Any] = field(default_factory=dict)  # every setting of the library, defaults included
    probes: tuple[Mapping[str, Any], ...] = ()  # what each probe measured, in order
    scores: tuple[Mapping[str, Any], ...] = ()  # rewards and outcomes at each probe, before the first step too
    stopped: str = ""  # why training ended before its last step; empty: it did not
    kept_step: int = 0  # step that the adapter is from

    @property
    def held_loss(self) -> float | None:
        """Mean loss on the held rows; None: there are none."""
        weight = sum(one for _, one in self.held_parts)
        return sum(one for one, _ in self.held_parts) / weight if weight else None


def trained_of(plain: Mapping[str, Any]) -> Trained:
    """The same from JSON."""
    rest = {
        name: plain[name]
        for name in plain
        if name not in ("losses", "measures", "held_parts", "modules", "probes", "scores")
    }
    return Trained(
        losses=tuple(plain["losses"]),
        measures={name: tuple(line) for name, line in plain["measures"].items()},
        held_parts=tuple((part[0], part[1]) for part in plain["held_parts"]),
        modules=tuple(plain["modules"]),
        probes=tuple(plain["probes"]),
        scores=tuple(plain.get("scores", ())),
        **rest,
    )
