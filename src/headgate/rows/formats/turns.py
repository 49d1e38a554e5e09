"""Turns as chat formats write them: one lenient reader for all, and the pieces that writers share.

The reader takes what OpenAI, TRL, OpenPipe and Harmony-style data have in a message: arguments as
text or as an object, text or parts as content, `thinking`, `reasoning` or `reasoning_content`,
legacy functions. A key that it does not know is kept beside the row, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from headgate.rows.formats.shape import Body, CannotHold, Loose, Wrong, shown
from headgate.rows.row import Kind, Message, Row, ToolCall

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
REASONING = ("reasoning_content", "reasoning", "thinking")
KNOWN = frozenset(
    {"role", "content", "name", "tool_calls", "function_call", "tool_call_id", "weight", "refusal", *REASONING}
)
WANTED_ROLES = "one of " + ", ".join(sorted(ROLES))


def read_turns(value: Any, where: str, loose: Loose) -> tuple[Message, ...]:
    """A list of messages.

    Raises:
        Wrong: not a list, empty, or a message in it has the wrong shape.
    """
    if type(value) is not list:
        raise Wrong(f"`{where}` is not a list of messages", found=shown(value), wanted="a list of messages")
    if not value:
        raise Wrong(f"no messages in `{where}`", found="an empty list", wanted="one message or more")
    turns = []
    for index, body in enumerate(value):
        if type(body) is dict and len(body) == 2:
            role, content = body.get("role"), body.get("content")
            if type(content) is str and type(role) is str and role in ROLES:
                turns.append(Message(role, content))
                continue
        turns.append(read_turn(body, f"{where}.{index}", loose))
    return tuple(turns)


def read_turn(body: Any, where: str, loose: Loose) -> Message:
    """One message.

    Raises:
        Wrong: it is not an object, its role is unknown, or a part of it has the wrong type.
    """
    if type(body) is not dict:
        raise Wrong(f"`{where}` is not a message", found=shown(body), wanted="an object with role and content")
    role = body.get("role")
    if role == "function":
        role = "tool"
    if type(role) is not str or role not in ROLES:
        raise Wrong(f"unknown role in `{where}`", found=shown(role), wanted=WANTED_ROLES)
    content, parts = _content(body.get("content"), where)
    calls = _calls(body, where)
    refusal = _text(body, "refusal", where)
    if refusal:
        if content:
            raise Wrong(f"`{where}` has both content and refusal", found=shown(refusal), wanted="one of the two")
        content = refusal
        loose.setdefault("refusals", []).append(where)
    if body.get("content") is None and not calls and not refusal:
        raise Wrong(f"`{where}` says nothing", found="no content and no tool calls", wanted="content as text")
    unknown = {key: item for key, item in body.items() if key not in KNOWN and item is not None}
    if unknown:
        loose.setdefault("turns", {})[where] = unknown
    return Message(
        role,
        content,
        name=_text(body, "name", where),
        tool_calls=calls,
        tool_call_id=_text(body, "tool_call_id", where),
        weight=_weight(body.get("weight"), where),
        reasoning=next((text for key in REASONING if (text := _text(body, key, where))), ""),
        parts=parts,
    )


def read_tools(value: Any) -> str:
    """Tool schemas, given as a list or as the text of one, in one spelling; empty when there are none.

    Raises:
        Wrong: neither a list nor JSON text of one.
    """
    if value is None or value == "" or value == []:
        return ""
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Wrong("`tools` is not JSON", found=shown(value), wanted="a list of tool schemas") from None
    if type(value) is not list:
        raise Wrong("`tools` is not a list", found=shown(value), wanted="a list of tool schemas")
    return dumped(value) if value else ""


def read_arguments(value: Any, where: str) -> str:
    """Arguments of a tool call as JSON text; text is kept as it is spelled.

    Raises:
        Wrong: text that is not JSON.
    """
    if value is None:
        return "{}"
    if type(value) is not str:
        return dumped(value)
    if value:
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Wrong(f"tool-call arguments in `{where}` are not JSON", found=shown(value), wanted="JSON") from None
    return value


def kind_of(turns: Sequence[Message]) -> Kind:
    """A dialogue that somebody answers teaches; one without an answer only asks."""
    for turn in reversed(turns):
        if turn.role == "assistant":
            return Kind.DEMONSTRATION
    return Kind.PROMPT


def dumped(value: Any) -> str:
    """JSON text in the one spelling that readers give what they re-write.

    Raises:
        Wrong: nested too deeply, or holds what JSON has no form for.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise Wrong("a value that JSON has no form for", found=str(error)) from None


def plain_turn(turn: Message) -> Body:
    """Role, content (with parts where there are any) and name: what every chat format shares."""
    content: Any = turn.content
    if turn.parts:
        content = ([{"type": "text", "text": turn.content}] if turn.content else []) + orjson.loads(turn.parts)
    body: Body = {"role": turn.role, "content": content}
    if turn.name:
        body["name"] = turn.name
    return body


def loaded_arguments(call: ToolCall) -> Any:
    """Arguments of a tool call as a JSON value.

    Raises:
        CannotHold: they are not JSON.
    """
    try:
        return orjson.loads(call.arguments) if call.arguments else {}
    except orjson.JSONDecodeError:
        raise CannotHold("the arguments of a tool call are not JSON") from None


def written_tools(row: Row) -> Body:
    """The `tools` key, where the row has tools.

    Raises:
        CannotHold: they are not JSON.
    """
    if not row.tools:
        return {}
    try:
        return {"tools": orjson.loads(row.tools)}
    except orjson.JSONDecodeError:
        raise CannotHold("the tool schemas are not JSON") from None


def dialogue_of(row: Row) -> tuple[Message, ...]:
    """The dialogue that a row would teach, for formats that hold demonstrations.

    Raises:
        CannotHold: the row teaches none (a prompt, plain text, steps, an answer labelled bad).
    """
    if row.kind is Kind.TEXT:
        raise CannotHold("plain text has no turns")
    if row.kind is Kind.STEPWISE:
        raise CannotHold("labelled steps are no dialogue")
    if row.kind is Kind.UNPAIRED and not row.label:
        raise CannotHold("its answer is labelled bad")
    if row.kind is Kind.PROMPT:
        raise CannotHold("it is a prompt without an answer")
    turns = row.messages + row.chosen
    if not any(turn.role == "assistant" for turn in turns):
        raise CannotHold("no assistant turn to learn from")
    return turns


def pair_of(row: Row) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Chosen and the first rejected answer of a preference row.

    Raises:
        CannotHold: the row does not have both.
    """
    if row.kind is not Kind.PREFERENCE or not row.chosen or not row.rejected or not row.rejected[0]:
        raise CannotHold("no pair of a chosen and a rejected answer")
    return row.chosen, row.rejected[0]


def judged_of(row: Row) -> tuple[tuple[Message, ...], tuple[Message, ...], bool]:
    """Prompt, completion and label of an unpaired row.

    Raises:
        CannotHold: the row lacks one of them.
    """
    if row.kind is not Kind.UNPAIRED or row.label is None or not row.answer or not row.prompt:
        raise CannotHold("no answer with a label good or bad")
    return row.prompt, row.answer, row.label


def asked_of(row: Row) -> tuple[Message, ...]:
    """What a row asks, for formats that hold prompts.

    Raises:
        CannotHold: the row has no turns that ask.
    """
    if row.kind in (Kind.TEXT, Kind.STEPWISE) or not row.prompt:
        raise CannotHold("it has no prompt in turns")
    return row.prompt


Turns = Sequence[Message]


def _content(value: Any, where: str) -> tuple[str, str]:
    if type(value) is str or value is None:
        return value or "", ""
    if type(value) is not list:
        raise Wrong(f"content of `{where}` is not text", found=shown(value), wanted="text or a list of parts")
    texts, others = [], []
    for part in value:
        if type(part) is str:
            texts.append(part)
        elif type(part) is not dict:
            raise Wrong(
                f"a content part of `{where}` is not an object", found=shown(part), wanted="an object with type"
            )
        elif part.get("type") == "text" and type(part.get("text")) is str:
            texts.append(part["text"])
        else:
            others.append({key: item for key, item in part.items() if item is not None})
    return "".join(texts), dumped(others) if others else ""


def _calls(body: Mapping[str, Any], where: str) -> tuple[ToolCall, ...]:
    listed = body.get("tool_calls")
    legacy = body.get("function_call")
    if listed is None and legacy is None:
        return ()
    given = [legacy] if listed is None else listed
    if type(given) is not list:
        raise Wrong(f"tool calls of `{where}` are not a list", found=shown(given), wanted="a list of calls")
    return tuple(read_call(call, where) for call in given)


def read_call(call: Any, where: str) -> ToolCall:
    """One tool call, with or without the `function` wrapper.

    Raises:
        Wrong: it has no name, or its arguments are not JSON.
    """
    function = call.get("function", call) if type(call) is dict else None
    name = function.get("name") if type(function) is dict else None
    if type(function) is not dict or type(name) is not str or not name:
        raise Wrong(
            f"a tool call of `{where}` has no name", found=shown(call), wanted="function with name and arguments"
        )
    return ToolCall(name, read_arguments(function.get("arguments"), where), _text(call, "id", where))


def _weight(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if type(value) in (int, float) and 0 <= value <= 1:
        return float(value)
    raise Wrong(f"weight of `{where}` is not a share", found=shown(value), wanted="0 or 1")


def _text(body: Mapping[str, Any], key: str, where: str) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if type(value) is not str:
        raise Wrong(f"`{key}` of `{where}` is not text", found=shown(value), wanted="text")
    return value
