"""Reads a section of the flow file into the dataclass of its stage, strictly.

Every problem of a section is collected, each with its line, what was found, what is allowed and
the nearest match, so that a user mends a file in one go.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.settings import key_of


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a section comes from: file, path of keys, and the line of each key."""

    file: str
    path: tuple[str, ...]
    lines: Mapping[tuple[str, ...], int]

    def at(self, *keys: str) -> int | None:
        """Line of a key below this spot; that of the nearest parent where the key has none."""
        path = (*self.path, *keys)
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def below(self, key: str) -> Spot:
        """The spot of a nested table."""
        return Spot(self.file, (*self.path, key), self.lines)

    def name(self, *keys: str) -> str:
        """Dotted path, as `--set` takes it."""
        return ".".join((*self.path, *keys))


def read_section(cls: type, table: Mapping[str, Any], spot: Spot) -> tuple[Any, list[Refused]]:
    """An instance of `cls` and no errors, or None and every error of the section."""
    errors: list[Refused] = []
    hints = typing.get_type_hints(cls)
    fields = {key_of(field): field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            errors.append(_unknown(key, list(fields), spot))
            continue
        converted, problems = _convert(value, hints[field.name], spot, key)
        errors += problems
        values[field.name] = converted
    for key, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            text = f"{spot.name(key)} is missing"
            errors.append(Refused(text, file=spot.file, line=spot.at(), wanted=str(field.metadata.get("help", ""))))
    if errors:
        return None, errors
    try:
        return cls(**values), []
    except Refused as error:
        error.file, error.line = error.file or spot.file, error.line or spot.at()
        return None, [error]


def _unknown(key: str, known: Sequence[str], spot: Spot) -> Refused:
    near = difflib.get_close_matches(key, known, n=1)
    step = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(sorted(known))
    return Refused(f"unknown key {spot.name(key)!r}", file=spot.file, line=spot.at(key), next_step=step)


def _convert(value: Any, hint: Any, spot: Spot, key: str) -> tuple[Any, list[Refused]]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return (value, []) if _storable(value) else (None, [_wrong(value, STORABLE, spot, key)])
    if origin in (typing.Union, types.UnionType):
        return _first_that_fits(value, arguments, spot, key)
    if origin is typing.Literal:
        return (value, []) if value in arguments else (None, [_wrong(value, _one_of(value, arguments), spot, key)])
    if dataclasses.is_dataclass(hint):
        if isinstance(value, Mapping):
            return read_section(typing.cast(type, hint), value, spot.below(key))
        return None, [_wrong(value, "a table", spot, key)]
    if origin in (list, tuple, Sequence) or hint in (list, tuple):
        return _sequence(value, hint, spot, key)
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return _mapping(value, arguments, spot, key)
    return _plain(value, hint, spot, key)


def _first_that_fits(value: Any, arguments: tuple[Any, ...], spot: Spot, key: str) -> tuple[Any, list[Refused]]:
    problems: list[Refused] = []
    for choice in arguments:
        if choice is type(None):
            if value is None:
                return None, []
            continue
        converted, problems = _convert(value, choice, spot, key)
        if not problems:
            return converted, []
    return None, problems


def _sequence(value: Any, hint: Any, spot: Spot, key: str) -> tuple[Any, list[Refused]]:
    arguments = typing.get_args(hint)
    if not isinstance(value, list | tuple):
        return None, [_wrong(value, "a list", spot, key)]
    inner = arguments[0] if arguments else Any
    pairs = [_convert(one, inner, spot, key) for one in value]
    problems = [problem for _, found in pairs for problem in found]
    items = [converted for converted, _ in pairs]
    return (tuple(items) if typing.get_origin(hint) is tuple or hint is tuple else items), problems


def _mapping(value: Any, arguments: tuple[Any, ...], spot: Spot, key: str) -> tuple[Any, list[Refused]]:
    if not isinstance(value, Mapping):
        return None, [_wrong(value, "a table", spot, key)]
    inner = arguments[1] if len(arguments) == 2 else Any
    below = spot.below(key)
    pairs = {name: _convert(one, inner, below, name) for name, one in value.items()}
    problems = [problem for _, found in pairs.values() for problem in found]
    return {name: converted for name, (converted, _) in pairs.items()}, problems


STORABLE = "finite numbers of at most 64 bits"  # what a ledger keeps and arithmetic can use


def _storable(value: Any) -> bool:
    """Whether every number in a value is finite and can be written down; `nan` passes every comparison unseen."""
    if isinstance(value, list | tuple):
        return all(_storable(one) for one in value)
    if isinstance(value, Mapping):
        return all(_storable(one) for one in value.values())
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _plain(value: Any, hint: Any, spot: Spot, key: str) -> tuple[Any, list[Refused]]:
    if not _storable(value):
        return None, [_wrong(value, STORABLE, spot, key)]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value), []
    if hint is int and isinstance(value, bool):
        return None, [_wrong(value, "a whole number", spot, key)]
    if hint is date and isinstance(value, date) and not isinstance(value, datetime):
        return value, []
    if isinstance(value, hint) and not (hint is date and isinstance(value, datetime)):
        return value, []
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", date: "a date"}
    return None, [_wrong(value, names.get(hint, getattr(hint, "__name__", str(hint))), spot, key)]


def _one_of(value: Any, allowed: tuple[Any, ...]) -> str:
    near = difflib.get_close_matches(str(value), [str(one) for one in allowed], n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return "one of " + ", ".join(repr(one) for one in allowed) + hint


def _wrong(value: Any, wanted: str, spot: Spot, key: str) -> Refused:
    return Refused(
        f"{spot.name(key)} has the wrong type or value",
        file=spot.file,
        line=spot.at(key),
        found=repr(value),
        wanted=wanted,
    )
