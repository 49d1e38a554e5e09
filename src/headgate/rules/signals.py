"""What a row says of the feedback that it came from: who did what, where, to which end.

These stand in `side.extra`, under the names that feedback records use: `signal` (thumbs, edit, click, ...),
`purpose`, `actor`, `actor_role`, `environment`, `surface`, `reason`, `accepted_by`, `promoted`, `original_answer` (the
answer that was corrected), `reviewed` (what a person who looked at the row said of it). A row that has none of
them came from no feedback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.rows.row import Row

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


def corrected_text(row: Row) -> str:
    """What the feedback put in place of the answer."""
    chosen = "\n".join(turn.content for turn in row.chosen if turn.role == "assistant")
    return chosen or "\n".join(turn.content for turn in row.answer)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""
