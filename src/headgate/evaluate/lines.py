"""Small files of JSON lines that people write by hand: labels, questions, canaries, translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file

LONGEST = 1 << 20  # bytes of a line


def lines_of(path: Path, needed: Sequence[str], *, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of each line; blank lines are passed over.

    Raises:
        Refused: the file cannot be read, a line is no object, or a needed key is missing or empty.
    """
    with must_be_file(path).open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, _object(line, path, number, needed, what)


def _object(line: bytes, path: Path, number: int, needed: Sequence[str], what: str) -> dict[str, Any]:
    wanted = "a JSON object with " + ", ".join(needed)
    try:
        found = orjson.loads(line[:LONGEST])
    except orjson.JSONDecodeError as error:
        raise Refused(f"{what}: not JSON", file=str(path), line=number, found=str(error), wanted=wanted) from None
    if not isinstance(found, dict):
        raise Refused(f"{what}: not an object", file=str(path), line=number, found=str(found)[:80], wanted=wanted)
    for key in needed:
        if not isinstance(found.get(key), str) or not found[key].strip():
            raise Refused(
                f"{what}: {key} is missing", file=str(path), line=number, found=str(sorted(found)), wanted=wanted
            )
    return found
