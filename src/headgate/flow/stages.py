"""The stages that a flow file may name, in flow order, and where each one lives."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its section of the flow file and its room."""

    name: str
    transition: str  # what a pass lets through
    room: str | None  # package that holds `run.py` and `settings.py`; None: known to the design, not built yet

    @property
    def settings(self) -> type:
        """The dataclass of the stage's section."""
        settings: type = importlib.import_module(f"{self.room}.settings").Settings
        return settings

    @property
    def module(self) -> ModuleType:
        """The module with `run(ledger, settings, *, context)`."""
        return importlib.import_module(f"{self.room}.run")

    def depends_on(self, *arguments: Any) -> Any:
        """What else than settings, files and earlier outputs decides whether the stage must run again."""
        ask = getattr(self.module, "depends_on", None)
        return ask(*arguments) if ask else None


STAGES = (
    Stage("capture", "signal to row", "headgate.capture"),
    Stage("generate", "row to synthetic row", None),
    Stage("curate", "row to dataset version", "headgate.curate"),
    Stage("check", "dataset version to run", "headgate.check"),
    Stage("train", "run to candidate", "headgate.train"),
    Stage("evaluate", "candidate to scores", "headgate.evaluate"),
    Stage("gate", "scores to decision", "headgate.gate"),
    Stage("release", "decision to release", "headgate.release"),
    Stage("serve", "release to serving", None),
)
NAMES = tuple(stage.name for stage in STAGES)


def stage(name: str) -> Stage:
    """The stage of that name."""
    return next(one for one in STAGES if one.name == name)
