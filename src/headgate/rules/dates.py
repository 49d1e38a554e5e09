"""The question when each row was created, and to which group it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import numpy as np

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.row import NOTHING_KNOWN, Row
from headgate.rules.corpus import Corpus, key_hash
from headgate.rules.questions import Arrays, Found, chained
from headgate.text.tape import Hashes, Mask, Positions

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1) // MICROSECOND
DATE = len("2026-11-21")  # characters of a date without a time
DATED, MISSING, UNREADABLE = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """When N rows were created, in microseconds since the beginning of 1970 (UTC)."""

    state: Positions  # (N,): DATED, MISSING or UNREADABLE
    first: Positions  # (N,): the row was not created before; 0 where nothing tells
    last: Positions  # (N,): nor after
    groups: Hashes  # (N,): of the group; rows without one are one group

    @property
    def known(self) -> Mask:
        """Rows of which it is known; shape (N,)."""
        there: Mask = self.state == DATED
        return there

    def count(self, state: int) -> int:
        """Rows in a state."""
        return int((self.state == state).sum())


@dataclass(frozen=True, slots=True)
class Created:
    """When rows were created."""

    by: str  # group, conversation, subject, source, all, or slice.NAME
    also: tuple[str, ...] = ()  # further dates of a row; the latest counts

    @classmethod
    def of(cls, options: Any) -> Self:
        """As the options `by` and `also` have it."""
        return cls(options.by, tuple(options.also))

    def find(self, block: Corpus) -> Arrays:
        """Dates and groups of a block."""
        state = np.full(len(block), MISSING, dtype=np.uint8)
        moments = np.zeros(len(block), dtype=np.int64)
        days = np.zeros(len(block), dtype=bool)
        known = {"": key_hash("")}
        groups = np.full(len(block), known[""], dtype=np.uint64)
        for place, row in enumerate(block):
            if row.side is NOTHING_KNOWN:
                continue
            group = _group(row, self.by)
            groups[place] = known.get(group) or known.setdefault(group, key_hash(group))
            written = [row.side.created_at, *(row.side.extra.get(name) for name in self.also)]
            texts = [str(text).strip() for text in written if text not in (None, "")]
            try:
                read = [(moment_of(text), len(text) <= DATE) for text in texts]
            except (Refused, OverflowError):
                state[place] = UNREADABLE
                continue
            if read:
                state[place] = DATED
                moments[place], days[place] = max(read, key=lambda one: one[0])
        return {"state": state, "moments": moments, "days": days, "groups": groups}

    def put_together(self, found: Sequence[Found]) -> Dated:
        """Dates and groups of all rows."""
        first = chained(found, "moments", np.int64)
        last = first + np.where(chained(found, "days", np.bool_), DAY, 0)
        return Dated(chained(found, "state", np.int64), first, last, chained(found, "groups", np.uint64))


def moment_of(text: str) -> int:
    """Microseconds since the beginning of 1970 (UTC).

    Raises:
        Refused: the text is not ISO 8601.
        OverflowError: the moment is before the year 1 or after the year 9999 in UTC.
    """
    return (parse_moment(text) - BEGINNING) // MICROSECOND


def _group(row: Row, by: str) -> str:
    side = row.side
    if by.startswith("slice."):
        return str(side.slices.get(by.removeprefix("slice.")) or "")
    keys = {
        "group": side.group or side.conversation or side.subject,
        "conversation": side.conversation,
        "subject": side.subject,
        "source": side.source,
    }
    return keys.get(by) or ""
