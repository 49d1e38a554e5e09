"""Replacing spans in a row: every text, with masks that follow."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

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


def digits(text: str) -> list[Replacement]:
    """Four digits and more become "[N]", and eight and more behind the word "phone" become "[P]"."""
    found = []
    for match in re.finditer(r"(?P<said>phone[ \w]*: )?(?P<n>\d{4,})", text):
        kind = "phone" if match["said"] and len(match["n"]) >= 8 else "n"
        found.append(Replacement(match.start("n"), match.end("n"), f"[{kind[0].upper()}]", kind))
    return found


@pytest.mark.parametrize(
    ("given", "wanted", "kinds"),
    [
        ('{"n": 12345, "m": 12}', '{"n": "[N]", "m": 12}', ["n"]),
        ('{"phoneNumber": 12345678}', '{"phoneNumber": "[P]"}', ["phone"]),
        ('{"phone_numbers": [12345678, "87654321"]}', '{"phone_numbers": ["[P]", "[P]"]}', ["phone", "phone"]),
        ('{"12345": {"a": -12345.5}}', '{"[N]": {"a": "-[N].5"}}', ["n", "n"]),
        ('{"a": "say \\"1234\\" \\u00e9"}', '{"a": "say \\"[N]\\" \\u00e9"}', ["n"]),
        ('{"q": "{\\"n\\": 12345}"}', '{"q": "{\\"n\\": \\"[N]\\"}"}', ["n"]),
        ('[1.50, 1e3, true, null, "12"]', '[1.50, 1e3, true, null, "12"]', []),
    ],
)
def test_json_stays_json(given: str, wanted: str, kinds: list[str]) -> None:
    """Strings, numbers and keys are replaced at any depth, a number becomes a string, the rest keeps its spelling."""
    call = ToolCall("f", given)
    masked = mask_row(Row(kind=Kind.TEXT, messages=(Message("assistant", tool_calls=(call,)),)), digits)
    (made,) = masked.row.messages[0].tool_calls
    assert (made.arguments, dict(masked.counts)) == (wanted, dict(Counter(kinds)))
    json.loads(made.arguments)


def test_arguments_that_are_no_json_are_replaced_as_text() -> None:
    """A broken call is data too; it is no less broken afterwards."""
    row = Row(kind=Kind.TEXT, messages=(Message("assistant", tool_calls=(ToolCall("f", '{"n": 12345'),)),))
    assert mask_row(row, digits).row.messages[0].tool_calls[0].arguments == '{"n": [N]'


def test_other_keys_of_the_file_and_schemas_of_tools_are_replaced() -> None:
    """A number beside the words is a number like any other; true is none."""
    extra = {"phone": 12345678, "ok": True, "deep": {"99999": [1.25]}, "json": '{"n": 12345}'}
    row = Row(kind=Kind.TEXT, tools='[{"default": 12345}]', side=Side(extra=extra))
    made = mask_row(row, digits).row
    assert made.tools == '[{"default": "[N]"}]'
    assert made.side.extra == {"phone": "[P]", "ok": True, "deep": {"[N]": [1.25]}, "json": '{"n": "[N]"}'}


def test_a_value_split_over_two_turns_loses_both_halves() -> None:
    """Of one speaker, another one's turn between them or not; masks follow; what stands further apart stays."""

    def eight(text: str) -> list[Replacement]:
        return [Replacement(m.start(), m.end(), "[N]", "n") for m in re.finditer(r"\d{4} \d{4}", text)]

    turns = (
        Message("user", "it is 1234 ...", masked=((6, 10),)),
        Message("assistant", "go on"),
        Message("user", "5678, thanks. And 4321"),
        Message("user", "8765 too"),
        Message("assistant", "noted 1111"),
        Message("assistant", "", tool_calls=(ToolCall("f", "{}"),)),
        Message("user", "fine"),
        Message("assistant", "2222"),
    )
    masked = mask_row(Row(kind=Kind.TEXT, messages=turns), eight)
    said = [turn.content for turn in masked.row.messages]
    assert said == ["it is [N] ...", "go on", "[N], thanks. And [N]", "[N] too", "noted 1111", "", "fine", "2222"]
    assert masked.row.messages[0].masked == ((6, 9),)
    assert masked.counts == {"n": 2}
