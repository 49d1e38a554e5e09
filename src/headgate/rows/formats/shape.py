"""What a format is: a name, the keys that belong to it, one function that reads and one that writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.rows.row import Row

Body = dict[str, Any]  # one row of a file as JSON
Parts = dict[str, Any]  # fields of `Row` that are its content
Loose = dict[str, Any]  # what a row says that neither content nor side data has a field for; kept in `Side.extra`


class Wrong(Exception):
    """A row that does not have the shape of its format: what, found, wanted."""

    def __init__(self, what: str, *, found: str = "", wanted: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.found = found
        self.wanted = wanted


class CannotHold(Exception):
    """A row that a format has no way to write; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One training-file format."""

    name: str
    title: str  # one line for people
    keys: frozenset[str]  # keys of the format itself; all others are side data
    read: Callable[[Body, Loose], Parts]  # raises Wrong
    write: Callable[[Row], Body]  # raises CannotHold
    index: Mapping[str, Any] = field(
        default_factory=dict
    )  # entry of LLaMA-Factory's dataset_info.json; empty: it cannot load it


NAMES_OF_TYPES = {
    dict: "an object",
    list: "an array",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def shown(value: Any, width: int = 60) -> str:
    """A value of a file as a message quotes it: its type, and its words where they are short."""
    kind = NAMES_OF_TYPES.get(type(value), type(value).__name__)
    if isinstance(value, str):
        return repr(value if len(value) <= width else value[:width] + "…")
    return f"{kind}, {value!r}" if isinstance(value, int | float) and len(repr(value)) <= width else kind


def text_of(body: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
    """The text under a key.

    Raises:
        Wrong: the key is absent (and there is no default) or is not text.
    """
    value = body.get(key)
    if type(value) is str:
        return value
    if value is None and default is not None:
        return default
    if value is None:
        raise Wrong(missing(body, key), found="keys " + keys_of(body), wanted=f"text under `{key}`")
    raise Wrong(f"`{key}` is not text", found=shown(value), wanted="text")


def truth_of(body: Mapping[str, Any], key: str) -> bool:
    """The true or false under a key; 1 and 0 are taken for them.

    Raises:
        Wrong: it is anything else.
    """
    value = body.get(key)
    if value is True or value is False or (type(value) is int and value in (0, 1)):
        return bool(value)
    raise Wrong(f"`{key}` is not true or false", found=shown(value), wanted="true or false")


def missing(body: Mapping[str, Any], key: str) -> str:
    """What is wrong with a row that has nothing under a key: the key is not there, or its value is null."""
    return f"`{key}` is null" if key in body else f"no `{key}`"


def keys_of(body: Mapping[str, Any], most: int = 12) -> str:
    """The keys of a row as a message lists them."""
    names = [str(name)[:40] for name in body]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
