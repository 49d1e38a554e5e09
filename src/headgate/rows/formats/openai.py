"""OpenAI-style files: supervised rows (`messages`) and preference rows (`input`, two outputs).

Also what Fireworks, Together and OpenPipe read. `arguments` of a tool call is JSON text here, the
reverse of TRL. A preference row has exactly one assistant message on each side, because Together
insists on it. The older names `preferred_completion` and `non_preferred_completion` are read, never written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.rows.formats.shape import Body, CannotHold, Format, Loose, Parts, Wrong, shown
from headgate.rows.formats.turns import (
    Turns,
    dialogue_of,
    kind_of,
    loaded_arguments,
    pair_of,
    plain_turn,
    read_tools,
    read_turns,
    written_tools,
)
from headgate.rows.row import Kind, Row, ToolCall

CHAT_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "system_tag": "system",
}
CHAT_INDEX = {"formatting": "openai", "columns": {"messages": "messages", "tools": "tools"}, "tags": CHAT_TAGS}
CHAT_KEYS = frozenset({"messages", "tools", "functions"})
DPO_KEYS = frozenset(
    {"input", "preferred_output", "non_preferred_output", "preferred_completion", "non_preferred_completion"}
)


def read_chat(body: Body, loose: Loose) -> Parts:
    """A row of messages, with tools or legacy functions.

    Raises:
        Wrong: the row does not have that shape.
    """
    if "messages" not in body:
        raise Wrong("no `messages`", found="keys " + ", ".join(map(str, body))[:80], wanted="a list of messages")
    turns = read_turns(body["messages"], "messages", loose)
    parts: Parts = {"kind": kind_of(turns), "messages": turns}
    if tools := _tools(body):
        parts["tools"] = tools
    return parts


def read_preference(body: Body, loose: Loose) -> Parts:
    """A prompt with a preferred and a non-preferred output.

    Raises:
        Wrong: the row does not have that shape.
    """
    asked = body.get("input")
    if type(asked) is not dict:
        raise Wrong("`input` is not an object", found=shown(asked), wanted="an object with messages")
    chosen = body.get("preferred_output", body.get("preferred_completion"))
    rejected = body.get("non_preferred_output", body.get("non_preferred_completion"))
    rest = {key: value for key, value in asked.items() if key not in CHAT_KEYS and value is not None}
    if rest:
        loose["input"] = rest
    return {
        "kind": Kind.PREFERENCE,
        "messages": read_turns(asked.get("messages"), "input.messages", loose),
        "chosen": read_turns(chosen, "preferred_output", loose),
        "rejected": (read_turns(rejected, "non_preferred_output", loose),),
        "tools": _tools(asked),
    }


def write_chat(row: Row) -> Body:
    """A demonstration as messages; of a preference row only the chosen answer.

    Raises:
        CannotHold: the row has no answer to learn from.
    """
    refusals = row.side.extra.get("refusals", ())
    body: Body = {"messages": list(openai_turns(dialogue_of(row), "messages", refusals))} | written_tools(row)
    if isinstance(row.side.extra.get("parallel_tool_calls"), bool):
        body["parallel_tool_calls"] = row.side.extra["parallel_tool_calls"]
    return body


def write_preference(row: Row) -> Body:
    """A preference row with one assistant message on each side.

    Raises:
        CannotHold: there is no pair of assistant answers, or no prompt.
    """
    chosen, rejected = pair_of(row)
    if chosen[0].role != "assistant" or rejected[0].role != "assistant":
        raise CannotHold("an alternative does not begin with an assistant turn")
    if not row.messages:
        raise CannotHold("it has no prompt apart from the answers")
    asked: Body = {"messages": list(openai_turns(row.messages, "input.messages", (), weights=False))}
    rest = row.side.extra.get("input")
    if isinstance(rest, dict) and isinstance(rest.get("parallel_tool_calls"), bool):
        asked["parallel_tool_calls"] = rest["parallel_tool_calls"]
    return {
        "input": asked | written_tools(row),
        "preferred_output": list(openai_turns(chosen[:1], "preferred_output", (), weights=False)),
        "non_preferred_output": list(openai_turns(rejected[:1], "non_preferred_output", (), weights=False)),
    }


def openai_turns(turns: Turns, where: str, refusals: Any, *, weights: bool = True) -> Iterator[Body]:
    """Messages as OpenAI has them; call ids are made up where the row has none, because the API demands them."""
    waiting: list[str] = []  # ids of calls that no result has answered yet
    made = 0
    for index, turn in enumerate(turns):
        body = plain_turn(turn)
        if turn.role == "tool":
            body["tool_call_id"] = turn.tool_call_id or (waiting[0] if waiting else f"call_{made}")
            if body["tool_call_id"] in waiting:
                waiting.remove(body["tool_call_id"])
        if turn.tool_calls:
            calls = []
            for call in turn.tool_calls:
                loaded_arguments(call)
                made += 1
                calls.append(_call(call, call.id or f"call_{made}"))
            waiting = [call["id"] for call in calls]
            body["tool_calls"] = calls
            body["content"] = body["content"] or None
        if weights and turn.role == "assistant" and turn.weight in (0.0, 1.0):
            body["weight"] = int(turn.weight)
        if f"{where}.{index}" in refusals and not turn.parts and turn.content:
            body["refusal"], body["content"] = turn.content, None
        yield body


def _call(call: ToolCall, id: str) -> Body:
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tools(body: Body) -> str:
    if (functions := body.get("functions")) and body.get("tools") is None:
        if type(functions) is not list:
            raise Wrong("`functions` is not a list", found=shown(functions), wanted="a list of function schemas")
        return read_tools([{"type": "function", "function": function} for function in functions])
    return read_tools(body.get("tools"))


SFT = Format(
    name="openai-sft",
    title="OpenAI supervised fine-tuning: messages, tools",
    keys=CHAT_KEYS,
    read=read_chat,
    write=write_chat,
    index=CHAT_INDEX,
)
DPO = Format(
    name="openai-dpo",
    title="OpenAI preference: input, preferred_output, non_preferred_output",
    keys=DPO_KEYS,
    read=read_preference,
    write=write_preference,
)
