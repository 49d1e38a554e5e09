"""Reads files that nobody vouches for: piece by piece, with a limit on each piece, and no trust in what they claim.

A log may be larger than memory, cut off, nested without end or packed to unfold without end. A JSON
file is walked key by key and a long list in it is handed out element by element.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from headgate.kit.errors import Refused

ENTRY_BYTES = 64 << 20  # largest single sample
UNFOLDED = 1000  # how many times its own size a packed file may unfold to ...
UNFOLDED_LEAST = 256 << 20  # ... and what any file may
MEMBERS = 1_000_000
PIECE = 1 << 16
ZSTD = 93  # method number of Zstandard in the zip format
SPACE = " \t\r\n"

_decoder = json.JSONDecoder()


class JsonWalk:
    """Walks one JSON value of a file without holding all of it."""

    def __init__(self, path: Path, *, limit: int = ENTRY_BYTES) -> None:
        self.path, self.limit = path, limit
        self._stream: IO[str] = path.open(encoding="utf-8-sig")
        self._text, self._at, self._done, self._element = "", 0, False, 0

    def close(self) -> None:
        """Lets go of the file."""
        self._stream.close()

    def _more(self, size: int = PIECE) -> bool:
        try:
            piece = self._stream.read(size)
        except UnicodeDecodeError as error:
            raise self._refused("not UTF-8", str(error)) from None
        self._text, self._at = self._text[self._at :] + piece, 0
        self._done = not piece
        return bool(piece)

    def _refused(self, what: str, found: str) -> Refused:
        where = f"sample {self._element}: " if self._element else ""
        return Refused(what, file=str(self.path), found=where + found, wanted="a whole JSON log")

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, sign: str) -> None:
        """Goes past a sign.

        Raises:
            Refused: something else stands there, or the file ends.
        """
        found = self.peek()
        if found != sign:
            raise self._refused("the file is cut off" if not found else "not JSON", repr(found or "end of file"))
        self._at += 1

    def value(self) -> Any:
        """The next value, whole.

        Raises:
            Refused: it is longer than the limit, nested too deep, cut off, or no JSON.
        """
        self.peek()
        size = PIECE
        while True:
            try:
                value, end = _decoder.raw_decode(self._text, self._at)
                # A number at the end of what was read may go on.
                if end < len(self._text) or self._done or not isinstance(value, int | float):
                    self._at = end
                    return value
            except RecursionError:
                raise self._refused("nested too deep", "more levels than can be read") from None
            except ValueError as error:
                if self._done:
                    raise self._refused("the file is cut off, or is no JSON", str(error)) from None
            if len(self._text) - self._at > self.limit:
                raise self._refused("one sample is too large", f"more than {self.limit:,} characters")
            self._more(size)
            size *= 2  # so that a long value is tried a few times only

    def skip(self) -> None:
        """Goes past the next value; a long list is not held."""
        if self.peek() == "[":
            for _ in self.elements():
                pass
        else:
            self.value()

    def elements(self) -> Iterator[Any]:
        """The elements of the list that stands next, one by one."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            self._element += 1
            yield self.value()
            if self.peek() == "]":
                break
            self.take(",")
        self.take("]")
        self._element = 0

    def members(self) -> Iterator[str]:
        """The keys of the object that stands next; after each the caller reads its value."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self._refused("not JSON", f"{key!r} for a key")
            self.take(":")
            yield key
            if self.peek() == "}":
                break
            self.take(",")
        self.take("}")


def without_list(path: Path, *, at: tuple[str, ...]) -> Any:
    """The value of a file, but for a long list under a path of keys, of which only the length is told."""
    walk = JsonWalk(path)
    try:
        found = outline(walk, at)
        if walk.peek():
            raise Refused("more than one JSON value", file=str(path), wanted="one log a file")
        return found
    finally:
        walk.close()


def outline(walk: JsonWalk, at: tuple[str, ...]) -> Any:
    """The value that stands next, but for a long list under a path of keys, of which only the length is told."""
    if walk.peek() != "{":
        return walk.value()
    out: dict[str, Any] = {}
    for key in walk.members():
        if not at or key != at[0]:
            out[key] = walk.value()
        elif len(at) == 1 and walk.peek() == "[":
            out[key] = sum(1 for _ in walk.elements())
        else:
            out[key] = outline(walk, at[1:])
    return out


def list_under(path: Path, at: tuple[str, ...]) -> Iterator[Any]:
    """The elements of the list under a path of keys, one by one."""
    walk = JsonWalk(path)
    try:
        yield from _descend(walk, at)
    finally:
        walk.close()


def _descend(walk: JsonWalk, at: tuple[str, ...]) -> Iterator[Any]:
    if not at:
        yield from walk.elements()
        return
    for key in walk.members():
        if key == at[0]:
            yield from _descend(walk, at[1:])
        else:
            walk.value()


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of each line.

    Raises:
        Refused: a line is too long, no JSON, or no object; the last one may have been cut off.
    """
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(ENTRY_BYTES + 1):
            number += 1
            if len(line) > ENTRY_BYTES:
                found = f"more than {ENTRY_BYTES:,} bytes"
                raise Refused("one sample is too large", file=str(path), line=number, found=found)
            if not line.strip():
                continue
            value = parsed(line, file=str(path), line=number)
            if not isinstance(value, dict):
                raise Refused("not a sample", file=str(path), line=number, found=type(value).__name__, wanted="object")
            yield number, value


def parsed(data: bytes, *, file: str, line: int | None = None, where: str = "") -> Any:
    """JSON from bytes; NaN is read as what it is.

    Raises:
        Refused: no JSON, not UTF-8, or nested too deep.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise Refused("nested too deep", file=file, line=line, found=where or None) from None
    except ValueError as error:
        found = f"{where}: {error}" if where else str(error)
        raise Refused("not JSON, or cut off", file=file, line=line, found=found, wanted="a whole log") from None


class Archive:
    """A zip file whose members are read one by one, with a limit on each and on all."""

    def __init__(self, path: Path) -> None:
        """Opens it.

        Raises:
            Refused: no zip file, or a cut-off one.
        """
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise Refused(
                "a broken or cut-off archive", file=str(path), found=str(error), wanted="a whole .eval log",
                next_step="copy it again, or wait until the evaluation has ended",
            ) from None  # fmt: skip
        self._left = max(UNFOLDED * path.stat().st_size, UNFOLDED_LEAST)
        self._members = {one.filename: one for one in self._zip.infolist()}
        if len(self._zip.infolist()) > MEMBERS:
            self.close()
            raise Refused("too many members", file=str(path), found=f"{len(self._members):,}", wanted=f"{MEMBERS:,}")
        if len(self._members) < len(self._zip.infolist()):
            self.close()
            raise Refused("two members of one name in an archive", file=str(path), wanted="each sample once")

    def close(self) -> None:
        """Lets go of the file."""
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """Names of the members, in their order."""
        return list(self._members)

    def json(self, name: str) -> Any:
        """A member, read as JSON.

        Raises:
            Refused: it is missing, packed in an unknown way, damaged, too large, or no JSON.
        """
        return parsed(self._bytes(name), file=str(self.path), where=name)

    def _bytes(self, name: str) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise Refused("a member is missing", file=str(self.path), wanted=name)
        limit = min(ENTRY_BYTES, self._left)
        try:
            data = self._zstd(member, limit) if member.compress_type == ZSTD else self._plain(member, limit)
        except (zipfile.BadZipFile, zlib.error, zstandard.ZstdError, EOFError, OSError, NotImplementedError,
                RuntimeError, struct.error) as error:  # fmt: skip
            raise Refused("a damaged member", file=str(self.path), found=f"{name}: {error}") from None
        if len(data) > limit:
            raise Refused(
                "an archive that unfolds too far", file=str(self.path), found=f"{name}: more than {limit:,} bytes",
                wanted=f"{ENTRY_BYTES:,} bytes a sample, {UNFOLDED:,} times the size of the file in all",
            )  # fmt: skip
        self._left -= len(data)
        return data

    def _plain(self, member: zipfile.ZipInfo, limit: int) -> bytes:
        with self._zip.open(member) as stream:
            return stream.read(limit + 1)

    def _zstd(self, member: zipfile.ZipInfo, limit: int) -> bytes:
        # The zip module of Python 3.11 to 3.13 knows no Zstandard; its header is 30 bytes, two lengths at 26.
        with self.path.open("rb") as stream:
            stream.seek(member.header_offset)
            name, extra = struct.unpack("<HH", stream.read(30)[26:30])
            stream.seek(member.header_offset + 30 + name + extra)
            packed = stream.read(member.compress_size)
        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            data: bytes = reader.read(limit + 1)
        if len(data) <= limit and zlib.crc32(data) != member.CRC:
            raise zipfile.BadZipFile("bad checksum")
        return data
