"""Reads registries of real identifiers: a list, a column of a table, or whatever texts of sources hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.text.registry import Registry

TABLES = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson", ".json")
COMMENT = "#"


def registry_of(files: Sequence[Path | str]) -> Registry:
    """One registry of all files; `FILE:COLUMN` names a column of a table or a key of JSON lines.

    A text file has one identifier a line, and so has a column. JSON lines without a key are rows of real sources:
    what they hold is harvested from their texts.

    Raises:
        Refused: a file cannot be read, lacks the column, or holds no identifier.
    """
    registry = Registry((), (), ())
    for file in files:
        path, column = _split(file)
        must_be_file(path)
        one = _read(path, column)
        if not len(one):
            raise Refused("no identifier in it", file=str(path), wanted="one a line, or --registry FILE:COLUMN")
        registry = registry.joined(one)
    return registry


def _split(file: Path | str) -> tuple[Path, str | None]:
    path = Path(file)
    if path.exists() or ":" not in path.name:
        return path, None
    name, _, column = path.name.rpartition(":")
    return path.with_name(name), column


def _read(path: Path, column: str | None) -> Registry:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8", file=str(path), found=f"byte {error.start}") from None
    try:
        if path.suffix.lower() in TABLES:
            return Registry.listed(_column(text, TABLES[path.suffix.lower()], column))
        if path.suffix.lower() not in LINES:
            return Registry.listed(line for line in text.splitlines() if not line.startswith(COMMENT))
        bodies = list(_bodies(text))
        if column is None:
            return Registry.harvested("\n".join(_texts(body)) for body in bodies)
        return Registry.listed(_values(bodies, column))
    except Refused as refused:
        raise replace(refused, file=str(path)) from None


def _column(text: str, mark: str, column: str | None) -> Iterator[str]:
    records = csv.DictReader(io.StringIO(text), delimiter=mark)
    held = list(records.fieldnames or ())
    wanted = column if column is not None or len(held) != 1 else held[0]
    if wanted not in held:
        raise Refused("no such column of identifiers", found=", ".join(held), wanted="--registry FILE:COLUMN")
    for record in records:
        yield record[wanted] or ""


def _bodies(text: str) -> Iterator[Any]:
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise Refused("not JSON", line=number, found=str(error), wanted="JSON lines") from None
    else:
        yield from whole if isinstance(whole, list) else [whole]


def _values(bodies: Sequence[Any], key: str) -> Iterator[str]:
    held = [body for body in bodies if isinstance(body, dict) and key in body]
    if not held:
        found = ", ".join(bodies[0]) if bodies and isinstance(bodies[0], dict) else "no objects"
        raise Refused("no such key of identifiers", found=found, wanted="--registry FILE:KEY")
    for body in held:
        values = body[key] if isinstance(body[key], list) else [body[key]]
        yield from (str(value) for value in values if value is not None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
