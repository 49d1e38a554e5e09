"""ms-swift rows: messages whose tool calls are turns of their own, and `rejected_response`.

A turn of role `tool_call` holds name and arguments as JSON text; it belongs to the assistant turn
before it. `messages` ends in the chosen answer where there is a rejected one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headgate.rows.formats.openai import CHAT_TAGS
from headgate.rows.formats.shape import Body, CannotHold, Format, Loose, Parts, Wrong, shown, text_of, truth_of
from headgate.rows.formats.sharegpt import call_body, called_of
from headgate.rows.formats.turns import (
    Turns,
    dialogue_of,
    dumped,
    judged_of,
    kind_of,
    pair_of,
    plain_turn,
    read_tools,
    read_turn,
)
from headgate.rows.row import Kind, Message, Row

KEYS = frozenset({"messages", "tools", "rejected_response", "label"})
ROLES = ("tool_call", "tool_response")


def read(body: Body, loose: Loose) -> Parts:
    """A dialogue, a preference row (`rejected_response`) or an unpaired one (`label`).

    Raises:
        Wrong: the row does not have that shape.
    """
    given = body.get("messages")
    if type(given) is not list or not given:
        raise Wrong("`messages` is not a list of messages", found=shown(given), wanted="one message or more")
    turns: list[Message] = []
    for index, item in enumerate(given):
        where = f"messages.{index}"
        role = item.get("role") if type(item) is dict else None
        if role == "tool_call":
            calls = called_of(item.get("content"), where)
            if turns and turns[-1].role == "assistant":
                turns[-1] = replace(turns[-1], tool_calls=turns[-1].tool_calls + calls)
            else:
                turns.append(Message("assistant", tool_calls=calls))
        else:
            turns.append(read_turn({**item, "role": "tool"} if role == "tool_response" else item, where, loose))
    parts: Parts = {"kind": kind_of(turns), "messages": tuple(turns), "tools": read_tools(body.get("tools"))}
    judged = body.get("rejected_response") is not None or body.get("label") is not None
    if judged and (turns[-1].role != "assistant" or len(turns) < 2):
        raise Wrong(
            "no answer to judge", found=f"a last turn by {turns[-1].role}", wanted="messages ending in an answer"
        )
    if body.get("rejected_response") is not None:
        rejected = (Message("assistant", text_of(body, "rejected_response")),)
        parts |= {"kind": Kind.PREFERENCE, "rejected": (rejected,)}
    elif judged:
        parts |= {"kind": Kind.UNPAIRED, "label": truth_of(body, "label")}
    if judged:
        parts |= {"messages": tuple(turns[:-1]), "chosen": (turns[-1],)}
    return parts


def write(row: Row) -> Body:
    """A dialogue; the rejected answer of a preference row as text.

    Raises:
        CannotHold: the row has no answer, or its rejected answer is not text.
    """
    extras: Body = {}
    if row.kind is Kind.PREFERENCE:
        chosen, rejected = pair_of(row)
        if rejected[0].role != "assistant" or rejected[0].tool_calls:
            raise CannotHold("the rejected answer is not text")
        if chosen[0].role != "assistant" or not row.messages:
            raise CannotHold("there is no prompt with an assistant's answer")
        turns, extras = row.messages + chosen[:1], {"rejected_response": rejected[0].content}
    elif row.kind is Kind.UNPAIRED:
        asked, said, label = judged_of(row)
        if said[-1].role != "assistant":
            raise CannotHold("it does not end in an assistant turn")
        turns, extras = asked + said, {"label": label}
    else:
        turns = dialogue_of(row)
    body: Body = {"messages": _items(turns)}
    if row.tools:
        body["tools"] = row.tools
    return body | extras


def _items(turns: Turns) -> list[Body]:
    items: list[Body] = []
    for turn in turns:
        if turn.role == "tool":
            items.append({"role": "tool_response", "content": turn.content})
            continue
        if turn.content or turn.parts or not turn.tool_calls:
            items.append(plain_turn(turn))
        items += [{"role": "tool_call", "content": dumped(call_body(call))} for call in turn.tool_calls]
    return items


INDEX: dict[str, Any] = {
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "tools": "tools"},
    "tags": CHAT_TAGS | {"observation_tag": "tool_response", "function_tag": "tool_call"},
}
FORMAT = Format(
    name="ms-swift",
    title="ms-swift: messages with tool_call and tool_response turns, rejected_response",
    keys=KEYS,
    read=read,
    write=write,
    index=INDEX,
)
