"""Where rows are written to: JSON lines, one JSON array, separated columns, Parquet; packed where the name says so."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from headgate.kit.errors import Refused
from headgate.rows.formats.shape import Body, CannotHold
from headgate.rows.records import SEPARATORS, Problem, parsed

PACKED = {".gz": "gzip", ".zst": "zstd"}
TABLE_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
LONGEST = 64 << 20  # bytes of a row; readers skip longer lines


class Sink(Protocol):
    """Takes the rows of one file."""

    def write(self, body: Body) -> int:
        """Writes a row and returns the line on which it begins.

        Raises:
            CannotHold: the row has no form in this container.
        """
        ...

    def close(self) -> None:
        """Writes what comes after the last row."""
        ...


def plain_suffix(path: Path) -> str:
    """The suffix of a file name without that of a compression, in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def container_of(path: Path, format: str) -> str:
    """How rows of a format are laid out in a file of that name.

    Raises:
        Refused: the name promises a table that the format is not.
    """
    if format in ("csv", "tsv", "parquet"):
        if format == "parquet" and path.suffix.lower() in PACKED:
            raise Refused("Parquet compresses itself", file=str(path), next_step=f"-o {path.with_suffix('')}")
        return format
    table = TABLE_SUFFIXES.get(plain_suffix(path))
    if table:
        raise Refused(
            f"the name says {table}, the format is {format}", file=str(path), next_step=f"--to {table}, or another name"
        )
    return "array" if plain_suffix(path) == ".json" else "jsonl"


@contextlib.contextmanager
def packed(stream: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """The stream itself, or one that packs into it as the suffix says; the same rows give the same bytes."""
    kind = PACKED.get(path.suffix.lower())
    if kind == "gzip":
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packing:
            yield packing  # type: ignore[misc]
    elif kind == "zstd":
        import zstandard

        with zstandard.ZstdCompressor(level=3).stream_writer(stream, closefd=False) as packing:
            yield packing
    else:
        yield stream


def sink_for(container: str, stream: IO[bytes], columns: Sequence[str]) -> Sink:
    """The sink of a container."""
    if container == "parquet":
        return _Parquet(stream, columns)
    if container in SEPARATORS:
        return _Table(stream, columns, SEPARATORS[container])
    return _Array(stream) if container == "array" else _Lines(stream)


def encoded(body: Body) -> bytes:
    """A row as JSON that the reader will take.

    Raises:
        CannotHold: it is nested too deeply, too long, or holds what JSON has no form for.
    """
    try:
        raw = orjson.dumps(body)
    except TypeError as error:
        raise CannotHold(f"JSON has no form for it: {error}") from None
    if len(raw) > LONGEST:
        raise CannotHold(f"it is longer than {LONGEST >> 20} MiB")
    if isinstance(problem := parsed(raw), Problem):
        raise CannotHold(problem.what)
    return raw


class _Lines:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._line = 0

    def write(self, body: Body) -> int:
        self._stream.write(encoded(body) + b"\n")
        self._line += 1
        return self._line

    def close(self) -> None:
        """Nothing comes after the last line."""


class _Array:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._line = 1

    def write(self, body: Body) -> int:
        raw = encoded(body)
        self._stream.write((b"[\n" if self._line == 1 else b",\n") + raw)
        self._line += 1
        return self._line

    def close(self) -> None:
        self._stream.write(b"[]\n" if self._line == 1 else b"\n]\n")


class _Table:
    def __init__(self, stream: IO[bytes], columns: Sequence[str], separator: str) -> None:
        self._stream = stream
        self._columns = list(columns)
        self._text = io.StringIO(newline="")
        # One column has no separator that would tell TSV from CSV, so its cells are always quoted.
        quoting: Any = csv.QUOTE_ALL if len(self._columns) == 1 else csv.QUOTE_MINIMAL
        self._writer = csv.writer(self._text, delimiter=separator, quoting=quoting, lineterminator="\r\n")
        self._line = 1
        self._put(self._columns)

    def write(self, body: Body) -> int:
        cells = ["" if body.get(name) is None else str(body[name]) for name in self._columns]
        if any("\x00" in cell for cell in cells):
            raise CannotHold("a table cannot hold a null character")
        begin = self._line
        self._put(cells)
        return begin

    def close(self) -> None:
        """Nothing comes after the last line."""

    def _put(self, cells: list[str]) -> None:
        self._text.seek(0)
        self._text.truncate()
        self._writer.writerow(cells)
        try:
            raw = self._text.getvalue().encode()
        except UnicodeEncodeError as error:
            raise CannotHold(f"UTF-8 has no form for it: {error.reason}") from None
        self._stream.write(raw)
        self._line += raw.count(b"\n")


class _Parquet:
    def __init__(self, stream: IO[bytes], columns: Sequence[str]) -> None:
        self._stream = stream
        self._columns: dict[str, list[str | None]] = {name: [] for name in columns}
        self._count = 0

    def write(self, body: Body) -> int:
        cells = {name: None if body.get(name) is None else str(body[name]) for name in self._columns}
        try:
            "".join(cell for cell in cells.values() if cell).encode()
        except UnicodeEncodeError as error:
            raise CannotHold(f"UTF-8 has no form for it: {error.reason}") from None
        for name, cell in cells.items():
            self._columns[name].append(cell)
        self._count += 1
        return self._count

    def close(self) -> None:
        import polars

        table = polars.DataFrame(self._columns, schema=dict.fromkeys(self._columns, polars.String))
        table.write_parquet(self._stream, compression="zstd")
