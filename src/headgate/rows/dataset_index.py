"""LLaMA-Factory's `dataset_info.json`, written beside an export so that the file can be trained on by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.rows.formats.shape import Format

NAME = "dataset_info.json"


def existing(folder: Path) -> dict[str, Any]:
    """The index of a folder; empty when there is none.

    Raises:
        Refused: the file is there and is not an index.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        index = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Refused("the dataset index is broken", file=str(path), line=error.lineno, found=error.msg) from None
    if not isinstance(index, dict):
        raise Refused("the dataset index is not an object", file=str(path), wanted='{"name": {"file_name": ...}}')
    return index


def entry_of(format: Format, data: Path, keys: Iterable[str], rows: int) -> dict[str, Any]:
    """The entry of one export; only columns that the file has, because a missing one stops the loader."""
    entry: dict[str, Any] = {"file_name": data.name}
    seen = set(keys)
    for name, value in format.index.items():
        entry[name] = {ours: theirs for ours, theirs in value.items() if theirs in seen} if name == "columns" else value
    if {"chosen", "rejected"} <= seen:
        entry["ranking"] = True
    entry["num_samples"] = rows
    return entry


def add(data: Path, entry: dict[str, Any]) -> Path:
    """Adds the entry of an export to the index beside it and returns the path of the index.

    The name is that of the file without suffixes, or the whole name where another file has the short one.
    """
    path = data.parent / NAME
    index = existing(data.parent)
    short = data.name.split(".")[0] or data.name
    taken = index.get(short)
    ours = not isinstance(taken, dict) or taken.get("file_name") in (None, data.name)
    index[short if taken is None or ours else data.name] = entry
    with atomic_write(path) as stream:
        stream.write(orjson.dumps(index, option=orjson.OPT_INDENT_2) + b"\n")
    return path
