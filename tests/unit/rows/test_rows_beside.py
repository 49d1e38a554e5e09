"""What rows hold beside the words of their turns, piece by piece."""

from __future__ import annotations

import json

import pytest

from headgate.rows.beside import described, passages, sentences
from headgate.rows.row import Kind, Message, Row, ToolCall


def row(*turns: Message, tools: str = "") -> Row:
    """A demonstration."""
    return Row(kind=Kind.DEMONSTRATION, messages=(Message("user", "Go on."), *turns), tools=tools)


def test_reasoning_calls_and_other_parts_are_pieces_by_turn() -> None:
    """With their place, all their words, and the texts that stand by themselves."""
    arguments = json.dumps({"city": "Lyon", "days": [1, 2], "note": {"text": "by boat", "quiet": True, "no": None}})
    parts = json.dumps([{"type": "tool_result", "content": "It rains."}, {"type": "image", "data": "aGVsbG8="}])
    thinking = Message("assistant", "", reasoning="They want rain.", tool_calls=(ToolCall("weather", arguments),))
    told = row(thinking, Message("tool", "wet", parts=parts))
    assert [
        ("the reasoning of turn 2", "They want rain.", ("They want rain.",)),
        (
            "the arguments of weather in turn 2",
            "weather\ncity\nLyon\ndays\n1\n2\nnote\ntext\nby boat\nquiet\ntrue\nno",
            ("Lyon", "by boat"),
        ),
        ("another part of turn 3", "It rains.", ("It rains.",)),
    ] == [(piece.place, piece.text, piece.values) for piece in told.beside]
    assert told.reasoning_text == "They want rain."
    assert told.calls_text == "Lyon\nby boat"


def test_tools_are_their_descriptions() -> None:
    """Names and types are left out, and the descriptions are no part of what turns hold."""
    tools = [{"type": "function", "function": {"name": "f", "description": "Finds a boat.", "parameters": {"a": "b"}}}]
    told = row(Message("assistant", "yes"), tools=json.dumps(tools))
    assert [("tool", "Finds a boat.")] == [(piece.kind, piece.text) for piece in described(told)]
    assert ((), ()) == (told.beside, described(row(Message("assistant", "yes"))))


def test_alternatives_have_pieces_too() -> None:
    """Chosen and rejected answers."""
    told = Row(
        kind=Kind.PREFERENCE,
        messages=(Message("user", "Go on."),),
        chosen=(Message("assistant", "a", reasoning="good"),),
        rejected=((Message("assistant", "b", reasoning="bad"),),),
    )
    assert ["the reasoning of the chosen answer", "the reasoning of a rejected answer"] == [
        piece.place for piece in told.beside
    ]


@pytest.mark.parametrize("arguments", ["not JSON at all", "", "[" * 900 + "]" * 900, '"only a text"'])
def test_odd_arguments_are_read_as_they_are(arguments: str) -> None:
    """Whatever a file holds, and however deeply it is nested."""
    (piece,) = row(Message("assistant", "", tool_calls=(ToolCall("f", arguments),))).beside
    assert piece.text.split("\n") == ["f"] + [text for text in ("not JSON at all", "only a text") if text in arguments]


def test_long_lines_are_read_in_windows() -> None:
    """Four sentences each, two further each time, so that any three in a row stand together in one."""
    assert ["One. Two.", "A! B? C. D.", "C. D. E. F.", "E. F. G."] == list(
        passages("One. Two.\n\nA! B? C. D. E. F. G.")
    )


def test_sentences_and_what_is_quoted_stand_by_themselves() -> None:
    """Each once."""
    text = 'The user asks "where is my card" again. Where is it? Where is it?\nNo.'
    assert ['The user asks "where is my card" again.', "Where is it?", "No.", "where is my card"] == list(
        sentences(text)
    )
