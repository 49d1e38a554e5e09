"""Decontamination looks at what stands beside the words of rows."""

from __future__ import annotations

import json

from headgate.curate.decontamination import BESIDE, leaks
from headgate.rows.row import Kind, Message, Row, ToolCall

ITEM = "How many boats can pass the lock in an hour when the gate has to be opened by hand?"


def row(reasoning: str = "", query: str = "oak") -> Row:
    """A row that says nothing of note."""
    call = ToolCall("search", json.dumps({"query": query}))
    turns = (Message("user", "Go on."), Message("assistant", "Well.", reasoning=reasoning, tool_calls=(call,)))
    return Row(kind=Kind.DEMONSTRATION, messages=turns)


def test_rows_that_hold_an_item_in_reasoning_or_a_call_go() -> None:
    """The reason says that it stands there."""
    item = Row(kind=Kind.ITEM, messages=(Message("user", ITEM), Message("assistant", "Nine.")))
    rows = [row(), row(reasoning=f"So. {ITEM}"), row(query=ITEM)]
    found = leaks(rows, [item], share=0.5, threshold=0.8)
    assert [(1, 0, BESIDE), (2, 0, BESIDE)] == [(leak.position, leak.item, leak.reason) for leak in found]
