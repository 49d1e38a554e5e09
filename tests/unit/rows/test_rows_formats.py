"""Every format and variant: told by its content, read into the one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from headgate.rows.formats import FORMATS
from headgate.rows.reading import read_rows
from headgate.rows.row import Kind, Message, Row, ToolCall

USER, SAID = Message("user", "Where is it?"), Message("assistant", "On its way.")
WORSE = Message("assistant", "No idea.")
SYSTEM = Message("system", "Be kind.")
ARGUMENTS = '{"order":7}'
CALLING = Message("assistant", tool_calls=(ToolCall("track", ARGUMENTS, "c1"),))
CALLED_TRL = Message("assistant", tool_calls=(ToolCall("track", ARGUMENTS),))
RESULT = Message("tool", "late", tool_call_id="c1")
TOOLS = [{"type": "function", "function": {"name": "track", "parameters": {}}}]
TOOLS_TEXT = '[{"type":"function","function":{"name":"track","parameters":{}}}]'
CHAT = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "On its way."}]
ASK, SAY, WORSE_TURN = CHAT[:1], CHAT[1:], [{"role": "assistant", "content": "No idea."}]
OPENAI_CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "track", "arguments": ARGUMENTS}}],
}
OBJECT_CALL = {
    "role": "assistant",
    "tool_calls": [{"type": "function", "function": {"name": "track", "arguments": {"order": 7}}}],
}
OPENAI_RESULT = {"role": "tool", "tool_call_id": "c1", "content": "late"}
GPT = [{"from": "human", "value": "Where is it?"}, {"from": "gpt", "value": "On its way."}]
ALPACA = {"instruction": "Where is it?", "input": "", "output": "On its way."}
PAIR = {"kind": Kind.PREFERENCE, "messages": (USER,), "chosen": (SAID,), "rejected": ((WORSE,),)}
JUDGED = {"kind": Kind.UNPAIRED, "messages": (USER,), "chosen": (SAID,), "label": False}
SHOWN = {"kind": Kind.DEMONSTRATION, "messages": (USER, SAID)}
ASKED = {"kind": Kind.PROMPT, "messages": (USER,)}

CASES: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "openai": ({"messages": CHAT}, "openai-sft", SHOWN),
    "openai developer, weights, name": (
        {
            "messages": [
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": "Where is it?", "name": "ann"},
                {"role": "assistant", "content": "On its way.", "weight": 0},
                {"role": "assistant", "content": "No idea.", "weight": 1},
            ]
        },
        "openai-sft",
        {
            "kind": Kind.DEMONSTRATION,
            "messages": (
                Message("developer", "Be kind."),
                Message("user", "Where is it?", name="ann"),
                Message("assistant", "On its way.", weight=0.0),
                Message("assistant", "No idea.", weight=1.0),
            ),
        },
    ),
    "openai tools": (
        {"messages": [*ASK, OPENAI_CALL, OPENAI_RESULT, *SAY], "tools": TOOLS},
        "openai-sft",
        {"kind": Kind.DEMONSTRATION, "messages": (USER, CALLING, RESULT, SAID), "tools": TOOLS_TEXT},
    ),
    "openai legacy functions": (
        {
            "messages": [
                *ASK,
                {"role": "assistant", "content": None, "function_call": {"name": "track", "arguments": ARGUMENTS}},
                {"role": "function", "name": "track", "content": "late"},
            ],
            "functions": [{"name": "track", "parameters": {}}],
        },
        "openai-sft",
        {
            "kind": Kind.DEMONSTRATION,
            "messages": (USER, CALLED_TRL, Message("tool", "late", name="track")),
            "tools": TOOLS_TEXT,
        },
    ),
    "openai parts": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Where is it?"},
                        {"type": "image_url", "image_url": {"url": "x"}},
                    ],
                },
                *SAY,
            ]
        },
        "openai-sft",
        {
            "kind": Kind.DEMONSTRATION,
            "messages": (Message("user", "Where is it?", parts='[{"type":"image_url","image_url":{"url":"x"}}]'), SAID),
        },
    ),
    "openai without an answer": ({"messages": ASK}, "openai-sft", ASKED),
    "openai preference": (
        {"input": {"messages": ASK, "tools": TOOLS}, "preferred_output": SAY, "non_preferred_output": WORSE_TURN},
        "openai-dpo",
        PAIR | {"tools": TOOLS_TEXT},
    ),
    "openai preference, older names": (
        {"input": {"messages": ASK}, "preferred_completion": SAY, "non_preferred_completion": WORSE_TURN},
        "openai-dpo",
        PAIR,
    ),
    "trl text": ({"text": "Where is it?"}, "trl-text", {"kind": Kind.TEXT, "messages": (USER,)}),
    "trl messages": (
        {"messages": [*ASK, OBJECT_CALL, {"role": "tool", "name": "track", "content": "late"}, *SAY]},
        "trl-messages",
        {"kind": Kind.DEMONSTRATION, "messages": (USER, CALLED_TRL, Message("tool", "late", name="track"), SAID)},
    ),
    "trl thinking": (
        {"messages": [*ASK, {"role": "assistant", "content": "On its way.", "thinking": "look"}]},
        "trl-messages",
        {"kind": Kind.DEMONSTRATION, "messages": (USER, Message("assistant", "On its way.", reasoning="look"))},
    ),
    "trl prompt, text": ({"prompt": "Where is it?"}, "trl-prompt-only", ASKED),
    "trl prompt": ({"prompt": ASK, "tools": TOOLS}, "trl-prompt-only", ASKED | {"tools": TOOLS_TEXT}),
    "trl completion, text": ({"prompt": "Where is it?", "completion": "On its way."}, "trl-prompt-completion", SHOWN),
    "trl completion": ({"prompt": ASK, "completion": SAY}, "trl-prompt-completion", SHOWN),
    "trl completion after a dialogue": (
        {"prompt": [*CHAT, *ASK], "completion": SAY},
        "trl-prompt-completion",
        {"kind": Kind.DEMONSTRATION, "messages": (USER, Message("assistant", "On its way.", weight=0.0), USER, SAID)},
    ),
    "trl preference, text": (
        {"prompt": "Where is it?", "chosen": "On its way.", "rejected": "No idea."},
        "trl-preference",
        PAIR,
    ),
    "trl preference": ({"prompt": ASK, "chosen": SAY, "rejected": WORSE_TURN}, "trl-preference", PAIR),
    "trl implicit preference": ({"chosen": CHAT, "rejected": [*ASK, *WORSE_TURN]}, "trl-implicit-preference", PAIR),
    "trl implicit preference, text": (
        {"chosen": "On its way.", "rejected": "No idea."},
        "trl-implicit-preference",
        {"kind": Kind.PREFERENCE, "chosen": (SAID,), "rejected": ((WORSE,),)},
    ),
    "trl implicit preference, transcript": (
        {
            "chosen": "\n\nHuman: Where is it?\n\nAssistant: On its way.",
            "rejected": "\n\nHuman: Where is it?\n\nAssistant: No idea.",
        },
        "trl-implicit-preference",
        PAIR,
    ),
    "trl unpaired, text": (
        {"prompt": "Where is it?", "completion": "On its way.", "label": False},
        "trl-unpaired",
        JUDGED,
    ),
    "trl unpaired": ({"prompt": ASK, "completion": SAY, "label": False}, "trl-unpaired", JUDGED),
    "trl stepwise": (
        {"prompt": "Where is it?", "completions": ["look", "guess"], "labels": [True, False]},
        "trl-stepwise",
        {"kind": Kind.STEPWISE, "messages": (USER,), "steps": (("look", True), ("guess", False))},
    ),
    "alpaca": (ALPACA, "alpaca", SHOWN),
    "alpaca with input, system, history": (
        {
            "instruction": "Where",
            "input": "is it?",
            "output": "On its way.",
            "system": "Be kind.",
            "history": [["Hi", "Hello"]],
        },
        "alpaca",
        {
            "kind": Kind.DEMONSTRATION,
            "messages": (
                SYSTEM,
                Message("user", "Hi"),
                Message("assistant", "Hello"),
                Message("user", "Where\nis it?"),
                SAID,
            ),
        },
    ),
    "alpaca preference": (
        {"instruction": "Where is it?", "input": "", "chosen": "On its way.", "rejected": "No idea."},
        "alpaca",
        PAIR,
    ),
    "alpaca unpaired": (ALPACA | {"kto_tag": False}, "alpaca", JUDGED),
    "sharegpt": ({"conversations": GPT}, "sharegpt", SHOWN),
    "sharegpt with tools": (
        {
            "conversations": [
                GPT[0],
                {"from": "function_call", "value": '{"name": "track", "arguments": {"order": 7}}'},
                {"from": "observation", "value": "late"},
                GPT[1],
            ],
            "system": "Be kind.",
            "tools": '[{"type": "function", "function": {"name": "track", "parameters": {}}}]',
        },
        "sharegpt",
        {
            "kind": Kind.DEMONSTRATION,
            "messages": (SYSTEM, USER, CALLED_TRL, Message("tool", "late"), SAID),
            "tools": TOOLS_TEXT,
        },
    ),
    "sharegpt preference": (
        {"conversations": GPT[:1], "chosen": GPT[1], "rejected": {"from": "gpt", "value": "No idea."}},
        "sharegpt",
        PAIR,
    ),
    "sharegpt unpaired": ({"conversations": GPT, "kto_tag": False}, "sharegpt", JUDGED),
    "conversations of role and content": ({"conversations": CHAT}, "sharegpt", SHOWN),
    "ms-swift tools": (
        {
            "messages": [
                *ASK,
                {"role": "tool_call", "content": '{"name": "track", "arguments": {"order": 7}}'},
                {"role": "tool_response", "content": "late"},
                *SAY,
            ]
        },
        "ms-swift",
        {"kind": Kind.DEMONSTRATION, "messages": (USER, CALLED_TRL, Message("tool", "late"), SAID)},
    ),
    "ms-swift preference": ({"messages": CHAT, "rejected_response": "No idea."}, "ms-swift", PAIR),
    "ms-swift unpaired": ({"messages": CHAT, "label": False}, "ms-swift", JUDGED),
    "headgate": (
        {"kind": "prompt", "messages": [{"role": "user", "content": "Where is it?"}], "side": {"source": "mail"}},
        "headgate",
        ASKED,
    ),
    "columns of well-known names": ({"question": "Where is it?", "answer": "On its way."}, "jsonl", SHOWN),
    "columns with an answer to a prompt": ({"prompt": "Where is it?", "response": "On its way."}, "jsonl", SHOWN),
    "columns with a label": ({"text": "Where is it?", "label": "On its way."}, "jsonl", SHOWN),
    "columns without an answer": ({"utterance": "Where is it?"}, "jsonl", ASKED),
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_row_is_told_by_its_content_and_read(tmp_path: Path, name: str) -> None:
    """The format's name and the row, from a file whose name says nothing."""
    body, format, expected = CASES[name]
    path = tmp_path / "data"
    path.write_bytes(orjson.dumps(body) + b"\n")
    reader = read_rows(path)
    (row,) = reader
    assert reader.detected.format == format
    assert Row(**expected).content_id == row.content_id
    assert Row(**expected) == Row(
        **{
            field: getattr(row, field)
            for field in ("kind", "messages", "chosen", "rejected", "label", "steps", "tools")
        }
    )


def test_every_format_of_the_table_is_detected_by_some_case() -> None:
    """Text forms are read by the format of the conversational ones, tables by their container."""
    seen = {format for _, format, _ in CASES.values()}
    unseen = {name for name in FORMATS if name not in seen and not name.endswith("-text")}
    assert unseen == {"csv", "tsv", "parquet"}


def test_side_data_is_read_under_all_its_names(tmp_path: Path) -> None:
    """Known names become fields, `metadata` is looked into, the rest is kept as it is."""
    body = {
        "messages": CHAT,
        "id": 17,
        "license": "MIT",
        "subject_key": "s1",
        "conversation_id": "c9",
        "user_id": "u2",
        "source": "mail",
        "group": "g",
        "created_at": "2026-01-02",
        "language": "en",
        "slices": {"intent": "track", "tier": 2},
        "generator": "some-model",
        "depth": 1,
        "annotator": "w3",
        "consent": "training",
        "parents": ["b3:1"],
        "metadata": {"group": "other", "score": 0.5},
        "parallel_tool_calls": False,
        "unknown": [1],
        "absent": None,
    }
    path = tmp_path / "rows.jsonl"
    path.write_bytes(orjson.dumps(body))
    (row,) = read_rows(path)
    side = row.side
    assert ("17", "MIT", "s1", "c9", "u2") == (side.id, side.licence, side.subject, side.conversation, side.user)
    assert ("mail", "g", "2026-01-02", "en") == (side.source, side.group, side.created_at, side.language)
    assert ("some-model", 1, "w3", "training", ("b3:1",)) == (
        side.generator,
        side.depth,
        side.annotator,
        side.consent,
        side.parents,
    )
    assert side.slices == {"intent": "track", "tier": "2"}
    assert side.extra == {"metadata": {"group": "other", "score": 0.5}, "parallel_tool_calls": False, "unknown": [1]}


def test_side_data_of_another_type_is_kept_and_not_guessed(tmp_path: Path) -> None:
    """A source that is an object, a depth that is a word."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(orjson.dumps({"text": "a", "source": {"url": "x"}, "depth": "deep", "slices": ["a"]}))
    (row,) = read_rows(path)
    assert (row.side.source, row.side.depth, dict(row.side.slices)) == (None, None, {})
    assert row.side.extra == {"source": {"url": "x"}, "depth": "deep", "slices": ["a"]}


def test_what_a_message_says_beyond_its_format_is_kept(tmp_path: Path) -> None:
    """Unknown keys of a message, and the mark of a refusal."""
    turns = [*ASK, {"role": "assistant", "content": None, "refusal": "I cannot.", "logprobs": [1]}]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(orjson.dumps({"messages": turns}))
    (row,) = read_rows(path)
    assert row.answer_text == "I cannot."
    assert row.side.extra == {"refusals": ["messages.1"], "turns": {"messages.1": {"logprobs": [1]}}}


def test_defaults_fill_what_the_row_does_not_say(tmp_path: Path) -> None:
    """The row's own words win; slices are merged."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(orjson.dumps({"text": "a", "source": "mail", "slices": {"a": "1"}}))
    (row,) = read_rows(path, side={"source": "file", "licence": "MIT", "slices": {"a": "2", "b": "3"}})
    assert (row.side.source, row.side.licence, dict(row.side.slices)) == ("mail", "MIT", {"a": "1", "b": "3"})
