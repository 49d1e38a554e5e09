"""Walks a flow: runs each stage whose inputs changed, stops where one does not pass.

A stage is skipped when the ledger holds a passing step with the same key. The key covers the
resolved settings, the content of every file they name, the outputs of the stages above, the
version of headgate, and whatever else the stage says it depends on (claims and waivers change
without a file changing).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.flow.file import as_plain, resolved
from headgate.flow.judging import bind_uses, declare_judges
from headgate.flow.project import Project
from headgate.flow.protecting import FREEZES, protect_items
from headgate.flow.stages import Stage
from headgate.kit.errors import HeadgateError, Refused
from headgate.kit.hashing import digest_file, digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult, record_step, step_with_key, stored_result
from headgate.ledger.waivers import is_over
from headgate.rights.came_back import must_not_have_come_back
from headgate.stats.verdict import Outcome

COLUMNS_IN = {
    "curate": "[curate.decontaminate]",
    "evaluate": "[evaluate.suites.NAME]",
}  # where a stage is told how to read its files, if not in its own section


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One stage of a walk."""

    stage: Stage
    result: StepResult
    reused: bool  # nothing had changed, so the recorded answer stands
    seconds: float
    step: str  # ledger node


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The whole walk: how far it came and how it ended."""

    flow: str
    steps: tuple[Walk, ...]
    complete: bool  # every stage that was asked for was walked

    @property
    def outcome(self) -> Outcome:
        """That of the last stage walked: a walk stops at the first stage that does not pass."""
        return self.steps[-1].result.outcome if self.steps else Outcome.PASS

    @property
    def release(self) -> str | None:
        """Name of the release that the walk ended with."""
        last = self.steps[-1].result if self.steps else None
        return last.outputs.get("release") if last and last.outcome is Outcome.PASS else None

    @property
    def summary(self) -> str:
        """How it ended, in one sentence."""
        if not self.steps:
            return "nothing to do"
        last = self.steps[-1]
        if last.result.outcome is Outcome.PASS:
            return last.result.summary if self.release else f"came to the end of {last.stage.name}"
        return f"stopped at {last.stage.name} ({last.stage.transition}): {last.result.summary}"


def walk(
    project: Project,
    *,
    until: str | None = None,
    quiet: bool = True,
    told: Callable[[Walk], None] = lambda _: None,
    begun: Callable[[Stage], None] = lambda _: None,
) -> Walked:
    """Runs the flow up to and with the stage `until` (None: to its end).

    Raises:
        Refused: the flow has no such stage, another process walks it, or a stage found bad input; what
            earlier stages did is kept.
    """
    asked = _stages(project, until)
    steps: list[Walk] = []
    with project.alone(), project.ledger() as ledger:
        context = project.context(quiet=quiet)
        judges = declare_judges(ledger, project.flow.judging, context.work)
        for stage, settings in asked:
            begun(stage)
            if stage.name == FREEZES:
                must_not_have_come_back(ledger, project.store)
                protect_items(ledger, project, context)
            step = _step(ledger, project, stage, settings, context)
            bind_uses(ledger, judges, stage.name, step.result, reused=step.reused)
            steps.append(step)
            told(step)
            context = replace(
                context,
                outputs={**context.outputs, stage.name: step.result.outputs},
                steps={**context.steps, stage.name: step.step},
            )
            if step.result.outcome is not Outcome.PASS and not _goes_on(ledger, step, asked, context):
                break
    complete = len(steps) == len(asked) and (not steps or steps[-1].result.outcome is Outcome.PASS)
    return Walked(flow=project.flow.settings.name, steps=tuple(steps), complete=complete)


def files_named(settings: Any, folder: Path) -> dict[str, str]:
    """Digest of every file (and of every file in a folder) that a value of the settings names."""
    found: dict[str, str] = {}
    for text in _texts(settings):
        path = folder / text
        if not text or "\n" in text or len(text) > 1024 or not path.exists():
            continue
        inside = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        if text in (".", "..") or ".headgate" in path.parts:
            continue
        for one in inside:
            # Relative, so that the key is the same from wherever the command is typed.
            found[os.path.relpath(one, folder)] = digest_file(one)
    return found


def _step(ledger: Ledger, project: Project, stage: Stage, settings: Any, context: StageContext) -> Walk:
    started = time.perf_counter()
    key = digest_json(
        {
            "stage": stage.name,
            "flow": project.flow.settings.name,
            "settings": as_plain(settings),
            "files": files_named(as_plain(settings), project.folder),
            "above": {name: dict(outputs) for name, outputs in context.outputs.items()},
            "version": __version__,
            "more": stage.depends_on(ledger, settings, context),
        }
    )
    if known := step_with_key(ledger, stage.name, key):
        result = stored_result(known)
        if result.outcome is Outcome.PASS and not _waiver_ran_out(result, context):
            return Walk(stage=stage, result=result, reused=True, seconds=time.perf_counter() - started, step=known.id)
    try:
        result = stage.module.run(ledger, settings, context=context)
    except HeadgateError as error:
        error.what = f"{stage.name}: {error.what}"
        if (error.next_step or "").startswith(("--columns", "--format")):
            key = (error.next_step or "")[2:].split()[0]
            error.next_step = f"set {key} in {COLUMNS_IN.get(stage.name, f'[{stage.name}]')} of the flow file"
            error.next_step += ', such as columns = { prompt = "question" }' if key == "columns" else ""
        raise
    origins = {
        path: [value, origin] for path, value, origin in resolved(project.flow) if path.startswith(stage.name + ".")
    }
    node = record_step(ledger, result, key, settings=origins, flow=context.flow_name)
    return Walk(stage=stage, result=result, reused=False, seconds=time.perf_counter() - started, step=node)


def _goes_on(ledger: Ledger, step: Walk, asked: list[tuple[Stage, Any]], context: StageContext) -> bool:
    """Whether a walk goes on to the gate although this step did not pass: waived, or for the gate to judge."""
    from headgate.gate.waivers import ANSWERED_LATER, lets_through

    policy = next((settings.unsure for stage, settings in asked if stage.name == "gate"), None)
    if policy is None or step.stage.name not in ANSWERED_LATER:
        return False
    verdicts = step.result.verdicts
    return lets_through(ledger, verdicts, flow=context.flow_name, unsure=policy, now=context.now)


def _waiver_ran_out(result: StepResult, context: StageContext) -> bool:
    """Whether a recorded pass rests on a waiver whose last day is over."""
    waivers = [verdict.details["waived"] for verdict in result.verdicts if "waived" in verdict.details]
    return any(is_over(waiver["until"], context.now) for waiver in waivers)


def _stages(project: Project, until: str | None) -> list[tuple[Stage, Any]]:
    stages = list(project.flow.stages)
    if until is None:
        return stages
    names = [stage.name for stage, _ in stages]
    if until not in names:
        raise Refused(
            f"the flow has no [{until}]",
            file=str(project.flow.path),
            found=", ".join(f"[{name}]" for name in names),
            next_step=f"add a section [{until}]",
        )
    return stages[: names.index(until) + 1]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
