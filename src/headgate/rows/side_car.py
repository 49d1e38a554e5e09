"""The side-car: what no training format holds, in a manifest beside the export.

`train.jsonl` has `train.jsonl.headgate.jsonl`: a heading, then one line for each written row with
its content address as it will be re-read, the address and side data of the row it came from, and
its split. Rows with the same words share an address; their line in the file tells them apart, and
where it no longer does (the file was edited) only what all of them agree on is restored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.rows.formats.shape import Wrong
from headgate.rows.formats.side import check
from headgate.rows.row import SIDE_NAMES, Row, Side, side_json

SUFFIX = ".headgate.jsonl"


def path_of(data: Path) -> Path:
    """Where the side-car of a data file stands."""
    return data.with_name(data.name + SUFFIX)


def heading(data: Path, format: str, extra: Mapping[str, Any]) -> bytes:
    """The first line of a side-car."""
    return canonical_json({"side_car": 1, "file": data.name, "format": format} | dict(extra)) + b"\n"


def entry(content_id: str, line: int, row: Row, split: str | None) -> bytes:
    """The line of one written row."""
    body: dict[str, Any] = {"content_id": content_id, "line": line, "id": row.id, "original_content_id": row.content_id}
    if side := side_json(row.side):
        body["side"] = side
    if split:
        body["split"] = split
    return canonical_json(body) + b"\n"


class SideCar:
    """Side data of rows by content address and line."""

    def __init__(self, entries: Mapping[str, list[tuple[int, Any]]]) -> None:
        self._entries = entries

    @classmethod
    def beside(cls, data: Path) -> SideCar | None:
        """The side-car of a data file; None when there is none.

        Raises:
            Refused: it is there and cannot be read, so that what it knows would be lost in silence.
        """
        path = path_of(data)
        if not path.is_file():
            return None
        entries: dict[str, list[tuple[int, Any]]] = {}
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                try:
                    body = orjson.loads(raw)
                    if number == 1 and body["side_car"] == 1:
                        continue
                    side, line = dict(body.get("side", {})), int(body["line"])
                    if body.get("split"):
                        side["extra"] = dict(side.get("extra", {})) | {"split": body["split"]}
                    _side(side)
                    entries.setdefault(body["content_id"], []).append((line, side))
                except (AttributeError, KeyError, TypeError, ValueError, Wrong) as error:
                    raise Refused(
                        "the side-car cannot be read",
                        file=str(path),
                        line=number,
                        found=f"{type(error).__name__}: {error}"[:120],
                        next_step="write the export again, or move the side-car away to read without it",
                    ) from None
        return cls(entries)

    def take(self, content_id: str, line: int) -> Side | None:
        """Side data of the row with these words on that line; None when the side-car does not know the words."""
        known = self._entries.get(content_id)
        if not known:
            return None
        exact = [side for at, side in known if at == line]
        if len(exact) == 1:
            return _side(exact[0])
        first, *others = [side for _, side in known]
        return _side({name: value for name, value in first.items() if all(one.get(name) == value for one in others)})


def _side(body: Mapping[str, Any]) -> Side:
    unknown = set(body) - set(SIDE_NAMES)
    if unknown:
        raise Wrong("unknown side data", found=", ".join(sorted(unknown)))
    side = Side(**{**body, "parents": tuple(body.get("parents", ()))})
    check(side)
    return side
