"""Options of rules: read strictly from a table, listed with unit and help from the source."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping
from typing import Any

from headgate.kit.errors import Refused, merged
from headgate.rules.selection import unknown
from headgate.rules.shape import Rule

FIELD = re.compile(r"^    (?P<name>\w+)\s*:.*?=(?P<default>[^#]*)#\s*(?P<comment>.+)$", re.MULTILINE)

SHARE = "0..1"  # in the unit of an option that is a share, a similarity or a p value


@dataclasses.dataclass(frozen=True, slots=True)
class OptionLine:
    """One option as a page lists it."""

    key: str  # as written in the flow file
    type: str
    default: Any
    comment: str  # unit and meaning, from the line in the source


def read_options(rule: Rule, table: Mapping[str, Any] | Any | None, *, file: str | None = None) -> Any:
    """Options of a rule from a table; what is not named keeps its default.

    Raises:
        Refused: an unknown key (with the nearest match), a value of the wrong type, or a share that is none; all
            at once.
    """
    if table is None:
        return rule.options()
    if not isinstance(table, Mapping):
        if isinstance(table, rule.options):
            return table
        raise Refused(f"options of {rule.name} are not a table", file=file, found=repr(table), wanted="key = value")
    fields = {field.name.replace("_", "-"): field for field in dataclasses.fields(rule.options)}
    hints = typing.get_type_hints(rule.options)
    values: dict[str, Any] = {}
    errors: list[Refused] = []
    for key, value in table.items():
        field = fields.get(key.replace("_", "-"))
        if field is None:
            error = unknown(f"option of {rule.name}", key, fields, next_step=f"headgate explain {rule.name}")
            errors.append(dataclasses.replace(error, file=file))
            continue
        try:
            values[field.name] = _as(hints[field.name], value)
        except TypeError as problem:
            what = f"option {key!r} of {rule.name} has the wrong type"
            errors.append(Refused(what, file=file, found=repr(value), wanted=str(problem)))
            continue
        odd = hints[field.name] is float and not 0 <= values[field.name] <= 1
        if odd and SHARE in comments_of(rule.options).get(field.name, ""):
            what = f"option {key!r} of {rule.name} is out of range"
            errors.append(Refused(what, file=file, found=repr(value), wanted="a number from 0 to 1"))
    if errors:
        raise merged(errors)
    return rule.options(**values)


def option_lines(options: type) -> list[OptionLine]:
    """Every option with its default and the comment on its line.

    Raises:
        Refused: a field has no default, or no comment on its line.
    """
    comments = comments_of(options)
    lines = []
    for field in dataclasses.fields(options):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING or field.name not in comments:
            what = f"option {field.name!r} of {options.__module__} needs a default and a comment with its unit"
            raise Refused(what, wanted=f"{field.name}: int = 3  # rows")
        lines.append(OptionLine(field.name.replace("_", "-"), str(field.type), default, comments[field.name]))
    return lines


def comments_of(options: type) -> dict[str, str]:
    """The comment of each option, which begins with its unit, from the line on which it stands."""
    return {match["name"]: match["comment"].strip() for match in FIELD.finditer(inspect.getsource(options))}


def _as(wanted: Any, value: Any) -> Any:
    origin = typing.get_origin(wanted)
    if origin is tuple:
        (item, *_) = typing.get_args(wanted)
        if not isinstance(value, list | tuple):
            raise TypeError(f"a list of {_named(item)}")
        return tuple(_as(item, each) for each in value)
    if origin is typing.Literal:
        if value not in typing.get_args(wanted):
            raise TypeError("one of: " + ", ".join(map(str, typing.get_args(wanted))))
        return value
    if origin in (dict, Mapping):
        _, item = typing.get_args(wanted)
        if not isinstance(value, Mapping):
            raise TypeError(f"a table of {_named(item)}")
        return {str(key): _as(item, each) for key, each in value.items()}
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted) and not (wanted in (int, float) and isinstance(value, bool)):
        return value
    raise TypeError(_named(wanted))


def _named(wanted: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(wanted, str(wanted))
