"""Flat arrays in a file: what a scan of a shard leaves, read back array by array and band by band.

A file is a run of parts; a part is a length, a header (JSON: facts, and where each array lies) and
the bytes of its arrays. Files appear whole or not at all, so that one that is there is finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.kit.errors import Retryable

MAGIC = b"headgate packet 1\n"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of a file; its arrays stay on disk until they are asked for."""

    path: Path
    facts: Mapping[str, Any]
    places: Mapping[str, tuple[str, tuple[int, ...], int]]  # name -> type, shape, first byte in the file

    def array(self, name: str) -> NDArray[Any]:
        """A whole array."""
        kind, shape, begin = self.places[name]
        return self._read(kind, int(np.prod(shape)), begin).reshape(shape)

    def line(self, name: str, index: int) -> NDArray[Any]:
        """One row of an array of two dimensions."""
        kind, (_, width), begin = self.places[name]
        return self._read(kind, width, begin + index * width * np.dtype(kind).itemsize)

    def piece(self, name: str, first: int, last: int) -> bytes:
        """Some bytes of an array of bytes."""
        return self._read("|u1", last - first, self.places[name][2] + first).tobytes()

    def _read(self, kind: str, count: int, begin: int) -> NDArray[Any]:
        found: NDArray[Any] = np.fromfile(self.path, dtype=kind, count=count, offset=begin)
        if len(found) != count:
            raise Retryable("a file of the work folder is cut off", file=str(self.path), next_step="run it again")
        return found


def write_part(stream: IO[bytes], facts: Mapping[str, Any], arrays: Arrays) -> None:
    """Appends a part to a stream; the first part begins the file."""
    held = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places, at = {}, 0
    for name, array in held.items():
        places[name] = (array.dtype.str, array.shape, at)
        at += array.nbytes
    header = orjson.dumps({"facts": facts, "places": places, "size": at})
    if stream.tell() == 0:
        stream.write(MAGIC)
    stream.write(len(header).to_bytes(8, "little") + header)
    for array in held.values():
        stream.write(array.data if array.size else b"")


def parts_of(path: Path) -> Iterator[Part]:
    """The parts of a file, in order.

    Raises:
        Retryable: the file is not one that `write_part` wrote.
    """
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise Retryable("not a file of the work folder", file=str(path), next_step="delete it and run it again")
        while length := int.from_bytes(stream.read(8), "little"):
            header = orjson.loads(stream.read(length))
            base = stream.tell()
            places = {name: (kind, tuple(shape), base + at) for name, (kind, shape, at) in header["places"].items()}
            yield Part(path, header["facts"], places)
            stream.seek(base + header["size"])
