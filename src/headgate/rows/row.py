"""The canonical row: the one shape that every format reads into and every stage works on.

A row is messages, a kind, the alternatives of a preference row, and side data. Two addresses:

- `content_id`: BLAKE3 of what a model would see (kind, messages, alternatives, label, tools, weights,
  masks). Equal for exact duplicates whoever wrote them. Side-car files are keyed by it.
- `id`: BLAKE3 of the content and the side data. The same words from two subjects are two rows,
  because one of the two may withdraw.

The place a row was read from (file and line) is in neither.

Readers make most rows by `row_of_turns`: such a row holds its texts and what roles said them, and
makes `Message` and `Place` objects only when it is asked for them. Most rows never are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest, number64
from headgate.rows.beside import CALL, REASONING, Piece, pieces_of
from headgate.stats.verdict import Place


class Kind(StrEnum):
    """What a row is for."""

    DEMONSTRATION = "demonstration"  # learn the assistant's turns
    TEXT = "text"  # plain language modelling, every token supervised
    PREFERENCE = "preference"  # chosen against rejected
    UNPAIRED = "unpaired"  # one completion, good or bad
    PROMPT = "prompt"  # no answer yet
    STEPWISE = "stepwise"  # steps with a label each
    TRACE = "trace"  # recorded traffic
    ITEM = "item"  # an evaluation item


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that an assistant turn makes."""

    name: str
    arguments: str  # JSON text, exactly as OpenAI has it
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: str  # system, developer, user, assistant, tool
    content: str = ""
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    weight: float | None = None  # share of the loss, 0..1; None: the default of the trainer
    masked: tuple[tuple[int, int], ...] = ()  # character spans of `content` kept out of the loss
    reasoning: str = ""  # thinking text that some formats keep apart
    parts: str = ""  # JSON text of content parts that are not text (images, audio); empty when there are none


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is known of a row beside its words. Everything is optional; nothing is guessed."""

    id: str | None = None  # the user's own identifier, unique within a file
    source: str | None = None  # name of the source the row came from
    licence: str | None = None  # SPDX identifier, or the words of the source
    subject: str | None = None  # pseudonymous key of the person the row is about
    conversation: str | None = None
    group: str | None = None  # document, thread or template that rows share
    user: str | None = None  # key of the person who typed it, where that differs from the subject
    created_at: str | None = None  # ISO 8601
    language: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)  # such as {"intent": "lost_card"}
    generator: str | None = None  # model that wrote the row; None: a person
    depth: int | None = None  # generations of synthesis since human text; 0: human
    annotator: str | None = None  # who wrote or labelled the answer
    consent: str | None = None  # purpose agreed to
    parents: tuple[str, ...] = ()  # addresses of rows this one was made from
    extra: Mapping[str, Any] = field(default_factory=dict)  # other keys of the file, JSON-able, kept as they were


SIDE_NAMES = tuple(Side.__dataclass_fields__)
NOTHING_KNOWN = Side()  # shared by rows without side data


class _Held:
    """Slots of a row that are no part of its value: addresses once computed, and what is not yet unfolded."""

    __slots__ = ("_content_id", "_file", "_id", "_line", "_roles", "_texts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(_Held):
    """One row. Immutable; `replace` from dataclasses makes a changed copy."""

    kind: Kind
    messages: tuple[Message, ...] = ()  # the dialogue, or the prompt of a preference row
    chosen: tuple[Message, ...] = ()
    rejected: tuple[tuple[Message, ...], ...] = ()  # each one alternative
    label: bool | None = None  # of an unpaired row
    steps: tuple[tuple[str, bool], ...] = ()  # of a stepwise row
    tools: str = ""  # JSON text of the tool schemas; empty when there are none
    side: Side = field(default_factory=Side)
    place: Place | None = field(default=None, compare=False)

    def __getattr__(self, name: str) -> Any:
        # Reached only where a slot is empty: a row of plain turns unfolds what it is asked for.
        if name == "messages":
            value: Any = tuple(map(Message, self._roles, self._texts))
        elif name == "place":
            value = Place(file=self._file, line=self._line)
        elif name in ABSENT:
            return ABSENT[name]
        else:
            raise AttributeError(name)
        object.__setattr__(self, name, value)
        return value

    @property
    def id(self) -> str:
        """Address of content and side data."""
        known: str | None = getattr(self, "_id", None)
        if known is None:
            known = digest(canonical_json([content_json(self), side_json(self.side)]))
            object.__setattr__(self, "_id", known)
        return known

    @property
    def content_id(self) -> str:
        """Address of the content alone."""
        known: str | None = getattr(self, "_content_id", None)
        if known is None:
            known = digest(canonical_json(content_json(self)))
            object.__setattr__(self, "_content_id", known)
        return known

    def _said_by(self, role: str) -> list[str] | None:
        texts = getattr(self, "_texts", None)
        return None if texts is None else [text for who, text in zip(self._roles, texts, strict=True) if who == role]

    def said_by(self, *roles: str) -> list[str]:
        """What the messages of some roles say, in order."""
        texts = getattr(self, "_texts", None)
        if texts is None:
            return [message.content for message in self.messages if message.role in roles]
        for role in roles:
            if role in self._roles:
                return [text for who, text in zip(self._roles, texts, strict=True) if who in roles]
        return []

    def known_as(self, id: str, content_id: str | None = None) -> Row:
        """This row, whose addresses are known from the ledger and are not to be computed again."""
        object.__setattr__(self, "_id", id)
        if content_id is not None:
            object.__setattr__(self, "_content_id", content_id)
        return self

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Messages before the answer: all but the trailing assistant turn."""
        if self.chosen or not self.messages or self.messages[-1].role != "assistant":
            return self.messages
        return self.messages[:-1]

    @property
    def answer(self) -> tuple[Message, ...]:
        """The answer: the chosen alternative, or the trailing assistant turn; empty when there is none."""
        if self.chosen:
            return self.chosen
        return self.messages[-1:] if self.messages and self.messages[-1].role == "assistant" else ()

    @property
    def turns(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Roles and texts of a row of plain turns, without a message made; None of any other."""
        texts = getattr(self, "_texts", None)
        return None if texts is None else (self._roles, texts)

    @property
    def plain_turns(self) -> Iterator[tuple[str, str]] | None:
        """Role and text of each turn of a row of plain turns, without a message made; None of any other."""
        texts = getattr(self, "_texts", None)
        return None if texts is None else zip(self._roles, texts, strict=True)

    @property
    def plain_answer(self) -> str | None:
        """The trailing assistant turn of a row of plain turns, which has no weight and no mask; None of any other."""
        texts = getattr(self, "_texts", None)
        return texts[-1] if texts is not None and self._roles[-1] == "assistant" else None

    @property
    def prompt_text(self) -> str:
        """What the people in the row said: user turns (and the text of a plain-text row), joined by newlines."""
        if (said := self._said_by("user")) is not None:
            return "\n".join(said) or ("" if self._roles[-1] == "assistant" else self.text)
        return "\n".join(m.content for m in self.messages if m.role == "user") or ("" if self.answer else self.text)

    @property
    def answer_text(self) -> str:
        """What the model is to say: content of every assistant turn, joined by newlines."""
        if (said := self._said_by("assistant")) is not None:
            return "\n".join(said)
        said = [m.content for m in (*self.messages, *self.chosen) if m.role == "assistant"]
        return "\n".join(said or [text for text, _ in self.steps])

    @property
    def text(self) -> str:
        """Every word of the row, joined by newlines."""
        if (texts := getattr(self, "_texts", None)) is not None:
            return "\n".join(texts)
        turns = (*self.messages, *self.chosen, *(m for one in self.rejected for m in one))
        return "\n".join([*(m.content for m in turns), *(text for text, _ in self.steps)])

    @property
    def beside(self) -> tuple[Piece, ...]:
        """What turns hold beside their words: reasoning, tool calls, other parts; descriptions of tools are no part."""
        return () if getattr(self, "_texts", None) is not None else pieces_of(self)

    @property
    def beside_text(self) -> str:
        """All of that, joined by newlines."""
        return "\n".join(piece.text for piece in self.beside)

    @property
    def reasoning_text(self) -> str:
        """What is thought before answers, joined by newlines."""
        return "\n".join(piece.text for piece in self.beside if piece.kind == REASONING)

    @property
    def calls_text(self) -> str:
        """Texts among the arguments of tool calls, a line each; the keys are those of any call."""
        return "\n".join(text for piece in self.beside if piece.kind == CALL for text in piece.values)

    @property
    def beside_words(self) -> int:
        """A hash of what the turns hold besides words: tool calls, reasoning, pictures; 0 where there is nothing.

        Names that a run gave its calls say nothing of the row and do not count.
        """
        if getattr(self, "_texts", None) is not None:
            return 0
        turns = (*self.messages, *self.chosen, *(m for one in self.rejected for m in one))
        held = [
            [place, [[call.name, call.arguments] for call in turn.tool_calls], turn.reasoning, turn.parts]
            for place, turn in enumerate(turns)
            if turn.tool_calls or turn.reasoning or turn.parts
        ]
        return number64(canonical_json(held)) if held else 0

    def with_side(self, **changes: Any) -> Row:
        """A copy with other side data."""
        return replace(self, side=replace(self.side, **changes))


ABSENT: Mapping[str, Any] = {"chosen": (), "rejected": (), "steps": ()}
FILLED = ("kind", "side", "label", "tools", "_roles", "_texts", "_file", "_line")
_kind, _side, _label, _tools, _roles, _texts, _file, _line = (getattr(Row, name).__set__ for name in FILLED)


def row_of_turns(kind: Kind, roles: tuple[str, ...], texts: tuple[str, ...], side: Side, file: str, line: int) -> Row:
    """A row of plain turns and nothing else: no names, tools, weights, masks or alternatives.

    Equal to the row made from the same parts; the many small objects are left until they are asked for.
    """
    row = object.__new__(Row)
    _kind(row, kind)
    _roles(row, roles)
    _texts(row, texts)
    _side(row, side)
    _label(row, None)  # these two are asked of every row
    _tools(row, "")
    _file(row, file)
    _line(row, line)
    return row


def to_json(row: Row) -> dict[str, Any]:
    """The canonical JSON form; absent parts are left out. `from_json` reads it back."""
    body = content_json(row)
    side = side_json(row.side)
    if side:
        body["side"] = side
    return body


def content_json(row: Row) -> dict[str, Any]:
    """The canonical JSON form without side data: what a model would see."""
    body: dict[str, Any] = {"kind": row.kind.value}
    if (texts := getattr(row, "_texts", None)) is not None:
        body["messages"] = [{"role": who, "content": text} for who, text in zip(row._roles, texts, strict=True)]
        return body
    if row.messages:
        body["messages"] = [message_json(m) for m in row.messages]
    if row.chosen:
        body["chosen"] = [message_json(m) for m in row.chosen]
    if row.rejected:
        body["rejected"] = [[message_json(m) for m in one] for one in row.rejected]
    if row.label is not None:
        body["label"] = row.label
    if row.steps:
        body["steps"] = [[text, good] for text, good in row.steps]
    if row.tools:
        body["tools"] = row.tools
    return body


def message_json(message: Message) -> dict[str, Any]:
    """One turn in canonical JSON; absent parts are left out."""
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.name:
        body["name"] = message.name
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    if message.reasoning:
        body["reasoning"] = message.reasoning
    if message.parts:
        body["parts"] = message.parts
    if message.tool_calls:
        body["tool_calls"] = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls]
    if message.weight is not None:
        body["weight"] = float(message.weight)
    if message.masked:
        body["masked"] = [list(span) for span in message.masked]
    return body


def side_json(side: Side) -> dict[str, Any]:
    """Side data in canonical JSON; absent parts are left out."""
    body: dict[str, Any] = {}
    if side is NOTHING_KNOWN:
        return body
    for name in SIDE_NAMES:
        value = getattr(side, name)
        if value is None or value == {} or value == ():
            continue
        body[name] = list(value) if name == "parents" else dict(value) if name in ("slices", "extra") else value
    return body


def from_json(body: Mapping[str, Any], place: Place | None = None) -> Row:
    """Reads the canonical JSON form.

    Raises:
        Refused: a key is missing or unknown, or has the wrong type.
    """
    try:
        side = dict(body.get("side", {}))
        side["parents"] = tuple(side.get("parents", ()))
        return Row(
            kind=Kind(body["kind"]),
            messages=tuple(_message(m) for m in body.get("messages", ())),
            chosen=tuple(_message(m) for m in body.get("chosen", ())),
            rejected=tuple(tuple(_message(m) for m in one) for one in body.get("rejected", ())),
            label=body.get("label"),
            steps=tuple((text, bool(good)) for text, good in body.get("steps", ())),
            tools=body.get("tools", ""),
            side=Side(**side),
            place=place,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        file, line = (place.file, place.line) if place else (None, None)
        raise Refused("not a canonical row", file=file, line=line, found=f"{type(error).__name__}: {error}") from None


def from_bytes(data: bytes) -> Row:
    """Reads the canonical JSON bytes that the ledger stores."""
    return from_json(orjson.loads(data))


def to_bytes(row: Row) -> bytes:
    """Canonical JSON bytes, as the ledger stores them."""
    return canonical_json(to_json(row))


def _message(body: Mapping[str, Any]) -> Message:
    rest = {k: v for k, v in body.items() if k not in ("tool_calls", "masked")}
    calls = tuple(
        ToolCall(name=c["name"], arguments=c["arguments"], id=c.get("id", "")) for c in body.get("tool_calls", ())
    )
    return Message(**rest, tool_calls=calls, masked=tuple((int(a), int(b)) for a, b in body.get("masked", ())))


def text_of_turns(roles: tuple[str, ...], texts: tuple[str, ...], field: str) -> str | None:
    """The `text`, `beside`, `prompt` or `answer` of a row of plain turns; None where that takes a look at the row."""
    if field in ("text", "beside"):
        return "\n".join(texts) if field == "text" else ""
    wanted = "user" if field == "prompt" else "assistant"
    said = "\n".join([text for role, text in zip(roles, texts, strict=True) if role == wanted])
    return None if field == "prompt" and not said and roles[-1] != "assistant" else said
