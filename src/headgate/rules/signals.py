"""What a row says of the feedback that it came from: who did what, where, to which end.

These stand in `side.extra`, under the names that feedback records use: `signal` (thumbs, edit, click, ...),
`purpose`, `actor`, `actor_role`, `environment`, `surface`, `reason`, `accepted_by`, `promoted`, `original_answer` (the
answer that was corrected), `reviewed` (what a person who looked at the row said of it). A row that has none of
them came from no feedback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, chained
from headgate.text.tape import Positions

NAMES: Mapping[str, tuple[str, ...]] = {
    "signal": ("signal", "metric_name"),
    "purpose": ("purpose", "stated_purpose"),
    "actor": ("actor", "actor_id", "created_by", "authorUserId"),
    "role": ("actor_role",),
    "environment": ("environment", "env", "langfuse.environment"),
    "surface": ("surface", "channel"),
    "reason": ("reason_code", "reason"),
    "accepted": ("accepted_by", "approved_by"),
    "promoted": ("promoted",),
    "original": ("original_answer", "original_output", "answer_before", "original"),
    "reviewed": ("reviewed",),
}
# Any of these makes a row one that came from feedback; names such as `reason` or `original` alone do not.
TELLING = frozenset(
    {
        "signal", "metric_name", "purpose", "stated_purpose", "actor_role", "reason_code", "accepted_by",
        "original_answer", "original_output", "answer_before", "reviewed",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """The feedback behind one row; empty texts where nothing is said."""

    signal: str = ""
    purpose: str = ""
    actor: str = ""
    role: str = ""
    environment: str = ""
    surface: str = ""
    reason: str = ""
    accepted: str = ""
    promoted: str = ""
    original: str = ""
    reviewed: str = ""


def signal_of(row: Row) -> Signal | None:
    """The feedback behind a row; None where the row came from none."""
    held: dict[str, Any] = dict(row.side.extra)
    if isinstance(metadata := held.get("metadata"), dict):
        held = {**metadata, **held}
    if TELLING.isdisjoint(held):
        return None
    told = {ours: next((_text(held[n]) for n in names if held.get(n) is not None), "") for ours, names in NAMES.items()}
    if not told["original"] and row.rejected:
        told["original"] = "\n".join(turn.content for turn in row.rejected[0] if turn.role == "assistant")
    told["actor"] = told["actor"] or row.side.annotator or row.side.user or ""
    return Signal(**told)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Which rows came from feedback."""

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """Options change nothing."""
        return cls()

    def find(self, block: Corpus) -> Arrays:
        """Those of a block."""
        places = [place for place, row in enumerate(block) if signal_of(row) is not None]
        return {"rows": np.array(places, dtype=np.uint32)}

    def put_together(self, found: Sequence[Found]) -> Positions:
        """Those of all blocks, ascending."""
        return chained(found, "rows", np.int64, numbers=True)


def rows_of_feedback(rows: Corpus) -> list[tuple[Row, Signal]]:
    """The rows that came from feedback, each with what is said of it; they are held in memory, the others not."""
    places: Positions = rows.ask(Feedback())
    rows.fetch(places.tolist())
    told = ((row, signal_of(row)) for row in (rows[place] for place in places.tolist()))
    return [(row, signal) for row, signal in told if signal is not None]


def corrected_text(row: Row) -> str:
    """What the feedback put in place of the answer."""
    chosen = "\n".join(turn.content for turn in row.chosen if turn.role == "assistant")
    return chosen or "\n".join(turn.content for turn in row.answer)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""
