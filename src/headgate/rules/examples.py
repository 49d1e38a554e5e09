"""A piece of a real answer around what a rule found in it, for people who read reports."""

from __future__ import annotations

from typing import Any

from headgate.rows.row import Row

AROUND = 140  # characters shown on each side
ASKED = 200  # characters of what was asked


def shown(row: Row, start: int, end: int, number: int) -> dict[str, Any]:
    """Where it stands, what was asked, the answer around it, and where in that piece it is; JSON-able."""
    text = row.answer_text
    first, last = max(start - AROUND, 0), min(end + AROUND, len(text))
    before = ("…" if first else "") + text[first:start]
    after = text[end:last] + ("…" if last < len(text) else "")
    asked = " ".join(row.prompt_text.split())
    return {
        "place": str(row.place or number),
        "row": row.id,
        "asked": asked if len(asked) <= ASKED else f"{asked[: ASKED - 1]}…",
        "text": before + text[start:end] + after,
        "start": len(before),
        "end": len(before) + end - start,
    }
