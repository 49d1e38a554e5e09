"""A row as the text that the model sees, with what of it is to be learned.

The text comes from the real chat template, rendered as often as there are answers: up to an answer
with the opening that serving adds, and with the answer in place. What lies between is the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.models.chat_template import ChatTemplate
from headgate.rows.row import Kind, Message, Row

LEARNED = (Kind.DEMONSTRATION, Kind.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters of the rendered text that share a loss weight."""

    begin: int
    end: int
    weight: float
    answer: bool  # an assistant turn: begins where serving would begin, and must be ended by an end token


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One row as text, or the reason why it cannot be trained on."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    masked: tuple[tuple[int, int], ...] = ()  # characters kept out of the loss
    problem: str = ""


def rendered(row: Row, template: ChatTemplate | None) -> Rendered:
    """The row's text and spans; a problem instead of an exception, so that every row is looked at."""
    if row.kind is Kind.TEXT:
        return Rendered(text=row.text, spans=(Span(begin=0, end=len(row.text), weight=1.0, answer=False),))
    if row.kind not in LEARNED:
        return Rendered(problem=f"a row of kind {row.kind.value} is not for supervised tuning")
    if template is None:
        return Rendered(problem="the base has no chat template")
    if any(message.parts for message in row.messages):
        return Rendered(problem="images and audio cannot be trained on")
    try:
        return _dialogue(row, template)
    except Refused as error:
        return Rendered(problem=f"{error.what}: {error.found}" if error.found else error.what)


def _dialogue(row: Row, template: ChatTemplate) -> Rendered:
    tools = tools_of(row)
    turns = [as_dict(message) for message in row.messages]
    whole = template.render(turns, add_generation_prompt=False, tools=tools)
    spans: list[Span] = []
    masked: list[tuple[int, int]] = []
    for i, message in enumerate(row.messages):
        answer = message.role == "assistant"
        weight = message.weight if message.weight is not None else float(answer)
        if not weight:
            continue
        before = template.render(turns[:i], add_generation_prompt=answer, tools=tools) if i or answer else ""
        last = i + 1 == len(turns)  # what is rendered up to there is the whole
        after = whole if last else template.render(turns[: i + 1], add_generation_prompt=False, tools=tools)
        if not after.startswith(before):
            return Rendered(text=whole, problem=f"turn {i + 1}: serving would open the answer with other text")
        if not whole.startswith(after):
            return Rendered(text=whole, problem=f"turn {i + 1}: the template rewrites earlier turns")
        spans.append(Span(begin=len(before), end=len(after), weight=float(weight), answer=answer))
        masked += _placed(message, whole, len(before), len(after), i)
    return Rendered(text=whole, spans=tuple(spans), masked=tuple(masked))


def _placed(message: Message, text: str, begin: int, end: int, i: int) -> Iterable[tuple[int, int]]:
    """Masked spans of a message as characters of the rendered text."""
    if not message.masked:
        return []
    lead = len(message.content) - len(message.content.lstrip())
    at = text.find(message.content, begin, end)
    if at < 0:
        at = text.find(message.content.strip(), begin, end) - lead  # many templates trim what they are given
        if at < begin - lead:
            raise Refused(f"turn {i + 1}: its masked spans cannot be found in the rendered text")
    return [(max(at + a, begin), min(at + b, end)) for a, b in message.masked]


def tools_of(row: Row) -> list[Any]:
    """The tool schemas of a row as objects."""
    if not row.tools:
        return []
    try:
        tools = json.loads(row.tools)
    except ValueError:
        raise Refused("its tool schemas are not JSON") from None
    return tools if isinstance(tools, list) else [tools]


def as_dict(message: Message) -> Mapping[str, Any]:
    """A turn in the shape that chat templates expect."""
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.name:
        body["name"] = message.name
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    if message.reasoning:
        body["reasoning_content"] = message.reasoning
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return body


def _arguments(text: str) -> Any:
    # Templates print arguments as JSON themselves, from an object.
    try:
        return json.loads(text)
    except ValueError:
        return text
