"""A past evaluation run as rules are told of it: which items failed, and which training rows came after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, chained

KEYS = ("failed", "passed", "at", "added")
AFTER, BEFORE, UNKNOWN = range(3)  # whether a row came after the run


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """Outcome of one run. Names are addresses, content addresses or own ids of rows."""

    failed: frozenset[str]  # items
    passed: frozenset[str]  # items
    at: datetime | None = None  # rows created later were added after the run
    added: frozenset[str] | None = None  # rows that were added after it, where that is known

    @classmethod
    def of(cls, body: Mapping[str, Any] | PastRun) -> PastRun:
        """From a JSON object with `failed`, `passed` and `at` or `added`.

        Raises:
            Refused: an unknown key, or no item of either outcome.
        """
        if isinstance(body, PastRun):
            return body
        unknown = sorted(set(body) - set(KEYS))
        if unknown or not body.get("failed") or not body.get("passed"):
            found = ", ".join(unknown) or "no failed or no passed items"
            raise Refused("not a past run", found=found, wanted="failed, passed, and at or added")
        return cls(
            failed=frozenset(body["failed"]),
            passed=frozenset(body["passed"]),
            at=parse_moment(body["at"]) if body.get("at") else None,
            added=frozenset(body["added"]) if body.get("added") is not None else None,
        )

    def outcomes(self, items: Iterable[Row]) -> dict[int, bool]:
        """Whether each item failed, by its number; items that the run does not name are left out."""
        out = {}
        for place, item in enumerate(items):
            names = {name for name in (item.id, item.content_id, item.side.id) if name}
            if names & self.failed or names & self.passed:
                out[place] = bool(names & self.failed)
        return out

    def came_after(self, row: Row) -> bool | None:
        """Whether a row was added after the run; None where nothing tells."""
        if self.added is not None:
            return any(name in self.added for name in (row.id, row.content_id, row.side.id) if name)
        if self.at is None:
            return True
        if not row.side.created_at:
            return None
        try:
            return parse_moment(row.side.created_at) > self.at
        except Refused:
            return None


@dataclass(frozen=True)
class After:
    """Which rows came after a run."""

    at: str  # ISO 8601; empty: not told
    added: tuple[str, ...]  # names of the rows that came after it
    named: bool  # whether these are all that came after it

    @classmethod
    def run(cls, run: PastRun) -> Self:
        """The question about one run."""
        return cls(run.at.isoformat() if run.at else "", tuple(sorted(run.added or ())), run.added is not None)

    @cached_property
    def told(self) -> PastRun:
        """The run, without its outcomes."""
        at, added = parse_moment(self.at) if self.at else None, frozenset(self.added) if self.named else None
        return PastRun(failed=frozenset(), passed=frozenset(), at=at, added=added)

    def find(self, block: Corpus) -> Arrays:
        """What a block says."""
        states = {True: AFTER, False: BEFORE, None: UNKNOWN}
        return {"state": np.array([states[self.told.came_after(row)] for row in block], dtype=np.uint8)}

    def put_together(self, found: Sequence[Found]) -> NDArray[np.uint8]:
        """AFTER, BEFORE or UNKNOWN for each row; shape (N,)."""
        return chained(found, "state", np.uint8)
