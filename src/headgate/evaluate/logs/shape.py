"""What every log comes down to: who was asked what, under which settings, and how each sample ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.evaluate.scorers import Mark
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json

NO_ANSWER, CUT_OFF, NO_SCORE, NOT_A_NUMBER = (
    "empty answer",
    "cut off at the token limit",
    "the log has no score",
    "the score is not a number",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One sample: one answer to one item."""

    key: str  # what the log calls the item
    repeat: int  # of the item, from 1
    question: str  # empty where the log does not hold it
    target: str
    mark: Mark
    value: float | None = None  # 0 to 1 where it was scored
    reason: str = ""
    answer: str = ""  # at most 200 characters
    prompt: str = ""  # digest of what the model was shown; empty where the log does not tell
    cluster: str = ""  # items with the same one are not independent
    where: str = ""  # line, member or sample of the file


@dataclass(frozen=True, kw_only=True)
class Log:
    """One run of one task on one model. The entries are read from the file as they are asked for, once."""

    format: str  # "inspect", "lm-eval" or "promptfoo"
    files: Mapping[str, str]  # name of each file that was read, and its digest
    task: str
    model: str
    entries: Iterator[Entry] = field(compare=False)
    task_version: str = ""
    metric: str = ""
    tool: str = ""  # version of what wrote the log
    created: str = ""  # ISO 8601, as the log has it
    shots: int | None = None  # examples in the prompt; None: the log does not tell
    sampling: Mapping[str, Any] | None = None  # None: the log does not tell how answers were drawn
    manner: Mapping[str, Any] = field(default_factory=dict)  # what else must be alike: template, solver, scorer
    expected: int | None = None  # samples that the log says it holds

    @property
    def file(self) -> str:
        """The file that holds the samples."""
        return list(self.files)[-1]

    def about(self) -> dict[str, Any]:
        """What is recorded of the log beside its outcomes."""
        return {
            "format": self.format,
            "files": dict(self.files),
            "task": self.task,
            "task_version": self.task_version,
            "metric": self.metric,
            "tool": self.tool,
            "created": self.created,
            "shots": self.shots,
            "sampling": dict(self.sampling) if self.sampling is not None else None,
            "manner": dict(self.manner),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to take where a log holds more than one thing."""

    task: str = ""
    model: str = ""
    metric: str = ""


def chosen(what: str, wanted: str, offered: list[str], *, file: str, option: str) -> str:
    """The one thing to take of several.

    Raises:
        Refused: nothing is offered, the wanted one is not among them, or several are there and none was named.
    """
    if not offered:
        raise Refused(f"a log without a {what}", file=file)
    shown = ", ".join(offered[:12])
    if wanted:
        if wanted not in offered:
            raise Refused(f"no such {what} in the log", file=file, found=repr(wanted), wanted=shown)
        return wanted
    if len(offered) > 1:
        raise Refused(f"{len(offered)} {what}s in one log", file=file, found=shown, next_step=f"{option} {offered[0]}")
    return offered[0]


def scored(value: Any, *, file: str, where: str) -> tuple[Mark, float | None, str]:
    """Mark, score from 0 to 1, and why there is none.

    Raises:
        Refused: a number outside 0..1, which no pass or fail can be read from.
    """
    if value is None:
        return Mark.UNSCORED, None, NO_SCORE
    if not isinstance(value, bool | int | float):
        return Mark.UNSCORED, None, f"the score is a {type(value).__name__}, not a number"
    number = float(value)
    if math.isnan(number):
        return Mark.UNSCORED, None, NOT_A_NUMBER
    if not 0 <= number <= 1:
        raise Refused(
            "a score that is no share", file=file, found=f"{value} at {where}", wanted="0 to 1",
            next_step="choose another metric with --metric",
        )  # fmt: skip
    return (Mark.PASS if number >= 0.5 else Mark.FAIL), number, ""


def digest_of(value: Any) -> str:
    """Address of any part of a log; numbers that are none become words."""
    return digest_json(plain(value))


def plain(value: Any) -> Any:
    """A part of a log as canonical JSON can hold it: text keys, and words for numbers that are none."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
