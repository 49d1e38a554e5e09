"""Content addresses: BLAKE3 over canonical bytes, printed as `b3:` and 64 hex digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from blake3 import blake3

PREFIX = "b3:"


def canonical_json(value: Any) -> bytes:
    """The one byte form of a JSON value: UTF-8, keys sorted, no spaces.

    Raises:
        TypeError: the value holds something JSON has no form for.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(data: bytes) -> str:
    """Content address of bytes."""
    return PREFIX + blake3(data).hexdigest()


def number64(data: bytes) -> int:
    """The first 64 bits of the content address of bytes, as a number."""
    return int.from_bytes(blake3(data).digest(8), "big")


def digest_json(value: Any) -> str:
    """Content address of a JSON value in canonical form."""
    return digest(canonical_json(value))


def digest_file(path: Path) -> str:
    """Content address of a file, read in pieces."""
    hasher = blake3()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            hasher.update(piece)
    return PREFIX + hasher.hexdigest()


def short(address: str, digits: int = 12) -> str:
    """A content address cut for reading; never for looking up in code."""
    return address[: len(PREFIX) + digits]
