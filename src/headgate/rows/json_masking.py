"""JSON text with spans of its strings, numbers and keys replaced: valid before, valid after, spelled as it was.

A value is looked at behind the key that it stands under, as a reader does: `"phone": 2079460958` says what the number
is. A number in which anything is replaced becomes a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}\[\]:,]', re.DOTALL)
STRUCTURE = "{}[]:,"
DEEPEST = 8  # JSON text inside of strings of JSON text


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stretch of a text, what it is to become, and the kind that is counted."""

    start: int  # characters
    end: int
    text: str
    kind: str


Finder = Callable[[str], Sequence[Replacement]]  # replacements left to right, none overlapping


def applied(text: str, found: Sequence[Replacement]) -> str:
    """A text with its replacements made."""
    pieces, at = [], 0
    for one in found:
        pieces += [text[at : one.start], one.text]
        at = one.end
    return "".join([*pieces, text[at:]])


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def masked_json(text: str, find: Finder, depth: int = 0) -> tuple[str, list[str]]:
    """JSON text after replacement, and the kinds that were replaced; the same text where nothing was."""
    pieces, kinds, at = list[str](), list[str](), 0
    for start, end, key, is_key in _leaves(text):
        token = text[start:end]
        new, found = _leaf(token, "" if is_key else key, find, depth)
        if found:
            pieces += [text[at:start], new]
            kinds += found
            at = end
    return "".join([*pieces, text[at:]]), kinds


def in_value(value: str, key: str, find: Finder) -> list[Replacement]:
    """What is to be replaced in a value that stands under a key."""
    before = f"{spoken(key)}: " if key else ""
    moved = [
        Replacement(one.start - len(before), one.end - len(before), one.text, one.kind) for one in find(before + value)
    ]
    return [one for one in moved if one.start >= 0]


def spoken(key: str) -> str:
    """A key as words: `phoneNumber` and `phone_number` are a phone number."""
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", key).split())


def _leaf(token: str, key: str, find: Finder, depth: int) -> tuple[str, list[str]]:
    value: str = json.loads(token) if token[0] == '"' else token
    if depth < DEEPEST and token[0] == '"' and is_json(value):
        inner, kinds = masked_json(value, find, depth + 1)
        return (_quoted(inner, token), kinds) if kinds else (token, [])
    found = in_value(value, key, find) if value else []
    return (_quoted(applied(value, found), token), [one.kind for one in found]) if found else (token, [])


def _quoted(value: str, like: str) -> str:
    return json.dumps(value, ensure_ascii=like.isascii())


def _leaves(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Strings and numbers of valid JSON text: where they stand, under which key, and whether they are one."""
    keys: list[Any] = [""]  # of what is open: the key under which it stands
    tokens = list(TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        found = token.group()
        if found in "{[":
            keys.append(keys[-1])
        elif found in "}]":
            keys.pop()
        elif found[0] not in STRUCTURE:
            is_key = found[0] == '"' and place + 1 < len(tokens) and tokens[place + 1].group() == ":"
            if is_key:
                keys[-1] = json.loads(found)
            yield token.start(), token.end(), keys[-1], is_key
