"""The verdict: the one answer that every rule, suite and gate gives.

A verdict is made only in `stats`, from a measure with an interval and a threshold, so that no
author of a rule can forget that the data may be too small to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import eq
from typing import Any, overload

FINDINGS_SHOWN = 50  # findings listed in JSON; `findings_total` counts all
QUOTED = re.compile(r"(?<!\w)(?:'[^'\n]+'|\"[^\"\n]+\"|\u201c[^\u201d\n]+\u201d|\u2018[^\u2019\n]+\u2019)(?!\w)")


class Outcome(StrEnum):
    """What a verdict says. `skipped` means that an input the rule needs was not given."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    SKIPPED = "skipped"


class Level(StrEnum):
    """What a failing verdict does: `block` stops a transition, `warn` and `note` only speak."""

    NOTE = "note"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An effect with its interval: what was measured, not what was decided."""

    name: str  # such as "leaked items"
    value: float
    low: float  # lower end of the interval
    high: float  # upper end of the interval
    unit: str  # "share", "points", "rows", ...
    n: int  # number of independent units measured
    smallest_visible: float  # smallest effect that this n can tell from the threshold
    level: float = 0.95  # of the interval

    def as_json(self) -> dict[str, Any]:
        """As printed in the verdict; numbers to six significant digits."""
        numbers = {name: _rounded(getattr(self, name)) for name in ("value", "low", "high")}
        out: dict[str, Any] = {"name": self.name, **numbers, "unit": self.unit, "n": self.n}
        out["smallest_visible"] = _rounded(self.smallest_visible)
        if self.level != 0.95:
            out["level"] = _rounded(self.level)  # a reader takes an interval for 95 % unless told
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file that the user gave."""

    file: str
    line: int  # 1-based

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row that a rule points at. Holds no copy of the row's text beyond what the message quotes."""

    message: str
    place: Place | None = None
    row: str | None = None  # content address
    other: Place | None = None  # the partner row, where there is one
    other_row: str | None = None
    remedy: str = ""  # "drop", "mend", "review", "keep"; empty where nothing is proposed
    slice: str | None = None
    replacement: Mapping[str, str] | None = None  # for remedy "mend": wrong spelling -> right spelling

    def as_json(self) -> dict[str, Any]:
        """As printed in the verdict; absent parts are left out."""
        out: dict[str, Any] = {}
        if self.place:
            out |= {"file": self.place.file, "line": self.place.line}
        if self.row:
            out["row"] = self.row
        if self.other or self.other_row:
            out["other"] = ({"file": self.other.file, "line": self.other.line} if self.other else {}) | (
                {"row": self.other_row} if self.other_row else {}
            )
        if self.slice:
            out["slice"] = self.slice
        out["message"] = self.message
        if self.remedy:
            out["remedy"] = self.remedy
        if self.replacement:
            out["replacement"] = dict(self.replacement)
        return out


class Findings(Sequence[Finding]):
    """Findings that are made when somebody looks at them: a file may have millions, a surface shows fifty.

    `make` gives the finding at a position; `ready` is told which positions come next, so that what they
    need can be read in one go. `remedies` are those that occur among them.
    """

    BLOCK = 512  # findings made ready at a time

    def __init__(
        self,
        total: int,
        make: Callable[[int], Finding],
        ready: Callable[[range], object] | None = None,
        remedies: Iterable[str] = (),
    ) -> None:
        self.remedies = frozenset(remedies)
        self._total = total
        self._make = make
        self._ready = ready

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        chosen = range(self._total)[index]
        return tuple(self._made(chosen)) if isinstance(chosen, range) else self._make(chosen)

    def __iter__(self) -> Iterator[Finding]:
        return self._made(range(self._total))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return f"<{self._total:,} findings>"

    def __reduce__(self) -> tuple[type, tuple[tuple[Finding, ...]]]:
        return tuple, (tuple(self),)

    def _made(self, chosen: range) -> Iterator[Finding]:
        for first in range(0, len(chosen), self.BLOCK):
            block = chosen[first : first + self.BLOCK]
            if self._ready:
                self._ready(block)
            yield from map(self._make, block)


def remedies_of(findings: Sequence[Finding]) -> frozenset[str]:
    """The remedies that findings propose; of findings that are not made yet, none is made for it."""
    if isinstance(findings, Findings):
        return findings.remedies
    return frozenset(finding.remedy for finding in findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome, measure, threshold and findings of one question asked of some data."""

    rule: str  # kebab-case name, such as "self-leak"
    code: str  # such as "DAT006"; empty for verdicts that no rule made
    failure: str  # slug of the failure that the question is about
    outcome: Outcome
    level: Level
    summary: str  # one line
    measure: Measure | None = None
    threshold: Mapping[str, float] = field(default_factory=dict)  # {"at_most": 0.0} or {"at_least": ...}
    findings: Sequence[Finding] = ()
    findings_total: int = 0
    next_step: str = ""  # a command where possible; printed as "try"
    reason: str = ""  # why skipped or unsure
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON-able extras: slice tables, counts

    @property
    def blocks(self) -> bool:
        """Whether this verdict stops a transition."""
        return self.level is Level.BLOCK and self.outcome in (Outcome.FAIL, Outcome.UNSURE)

    def at_level(self, level: Level) -> Verdict:
        """The same verdict at another level."""
        return replace(self, level=level)

    def as_json(self, shown: int = FINDINGS_SHOWN) -> dict[str, Any]:
        """The shape that every surface prints."""
        out: dict[str, Any] = {
            "rule": self.rule,
            "code": self.code,
            "failure": self.failure,
            "outcome": self.outcome.value,
            "level": self.level.value,
            "summary": self.summary,
            "measure": self.measure.as_json() if self.measure else None,
            "threshold": dict(self.threshold),
            "findings": [finding.as_json() for finding in self.findings[:shown]],
            "findings_total": max(self.findings_total, len(self.findings)),
        }
        if self.reason:
            out["reason"] = self.reason
        if self.details:
            out["details"] = dict(self.details)
        out["try"] = self.next_step
        return out


def unquoted(text: str) -> str:
    """A sentence without what it quotes."""
    return QUOTED.sub("[withheld]", text)


def worst(verdicts: Iterable[Verdict]) -> Outcome:
    """The outcome of many verdicts: a blocking failure, else a blocking doubt, else a pass.

    Verdicts at level `warn` or `note` speak in the report and leave the outcome as it is.
    """
    outcome = Outcome.PASS
    for verdict in verdicts:
        if verdict.level is not Level.BLOCK:
            continue
        if verdict.outcome is Outcome.FAIL:
            return Outcome.FAIL
        if verdict.outcome is Outcome.UNSURE:
            outcome = Outcome.UNSURE
    return outcome


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
