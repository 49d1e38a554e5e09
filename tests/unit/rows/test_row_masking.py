"""Replacing spans in a row: every text, with masks that follow."""

from __future__ import annotations

from headgate.rows.masking import Replacement, mask_row
from headgate.rows.row import Kind, Message, Row, Side, ToolCall


def secret(text: str) -> list[Replacement]:
    """Every "bob" becomes "[NAME]"."""
    found, at = [], text.find("bob")
    while at >= 0:
        found.append(Replacement(at, at + 3, "[NAME]", "name"))
        at = text.find("bob", at + 3)
    return found


def test_every_text_is_read() -> None:
    """Messages, alternatives, calls, reasoning, steps and other keys are all replaced and counted."""
    row = Row(
        kind=Kind.PREFERENCE,
        messages=(Message("user", "bob", tool_calls=(ToolCall("f", '{"who": "bob"}'),), reasoning="bob?"),),
        chosen=(Message("assistant", "hi bob"),),
        rejected=((Message("assistant", "bob bob"),),),
        steps=(("ask bob", True),),
        side=Side(subject="bob", extra={"note": ["bob", {"deep": "bob"}], "n": 3}),
    )
    masked = mask_row(row, secret)
    assert masked.counts == {"name": 9}
    assert masked.row.messages[0].tool_calls[0].arguments == '{"who": "[NAME]"}'
    assert masked.row.side.extra == {"note": ["[NAME]", {"deep": "[NAME]"}], "n": 3}
    assert masked.row.side.subject == "bob"
    assert "bob" not in masked.row.text


def test_a_clean_row_is_the_same_row() -> None:
    """A row in which nothing is found is handed back as it is."""
    row = Row(kind=Kind.TEXT, messages=(Message("user", "hello"),))
    assert mask_row(row, secret).row is row


def test_masks_follow_the_text() -> None:
    """A masked span covers the same words after the text before, inside or around it has changed length."""
    text = "bob says: ask bob today, bob"
    spans = ((10, 17), (14, 23), (15, 20), (18, 23), (25, 28), (0, len(text)))
    row = Row(kind=Kind.TEXT, messages=(Message("user", text, masked=spans),))
    message = mask_row(row, secret).row.messages[0]
    assert [message.content[a:b] for a, b in message.masked] == [
        "ask [NAME]",
        "[NAME] today",
        "[NAME] to",
        "today",
        "[NAME]",
        "[NAME] says: ask [NAME] today, [NAME]",
    ]
