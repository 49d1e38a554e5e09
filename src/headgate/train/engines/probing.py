"""Probes while training: a loss on rows that are not trained on, and drift from the base; early stop.

A probe looks and changes nothing: no random number is drawn, and modes are put back. Where the best one
is to be handed on, the adapter of each probe that is the best so far is kept until the training ends.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from headgate.models.engines.drift import Drift, looking
from headgate.train.engines.checkpoints import clear
from headgate.train.engines.tuning import Told, save_in
from headgate.train.job import Job

Measure = Callable[[], float]


class Probing(TrainerCallback):
    """Measures at the steps that the job names, stops where its settings say so."""

    def __init__(self, job: Job, told: Told, model: Any) -> None:
        self._job, self._told, self._model = job, told, model
        self.measure: Measure | None = None  # mean loss on the probed rows; lower is better
        self.govern: Callable[[int], str] | None = None  # scores rewards and outcomes; why training ends by them
        self._drift = (
            Drift(model, job.drift_prompts, job.settings.probe.drift_tokens, job.pad_id) if job.drift_prompts else None
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the library's signature
        """Probes after the steps that are due."""
        step = int(state.global_step)
        if step not in self._job.probe_steps:
            return
        found: dict[str, Any] = {"step": step}
        with looking(self._model):
            if self.measure is not None:
                found["loss"] = self.measure()
            if self._drift is not None:
                found["drift"] = self._drift.measured()
        best = lowest(self._told.probes)
        self._told.probes.append(found)
        if state.is_world_process_zero and self._job.settings.probe.keep == "best" and found.get("loss", best) < best:
            save_in(self._model, self._job, probe_folder(self._job, step))
        with looking(self._model):
            governed = self.govern(step) if self.govern is not None else ""
        if why := governed or stops(self._told.probes, self._job):
            self._told.stopped = f"after step {step}: {why}"
            control.should_training_stop = True


def lowest(probes: Sequence[dict[str, Any]]) -> float:
    """The lowest loss of some probes; infinite where there is none."""
    return min((float(one["loss"]) for one in probes if "loss" in one), default=math.inf)


def stops(probes: Sequence[dict[str, Any]], job: Job) -> str:
    """Why training ends early; empty: it goes on."""
    s = job.settings.probe
    drift = probes[-1].get("drift")
    if s.drift_limit and drift is not None and drift > s.drift_limit:
        return f"first tokens drifted by {drift:.3f} nats from the base, limit {s.drift_limit:g}"
    losses = [one["loss"] for one in probes if "loss" in one]
    if s.patience and len(losses) > s.patience and min(losses[-s.patience :]) >= min(losses[: -s.patience]):
        return f"the loss on {s.split} did not fall in {s.patience} probes"
    return ""


def hand_on(job: Job, told: Told) -> int:
    """Puts the adapter of the best probe in place of the last one where the settings ask for it; its step."""
    last = len(told.losses)
    known = [(one["loss"], one["step"]) for one in told.probes if "loss" in one]
    if job.settings.probe.keep != "best" or not known:
        return last
    _, step = min(known)
    if step != last:
        shutil.rmtree(job.out, ignore_errors=True)
        shutil.copytree(probe_folder(job, step), job.out)
    return int(step)


def finish(trainer: Any, model: Any, job: Job, told: Told) -> int:
    """Writes the adapter that goes on and removes what only an unfinished training needs; the adapter's step."""
    if not trainer.is_world_process_zero():
        return len(told.losses)
    save_in(model, job, job.out)
    kept = hand_on(job, told)
    clear(job.checkpoints)
    return kept


def mean_of(parts: Sequence[tuple[float, float]]) -> float:
    """Mean loss over rows with weights."""
    return sum(one for one, _ in parts) / sum(weight for _, weight in parts)


def probe_folder(job: Job, step: int) -> Path:
    """Where the adapter of a probe lies until the training ends."""
    return job.checkpoints / f"probe-{step}"
