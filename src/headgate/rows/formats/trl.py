"""TRL's dataset types, standard (text) and conversational (lists of messages).

Arguments of a tool call are an object here, the reverse of OpenAI, and a result names its tool
instead of the call. `prompt` with `completion` supervises the completion only: assistant turns in
such a prompt read as weight 0, and a row whose earlier turns weigh 0 is written without loss.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from headgate.rows.formats.openai import CHAT_INDEX, CHAT_KEYS, read_chat
from headgate.rows.formats.shape import (
    Body,
    CannotHold,
    Format,
    Loose,
    Parts,
    Wrong,
    keys_of,
    missing,
    shown,
    text_of,
    truth_of,
)
from headgate.rows.formats.turns import (
    Turns,
    asked_of,
    dialogue_of,
    judged_of,
    loaded_arguments,
    pair_of,
    plain_turn,
    read_tools,
    read_turns,
    written_tools,
)
from headgate.rows.row import Kind, Message, Row

SPEAKERS = {"Human": "user", "Assistant": "assistant"}
TRANSCRIPT = re.compile(r"\n\n(Human|Assistant): ?")
Aspect = Callable[[Turns], Any]  # how a run of turns is written: as text, or as messages


def read_text(body: Body, loose: Loose) -> Parts:  # noqa: ARG001 - the signature of every reader
    """Plain text; the one turn that holds it has the role `user`, because nobody answers."""
    return {"kind": Kind.TEXT, "messages": (Message("user", text_of(body, "text")),)}


def read_prompt(body: Body, loose: Loose) -> Parts:
    """A prompt without an answer."""
    return _with_tools({"kind": Kind.PROMPT, "messages": _side_of(body, "prompt", "user", loose)}, body)


def read_completion(body: Body, loose: Loose) -> Parts:
    """A prompt and its completion, which alone is supervised."""
    asked = _side_of(body, "prompt", "user", loose)
    said = _side_of(body, "completion", "assistant", loose)
    if len(asked) > 1:
        asked = tuple(_weighing(turn, 0.0) for turn in asked)
    return _with_tools({"kind": Kind.DEMONSTRATION, "messages": asked + said}, body)


def read_preference(body: Body, loose: Loose) -> Parts:
    """A prompt with a chosen and a rejected answer."""
    return _with_tools(
        {
            "kind": Kind.PREFERENCE,
            "messages": _side_of(body, "prompt", "user", loose),
            "chosen": _side_of(body, "chosen", "assistant", loose),
            "rejected": (_side_of(body, "rejected", "assistant", loose),),
        },
        body,
    )


def read_implicit(body: Body, loose: Loose) -> Parts:
    """Two whole dialogues; what they begin with alike is the prompt. Human/Assistant transcripts become turns."""
    sides = [_side_of(body, key, "assistant", loose) for key in ("chosen", "rejected")]
    if all(type(body[key]) is str for key in ("chosen", "rejected")):
        dialogues = [_transcript(body[key]) for key in ("chosen", "rejected")]
        sides = dialogues if all(dialogues) else sides
    chosen, rejected = sides
    shared = 0
    most = min(len(chosen), len(rejected)) - 1  # each side keeps an answer
    while shared < most and chosen[shared] == rejected[shared]:
        shared += 1
    return _with_tools(
        {
            "kind": Kind.PREFERENCE,
            "messages": chosen[:shared],
            "chosen": chosen[shared:],
            "rejected": (rejected[shared:],),
        },
        body,
    )


def read_unpaired(body: Body, loose: Loose) -> Parts:
    """One completion, labelled good or bad; it is kept in `chosen`, apart from the prompt."""
    return _with_tools(
        {
            "kind": Kind.UNPAIRED,
            "messages": _side_of(body, "prompt", "user", loose),
            "chosen": _side_of(body, "completion", "assistant", loose),
            "label": truth_of(body, "label"),
        },
        body,
    )


def read_stepwise(body: Body, loose: Loose) -> Parts:
    """A prompt with steps and a label for each."""
    steps, labels = body.get("completions"), body.get("labels")
    if type(steps) is not list or not all(type(step) is str for step in steps):
        raise Wrong("`completions` is not a list of texts", found=shown(steps), wanted="one text for each step")
    if type(labels) is not list or len(labels) != len(steps):
        raise Wrong("`labels` does not fit `completions`", found=shown(labels), wanted=f"{len(steps)} labels")
    good = tuple(truth_of({"labels": label}, "labels") for label in labels)
    asked = _side_of(body, "prompt", "user", loose)
    return {"kind": Kind.STEPWISE, "messages": asked, "steps": tuple(zip(steps, good, strict=True))}


def as_messages(turns: Turns) -> list[Body]:
    """Turns as TRL has them: arguments as objects, results named by their tool, no call ids."""
    called: dict[str, str] = {}  # call id -> name of the tool
    bodies = []
    for turn in turns:
        body = plain_turn(turn)
        if turn.reasoning:
            body["thinking"] = turn.reasoning
        if turn.tool_calls:
            called |= {call.id: call.name for call in turn.tool_calls if call.id}
            body["tool_calls"] = [
                {"type": "function", "function": {"name": call.name, "arguments": loaded_arguments(call)}}
                for call in turn.tool_calls
            ]
        if turn.role == "tool" and not turn.name and turn.tool_call_id in called:
            body["name"] = called[turn.tool_call_id]
        bodies.append(body)
    return bodies


def as_text(turns: Turns) -> str:
    """The text of a side that is one turn; leading system turns are left out.

    Raises:
        CannotHold: more than one turn, or a turn that is more than text.
    """
    spoken = [turn for turn in turns if turn.role not in ("system", "developer")]
    if len(spoken) != 1:
        raise CannotHold("a dialogue of several turns is no plain text; the conversational form holds it")
    if spoken[0].tool_calls or spoken[0].role == "tool":
        raise CannotHold("tool calls are no plain text; the conversational form holds them")
    return spoken[0].content


def write_text(row: Row) -> Body:
    """Plain text.

    Raises:
        CannotHold: the row is a dialogue, which becomes text only by a chat template.
    """
    if row.kind is not Kind.TEXT:
        raise CannotHold("a dialogue becomes plain text only by a chat template; write trl-messages instead")
    return {"text": row.text}


def write_messages(row: Row) -> Body:
    """A demonstration as messages."""
    return {"messages": as_messages(dialogue_of(row))} | written_tools(row)


def split_at(turns: Turns) -> int:
    """Where the completion begins: the first supervised assistant turn after the last question.

    Raises:
        CannotHold: no supervised turn follows the last question.
    """
    asked = [index for index, turn in enumerate(turns) if turn.role in ("user", "system", "developer")]
    start = asked[-1] + 1 if asked else 0
    for index in range(start, len(turns)):
        if turns[index].role == "assistant" and turns[index].weight != 0.0:
            if index == 0:
                raise CannotHold("it has no prompt before the answer")
            return index
    raise CannotHold("it does not end in a supervised assistant turn")


def _write_prompt(aspect: Aspect) -> Callable[[Row], Body]:
    return lambda row: {"prompt": aspect(asked_of(row))} | _tools_beside(row, aspect)


def _write_completion(aspect: Aspect) -> Callable[[Row], Body]:
    def write(row: Row) -> Body:
        turns = dialogue_of(row)
        start = split_at(turns)
        return {"prompt": aspect(turns[:start]), "completion": aspect(turns[start:])} | _tools_beside(row, aspect)

    return write


def _write_preference(aspect: Aspect) -> Callable[[Row], Body]:
    def write(row: Row) -> Body:
        chosen, rejected = pair_of(row)
        if not row.messages:
            raise CannotHold("it has no prompt apart from the answers; write trl-implicit-preference instead")
        sides = {"prompt": row.messages, "chosen": chosen, "rejected": rejected}
        return {key: aspect(turns) for key, turns in sides.items()} | _tools_beside(row, aspect)

    return write


def _write_implicit(row: Row) -> Body:
    chosen, rejected = pair_of(row)
    sides = {"chosen": row.messages + chosen, "rejected": row.messages + rejected}
    return {key: as_messages(turns) for key, turns in sides.items()} | written_tools(row)


def _write_implicit_text(row: Row) -> Body:
    chosen, rejected = pair_of(row)
    asked = as_text(row.messages) if row.messages else ""
    return {"chosen": asked + as_text(chosen), "rejected": asked + as_text(rejected)}


def _write_unpaired(aspect: Aspect) -> Callable[[Row], Body]:
    def write(row: Row) -> Body:
        asked, said, label = judged_of(row)
        return {"prompt": aspect(asked), "completion": aspect(said), "label": label} | _tools_beside(row, aspect)

    return write


def write_stepwise(row: Row) -> Body:
    """A prompt with labelled steps.

    Raises:
        CannotHold: the row has no steps.
    """
    if row.kind is not Kind.STEPWISE or not row.steps:
        raise CannotHold("it has no labelled steps")
    steps, labels = [text for text, _ in row.steps], [good for _, good in row.steps]
    return {"prompt": as_text(row.messages), "completions": steps, "labels": labels}


def _side_of(body: Body, key: str, role: str, loose: Loose) -> tuple[Message, ...]:
    value = body.get(key)
    if type(value) is str:
        return (Message(role, value),)
    if value is None:
        raise Wrong(missing(body, key), found="keys " + keys_of(body), wanted=f"text or messages under `{key}`")
    return read_turns(value, key, loose)


def _transcript(text: str) -> tuple[Message, ...]:
    # The published preference sets of the helpful-and-harmless kind; both speakers must appear.
    if not text.startswith("\n\nHuman:") or "\n\nAssistant:" not in text:
        return ()
    _, *pieces = TRANSCRIPT.split(text)
    return tuple(Message(SPEAKERS[who], said) for who, said in zip(pieces[::2], pieces[1::2], strict=True))


def _weighing(turn: Message, weight: float) -> Message:
    if turn.role != "assistant" or turn.weight is not None:
        return turn
    return Message(
        turn.role,
        turn.content,
        name=turn.name,
        tool_calls=turn.tool_calls,
        tool_call_id=turn.tool_call_id,
        weight=weight,
        masked=turn.masked,
        reasoning=turn.reasoning,
        parts=turn.parts,
    )


def _with_tools(parts: Parts, body: Body) -> Parts:
    if (tools := body.get("tools")) is not None:
        parts["tools"] = read_tools(tools)
    return parts


def _tools_beside(row: Row, aspect: Aspect) -> Body:
    return written_tools(row) if aspect is as_messages else {}


def _both(name: str, title: str, keys: str, read: Any, write: Any, index: Any) -> tuple[Format, Format]:
    owned = frozenset(keys.split()) | {"tools"}
    told = title + ": " + ", ".join(keys.split())
    return (
        Format(name=name, title=told, keys=owned, read=read, write=write(as_messages)),
        Format(name=f"{name}-text", title=f"{told}, as text", keys=owned, read=read, write=write(as_text), index=index),
    )


COLUMNS = {"prompt": "prompt", "response": "completion"}
FORMATS = (
    Format(
        name="trl-text",
        title="TRL language modelling: text",
        keys=frozenset({"text"}),
        read=read_text,
        write=write_text,
        index={"columns": {"prompt": "text"}},
    ),
    Format(
        name="trl-messages",
        title="TRL conversational language modelling: messages, tools",
        keys=CHAT_KEYS,
        read=read_chat,
        write=write_messages,
        index=CHAT_INDEX,
    ),
    *_both(
        "trl-prompt-only", "TRL prompt-only", "prompt", read_prompt, _write_prompt, {"columns": {"prompt": "prompt"}}
    ),
    *_both(
        "trl-prompt-completion",
        "TRL prompt-completion",
        "prompt completion",
        read_completion,
        _write_completion,
        {"columns": COLUMNS},
    ),
    *_both(
        "trl-preference",
        "TRL preference",
        "prompt chosen rejected",
        read_preference,
        _write_preference,
        {"ranking": True, "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}},
    ),
    Format(
        name="trl-implicit-preference",
        title="TRL preference with the prompt inside: chosen, rejected",
        keys=frozenset({"chosen", "rejected", "tools"}),
        read=read_implicit,
        write=_write_implicit,
    ),
    Format(
        name="trl-implicit-preference-text",
        title="TRL preference with the prompt inside: chosen, rejected, as text",
        keys=frozenset({"chosen", "rejected", "tools"}),
        read=read_implicit,
        write=_write_implicit_text,
    ),
    *_both(
        "trl-unpaired",
        "TRL unpaired preference",
        "prompt completion label",
        read_unpaired,
        _write_unpaired,
        {"columns": COLUMNS | {"kto_tag": "label"}},
    ),
    Format(
        name="trl-stepwise",
        title="TRL stepwise supervision: prompt, completions, labels",
        keys=frozenset({"prompt", "completions", "labels"}),
        read=read_stepwise,
        write=write_stepwise,
    ),
)
