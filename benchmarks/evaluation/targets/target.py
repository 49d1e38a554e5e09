"""One target of evaluation: where its numbers are, how they read, and when it is met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target: where its numbers are, how they read, and when it is met."""

    id: str
    asked: str
    results: str  # committed file, from the root of the repository
    measured: Callable[[Results], str]
    met: Callable[[Results], bool | None]  # None: not measured as asked
    command: str
    data: str
    held_out: str
    tests: tuple[str, ...] = ()  # file::name of tests that show it too
    note: str = ""


def points(share: float) -> str:
    """A share as signed points."""
    return f"{share * 100:+.1f}"
