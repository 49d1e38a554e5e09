"""ShareGPT rows: conversations of from/value, system, tools as JSON text, chosen, rejected, kto_tag.

The variant with role/content under `conversations` is read too. Written rows keep LLaMA-Factory's
order: questions (human, observation) at odd positions, answers (gpt, function_call) at even ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from headgate.rows.formats.shape import Body, CannotHold, Format, Loose, Parts, Wrong, keys_of, shown, text_of, truth_of
from headgate.rows.formats.turns import (
    Turns,
    dialogue_of,
    dumped,
    judged_of,
    kind_of,
    loaded_arguments,
    pair_of,
    read_call,
    read_tools,
    read_turn,
)
from headgate.rows.row import Kind, Message, Row, ToolCall

KEYS = frozenset(["conversations", "system", "tools", "chosen", "rejected", "kto_tag"])
ROLE_OF = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
    "function_call": "assistant",
    "tool_call": "assistant",
    "observation": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
CALLING = ("function_call", "tool_call")
WANTED = "one of human, gpt, system, function_call, observation"


def read(body: Body, loose: Loose) -> Parts:
    """A dialogue, a preference row (chosen, rejected) or an unpaired one (kto_tag).

    Raises:
        Wrong: the row does not have that shape.
    """
    given = body.get("conversations")
    if type(given) is not list:
        found = shown(given) if given is not None else "keys " + keys_of(body)
        raise Wrong("`conversations` is not a list of turns", found=found, wanted="turns with from and value")
    system = text_of(body, "system", default="")
    turns = [Message("system", system)] if system else []
    turns += [_turn(item, f"conversations.{index}", loose) for index, item in enumerate(given)]
    if not turns:
        raise Wrong("no messages in `conversations`", found="an empty list", wanted="one turn or more")
    parts: Parts = {"kind": kind_of(turns), "messages": tuple(turns), "tools": read_tools(body.get("tools"))}
    if body.get("chosen") is not None or body.get("rejected") is not None:
        parts["kind"] = Kind.PREFERENCE
        parts["chosen"] = _alternative(body.get("chosen"), "chosen", loose)
        parts["rejected"] = (_alternative(body.get("rejected"), "rejected", loose),)
    elif body.get("kto_tag") is not None:
        if turns[-1].role != "assistant":
            raise Wrong("no answer before `kto_tag`", found=f"a last turn by {turns[-1].role}", wanted="a gpt turn")
        parts |= {"kind": Kind.UNPAIRED, "label": truth_of(body, "kto_tag")}
        parts |= {"messages": tuple(turns[:-1]), "chosen": (turns[-1],)}
    return parts


def write(row: Row) -> Body:
    """A dialogue whose questions and answers alternate.

    Raises:
        CannotHold: they do not alternate, or there is no answer.
    """
    extras: Body = {}
    if row.kind is Kind.PREFERENCE:
        turns = row.messages
        chosen, rejected = pair_of(row)
        extras = {"chosen": _one(chosen), "rejected": _one(rejected)}
    elif row.kind is Kind.UNPAIRED:
        asked, said, label = judged_of(row)
        turns, extras = asked + said, {"kto_tag": label}
    else:
        turns = dialogue_of(row)
    items = list(_items([turn for turn in turns if turn.role not in ("system", "developer")]))
    answered = [item["from"] in ("gpt", "function_call") for item in items]
    wanted = [bool(index % 2) for index in range(len(items))]
    if not items or answered != wanted or answered[-1] == (row.kind is Kind.PREFERENCE):
        raise CannotHold("its turns do not alternate between question and answer")
    systems = [turn.content for turn in turns if turn.role in ("system", "developer")]
    body: Body = {"conversations": items}
    if systems:
        body["system"] = systems[0]
    if row.tools:
        body["tools"] = row.tools
    return body | extras


def called_of(value: Any, where: str) -> tuple[ToolCall, ...]:
    """The calls in the value of a turn: JSON text of one call or of a list of them.

    Raises:
        Wrong: it is not such JSON.
    """
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Wrong(
                f"the tool call in `{where}` is not JSON", found=shown(value), wanted="name and arguments"
            ) from None
    calls = value if type(value) is list else [value]
    if not calls:
        raise Wrong(f"no call in `{where}`", found="an empty list", wanted="name and arguments")
    return tuple(read_call(call, where) for call in calls)


def call_body(call: ToolCall) -> Body:
    """A call as name and arguments.

    Raises:
        CannotHold: its arguments are not JSON.
    """
    return {"name": call.name, "arguments": loaded_arguments(call)}


def _turn(item: Any, where: str, loose: Loose) -> Message:
    if type(item) is not dict:
        raise Wrong(f"`{where}` is not a turn", found=shown(item), wanted="an object with from and value")
    if "from" not in item and "role" in item:
        return read_turn(item, where, loose)
    said_by, value = item.get("from"), item.get("value")
    role = ROLE_OF.get(said_by) if type(said_by) is str else None
    if role is None:
        raise Wrong(f"unknown speaker in `{where}`", found=shown(said_by), wanted=WANTED)
    unknown = {key: kept for key, kept in item.items() if key not in ("from", "value") and kept is not None}
    if unknown:
        loose.setdefault("turns", {})[where] = unknown
    if said_by in CALLING:
        return Message(role, tool_calls=called_of(value, where))
    if type(value) is not str:
        raise Wrong(f"value of `{where}` is not text", found=shown(value), wanted="text")
    return Message(role, value)


def _alternative(value: Any, where: str, loose: Loose) -> tuple[Message, ...]:
    if type(value) is str:
        return (Message("assistant", value),)
    if type(value) is list and value:
        return tuple(_turn(item, f"{where}.{index}", loose) for index, item in enumerate(value))
    return (_turn(value, where, loose),)


def _items(turns: Sequence[Message]) -> Iterator[Body]:
    index = 0
    while index < len(turns):
        turn = turns[index]
        if turn.role == "tool":
            # One question may hold the results of several calls, because answers must alternate with questions.
            results = [turn.content]
            while index + 1 < len(turns) and turns[index + 1].role == "tool":
                index += 1
                results.append(turns[index].content)
            yield {"from": "observation", "value": "\n".join(results)}
        else:
            yield _item(turn)
        index += 1


def _item(turn: Message) -> Body:
    if turn.tool_calls:
        bodies = [call_body(call) for call in turn.tool_calls]
        return {"from": "function_call", "value": dumped(bodies if len(bodies) > 1 else bodies[0])}
    return {"from": "human" if turn.role == "user" else "gpt", "value": turn.content}


def _one(turns: Turns) -> Body:
    if turns[0].role != "assistant":
        raise CannotHold("an alternative does not begin with an assistant turn")
    return _item(turns[0])


FORMAT = Format(
    name="sharegpt",
    title="ShareGPT: conversations of from and value, system, tools, chosen, rejected, kto_tag",
    keys=KEYS,
    read=read,
    write=write,
    index={
        "formatting": "sharegpt",
        "columns": {
            "messages": "conversations",
            "system": "system",
            "tools": "tools",
            "chosen": "chosen",
            "rejected": "rejected",
            "kto_tag": "kto_tag",
        },
    },
)
