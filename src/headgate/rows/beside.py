"""What a row holds beside the words of its turns: reasoning, tool calls, other parts, descriptions of tools.

A model learns these as it learns what turns say, so whoever looks for leaks looks here too. Rules about how turns
are written (spelling, phrases, refusals) do not: JSON is no prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from headgate.rows.row import Message, Row

REASONING, CALL, PART, TOOL = "reasoning", "call", "part", "tool"  # kinds of pieces
WINDOW, STEP = 4, 2  # sentences of a passage, and from the beginning of one to that of the next
SENTENCE_CHARACTERS = 400  # a longer one is found by its runs of words
_ENDS = re.compile(r"(?<=[.?!][\"'\u201d\u00bb)\s])\s*|(?<=[\u3002\uff1f\uff01])|\n+")
_QUOTED = re.compile('["\u201c\u00ab\u201e]([^"\u201c\u201d\u00ab\u00bb\u201e\n]{6,400})["\u201d\u00bb\u201c]')


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that stands beside the words of a row."""

    kind: str  # REASONING, CALL, PART or TOOL
    place: str  # as printed after "in": "the reasoning of turn 2"
    text: str  # all its words: keys and values of JSON, a line each
    values: tuple[str, ...]  # what of it stands by itself: the reasoning, or each text among the values


def pieces_of(row: Row) -> tuple[Piece, ...]:
    """What the turns of a row hold beside their words, turn by turn: reasoning, calls and other parts."""
    found: list[Piece] = []
    for number, turn in enumerate(row.messages, start=1):
        found += _of_turn(turn, f"turn {number}")
    for turn in row.chosen:
        found += _of_turn(turn, "the chosen answer")
    for one in row.rejected:
        for turn in one:
            found += _of_turn(turn, "a rejected answer")
    return tuple(found)


def described(row: Row) -> tuple[Piece, ...]:
    """What describes the tools that a row is given."""
    return _tools(row.tools) if row.tools else ()


def characters(row: Row) -> int:
    """About how many characters a row holds, beside its words too."""
    if row.turns is not None:
        return len(row.text)
    turns = (*row.messages, *row.chosen, *(turn for one in row.rejected for turn in one))
    beside = (len(turn.reasoning) + sum(len(call.arguments) for call in turn.tool_calls) for turn in turns)
    return len(row.text) + sum(beside)


def _of_turn(turn: Message, whose: str) -> Iterator[Piece]:
    if turn.reasoning:
        yield Piece(REASONING, f"the reasoning of {whose}", turn.reasoning, (turn.reasoning,))
    for call in turn.tool_calls:
        lines, values = _flat(call.arguments)
        yield Piece(CALL, f"the arguments of {call.name} in {whose}", "\n".join([call.name, *lines]), values)
    if turn.parts:
        # Pictures and sound are long texts without a blank, or addresses: no words.
        values = tuple(text for text in _flat(turn.parts)[1] if _worded(text))
        if values:
            yield Piece(PART, f"another part of {whose}", "\n".join(values), values)


@lru_cache(maxsize=128)
def _tools(text: str) -> tuple[Piece, ...]:
    """What describes the tools: names of parameters and types are the same wherever a tool is used."""
    values = tuple(value for value in _flat(text)[1] if _worded(value))
    return (Piece(TOOL, "the descriptions of tools", "\n".join(values), values),) if values else ()


def _flat(text: str) -> tuple[list[str], tuple[str, ...]]:
    """Keys and values of JSON in order, a line each, and the texts among the values; of anything else the text."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ([text], (text,)) if text.strip() else ([], ())
    return [line for line, _ in _walked(value)], tuple(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    return (line for line, alone in _walked(value) if alone and line.strip())


def _walked(value: Any) -> Iterator[tuple[str, bool]]:
    """Keys and values of a JSON value in order, and whether each is a text among the values."""
    waiting: list[tuple[Any, bool]] = [(value, False)]  # not by recursion: JSON may be nested a thousand deep
    while waiting:
        here, key = waiting.pop()
        if isinstance(here, dict):
            for name, inner in reversed(here.items()):
                waiting += [(inner, False), (name, True)]
        elif isinstance(here, list):
            waiting += [(inner, False) for inner in reversed(here)]
        elif isinstance(here, str):
            yield here, not key
        elif here is not None:
            yield orjson.dumps(here).decode(), False


def _worded(text: str) -> bool:
    return len(text.split(maxsplit=1)) > 1 or not text.isascii()


def stretches(rows: Iterable[Row], cut: Callable[[str], Iterator[str]]) -> tuple[list[str], list[int]]:
    """What stands by itself beside the words of rows, cut into stretches, each once a row: texts, and their rows."""
    texts, owners = list[str](), list[int]()
    for number, row in enumerate(rows):
        if row.turns is not None:
            continue
        values = (value for piece in row.beside for value in piece.values)
        found = dict.fromkeys(text for value in values for text in cut(value))
        texts += found
        owners += [number] * len(found)
    return texts, owners


def passages(text: str) -> Iterator[str]:
    """Stretches of a text in which a question of a few sentences stands whole: lines, and windows of long ones."""
    for line in text.split("\n"):
        sentences = [part.strip() for part in _ENDS.split(line) if part and part.strip()]
        if len(sentences) <= WINDOW:
            if sentences:
                yield line.strip()
            continue
        for first in range(0, len(sentences) - WINDOW + STEP, STEP):
            yield " ".join(sentences[first : first + WINDOW])


def sentences(text: str) -> Iterator[str]:
    """Sentences of a text, and what it quotes, each once: where a short question stands by itself."""
    seen = set[str]()
    for part in [*_ENDS.split(text), *_QUOTED.findall(text)]:
        said = part.strip() if part else ""
        if said and len(said) <= SENTENCE_CHARACTERS and said not in seen:
            seen.add(said)
            yield said
