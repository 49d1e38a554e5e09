"""Side data of a row: what a file says beside the words, under the names that files use for it.

Nothing is guessed: a value of another type than the field's is kept as it is, with all unknown
keys, in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from headgate.rows.formats.shape import Body, Loose, Wrong, shown
from headgate.rows.row import NOTHING_KNOWN, SIDE_NAMES, Side

NAME_OF = {
    "id": "id",
    "source": "source",
    "licence": "licence",
    "license": "licence",
    "subject": "subject",
    "subject_key": "subject",
    "conversation": "conversation",
    "conversation_id": "conversation",
    "group": "group",
    "user": "user",
    "user_id": "user",
    "created_at": "created_at",
    "language": "language",
    "slices": "slices",
    "generator": "generator",
    "depth": "depth",
    "annotator": "annotator",
    "consent": "consent",
    "parents": "parents",
}
KEYS = frozenset(NAME_OF) | {"metadata"}
TEXTS = tuple(name for name in SIDE_NAMES if name not in ("slices", "depth", "parents", "extra"))
PLAIN = frozenset(TEXTS)


def side_of(body: Body, content: frozenset[str], loose: Loose, renamed: Mapping[str, str]) -> Side:
    """Side data of a row: all keys of `body` but the content's.

    `renamed` maps names of ours (also `slice.NAME`) to columns, which may be content as well.
    """
    if not loose and not renamed and body.keys() <= content:
        return NOTHING_KNOWN
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = dict(loose)
    for ours, theirs in renamed.items():
        if body.get(theirs) not in (None, ""):  # an empty cell of a table says nothing
            _named(ours, body[theirs], fields, extra)
    taken = content | set(renamed.values())
    for key, value in body.items():
        if key in taken or value is None:
            continue
        if key == "metadata" and type(value) is dict:
            _take_metadata(value, fields, extra)
        else:
            _take(key, value, fields, extra)
    if extra:
        fields["extra"] = extra
    return Side(**fields)


def check(side: Side) -> None:
    """Checks the types of side data that came from a canonical row.

    Raises:
        Wrong: a field has the wrong type.
    """
    for name in TEXTS:
        if (value := getattr(side, name)) is not None and type(value) is not str:
            raise Wrong(f"side data `{name}` is not text", found=shown(value), wanted="text")
    slices: Any = side.slices
    if type(slices) is not dict or not all(type(value) is str for value in slices.values()):
        raise Wrong("side data `slices` is not an object of texts", found=shown(slices), wanted='{"name": "value"}')
    if side.depth is not None and type(side.depth) is not int:
        raise Wrong("side data `depth` is not a whole number", found=shown(side.depth), wanted="0, 1, 2, ...")
    if not all(type(parent) is str for parent in side.parents) or type(side.extra) is not dict:
        raise Wrong("side data `parents` or `extra` has the wrong type", wanted="a list of addresses; an object")


def filled(side: Side, defaults: Mapping[str, Any]) -> Side:
    """Side data with defaults where the row says nothing; slices and extra are merged."""
    missing: dict[str, Any] = {}
    for name, value in defaults.items():
        own = getattr(side, name)
        if name in ("slices", "extra"):
            missing[name] = {**value, **own}
        elif own is None or own == ():
            missing[name] = tuple(value) if name == "parents" else value
    return Side(**({name: getattr(side, name) for name in SIDE_NAMES} | missing)) if missing else side


def _take_metadata(value: Mapping[str, Any], fields: dict[str, Any], extra: dict[str, Any]) -> None:
    rest: dict[str, Any] = {}
    for key, item in value.items():
        if item is None:
            continue
        if key in NAME_OF and NAME_OF[key] not in fields:
            _take(key, item, fields, rest)
        else:
            rest[key] = item
    if rest:
        extra["metadata"] = rest


def _take(key: str, value: Any, fields: dict[str, Any], extra: dict[str, Any]) -> None:
    name = NAME_OF.get(key)
    if type(value) is str and value and name in PLAIN and name not in fields:  # the common case, for speed
        fields[name] = value
    elif name is None or (name in fields and name != "slices") or not _named(name, value, fields, None):
        extra[key] = value


def _named(name: str, value: Any, fields: dict[str, Any], extra: dict[str, Any] | None) -> bool:
    """Puts a value into its field; False (or into `extra`, where given) when the type does not fit."""
    if name.startswith("slice."):
        fields.setdefault("slices", {})[name.removeprefix("slice.")] = _text(value) or orjson.dumps(value).decode()
        return True
    fitting = _fitting(name, value)
    if fitting is None:
        if extra is not None:
            extra[name] = value
        return False
    if name == "slices":
        fields.setdefault("slices", {}).update(fitting)
    else:
        fields[name] = fitting
    return True


def _fitting(name: str, value: Any) -> Any:
    if name == "slices":
        if type(value) is str and value.startswith("{"):  # a cell of a table
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                return None
        texts = {key: _text(item) for key, item in value.items()} if type(value) is dict else {None: None}
        return texts if all(text is not None for text in texts.values()) else None
    if name == "depth":
        if type(value) is str and value.isdecimal() and value.isascii():
            return int(value)
        return value if type(value) is int and value >= 0 else None
    if name == "parents":
        return tuple(value) if type(value) is list and _all_text(value) else None
    return _text(value) or None


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value
    if type(value) in (int, float):
        return str(value)
    return None


def _all_text(values: Iterable[Any]) -> bool:
    return all(type(value) is str for value in values)
