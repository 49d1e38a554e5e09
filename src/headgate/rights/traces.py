"""Where texts stand: in records and content of a ledger, and in files, whole or in part, however they are written.

A text is looked for by pieces of 24 characters that overlap, so that a quote of 32 characters cannot be missed; a
shorter text is looked for as a whole. One under 12 characters is looked for as a whole value only, between the marks
that JSON or HTML put around it, and only where it is no word such as records have of their own. Pieces that rows of
others say too are not looked for: they remain.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import orjson
import zstandard

from headgate.kit.hashing import PREFIX as ADDRESS

PIECE, STRIDE = 24, 8  # characters
LEAST = 12  # characters; shorter texts stand inside of others everywhere
SHORTEST = 3  # characters; a value of fewer stands everywhere as a whole
OWN = re.compile(r"[a-z0-9_.:/@%+-]*")  # a name, a key or a number of a record; it cannot be told from one
T = TypeVar("T")
BLOCK = 2_000  # texts looked through at a time
CHUNK, OVERLAP = 1 << 26, 1 << 12  # bytes
SMALL = 1 << 22  # bytes of a file that is looked through together with others


@dataclass(frozen=True)
class Traces:
    """Texts that are looked for."""

    pieces: tuple[str, ...]
    values: tuple[str, ...] = ()  # short texts, looked for as whole values

    @classmethod
    def of(cls, texts: Iterable[str], surviving: Iterable[str], addresses: Iterable[str] = ()) -> Traces:
        """The pieces of texts that no surviving text has, and plain addresses: by one, a short text can be guessed."""
        known = list(texts)
        own = dict.fromkeys(piece for text in known for piece in pieces_of(text))
        short = dict.fromkeys(text.strip() for text in known if is_value(text))
        traces, said = cls(tuple(own)), set[str]()

        def heard() -> Iterator[str]:
            for text in surviving:
                if text.strip() in short:
                    said.add(text.strip())
                yield text

        kept = traces.found_in(heard())
        digits = (address.removeprefix(ADDRESS) for address in addresses)
        pieces = (*(piece for piece in own if piece not in kept), *digits)
        return cls(pieces, tuple(text for text in short if text not in said))

    def without_values_in(self, texts: Iterable[str]) -> Traces:
        """The same without the short values that some texts have too: they could not be told from those."""
        left = list(self.values)
        for block in _blocks((None, text) for text in texts) if left else ():
            hay = [text for _, text in block]
            if any(Traces((), tuple(left)).hits(hay)):
                left = [value for value in left if not any(Traces((), (value,)).hits(hay))]
        return Traces(self.pieces, tuple(left))

    @cached_property
    def forms(self) -> list[str]:
        """Each piece as it stands in plain text, in JSON (two ways) and in HTML."""
        written = dict[str, None]()
        for piece in self.pieces:
            plain = html.escape(piece, quote=False)
            escaped = plain, html.escape(piece), plain.replace("'", "&#39;").replace('"', "&#34;")
            for form in (piece, json.dumps(piece)[1:-1], orjson.dumps(piece).decode()[1:-1], *escaped):
                written[form] = None
        for value in self.values:
            for form in (json.dumps(value), orjson.dumps(value).decode()):
                written |= dict.fromkeys((form, json.dumps(form)[1:-1]))  # and in JSON inside of JSON
            plain = html.escape(value, quote=False)
            written |= dict.fromkeys((f">{plain}<", f'"{html.escape(value)}"'))
        return list(written)

    def found_in(self, texts: Iterable[str]) -> set[str]:
        """The pieces that stand in any of some texts as they are."""
        import polars

        if not self.pieces:
            for _ in texts:
                pass  # whoever asks may listen to what goes by
            return set()
        wanted, out = list(self.pieces), set[str]()
        for block in _blocks((None, text) for text in texts):
            series = polars.Series([text for _, text in block], dtype=polars.String)
            found = series.str.extract_many(wanted, overlapping=True)
            out.update(found.explode().drop_nulls().to_list())
        return out

    def hits(self, texts: Sequence[str]) -> list[bool]:
        """Which of some texts have any piece, in any form."""
        import polars

        if not self.forms or not texts:
            return [False] * len(texts)
        found: list[bool] = polars.Series(list(texts), dtype=polars.String).str.contains_any(self.forms).to_list()
        return found

    def among(self, texts: Iterable[tuple[T, str]]) -> Iterator[T]:
        """The keys of those texts that have any piece; many are looked through at a time."""
        for block in _blocks(texts):
            found = self.hits([text for _, text in block])
            yield from (key for (key, _), hit in zip(block, found, strict=True) if hit)

    def in_bytes(self, data: bytes) -> bool:
        """Whether bytes, read as text, have any piece."""
        return self.hits([data.decode("utf-8", "replace")])[0]

    def in_files(self, paths: Iterable[Path], unread: list[str]) -> list[Path]:
        """The files that have any piece; `unread` takes what could not be read, and why."""
        large, small = list[Path](), list[Path]()
        for path in paths:
            try:
                (large if path.stat().st_size > SMALL else small).append(path)
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError as error:
                unread.append(f"{path}: {error.strerror}")
        found = set(self.among(_texts_of(small, unread)))
        for path in large:
            try:
                if self.in_file(path):
                    found.add(path)
            except OSError as error:
                unread.append(f"{path}: {error.strerror}")
        return sorted(found)

    def in_file(self, path: Path) -> bool:
        """Whether a file has any piece, as it is or unpacked; a file that is gone has none."""
        for opened in (_plain, _gzip, _zstd):
            try:
                with opened(path) as stream:
                    if any(map(self.in_bytes, _chunks(stream))):
                        return True
            except (FileNotFoundError, gzip.BadGzipFile):
                continue  # gone, or not packed in this way
        return False


def _texts_of(paths: Iterable[Path], unread: list[str]) -> Iterator[tuple[Path, str]]:
    """Each file as text, and once more where it is packed; of a packed file that is cut off, what is there."""
    for path in paths:
        for opened in (_plain, _gzip, _zstd):
            text = ""
            try:
                with opened(path) as stream:
                    for part in _chunks(stream):
                        text += part.decode("utf-8", "replace")
            except OSError as error:
                if not isinstance(error, gzip.BadGzipFile | FileNotFoundError):
                    unread.append(f"{path}: {error.strerror}")
                    break
            if text:
                yield path, text


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _gzip(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))


def _zstd(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", zstandard.open(path))


def _chunks(stream: Any) -> Iterator[bytes]:
    """The bytes of a stream in parts; each begins with the end of the one before, for words that lie across.

    Of a packed file that is damaged or cut off, what comes before.
    """
    part, more = b"", b"-"
    while more:
        try:
            more = stream.read1(CHUNK)  # a plain read would lose what it has when the end is missing
        except (EOFError, zlib.error, zstandard.ZstdError):
            more = b""
        part += more
        if len(part) >= CHUNK or (part and not more):
            yield part
            part = part[-OVERLAP:] if more else b""


def _blocks(texts: Iterable[tuple[T, str]]) -> Iterator[list[tuple[T, str]]]:
    """So many texts, or so many characters, at a time."""
    block, size = list[tuple[T, str]](), 0
    for one in texts:
        block.append(one)
        size += len(one[1])
        if len(block) == BLOCK or size >= CHUNK:
            yield block
            block, size = [], 0
    if block:
        yield block


def is_value(text: str) -> bool:
    """Whether a text is short, and yet no word that records have of their own."""
    return SHORTEST <= len(text.strip()) < LEAST and not OWN.fullmatch(text.strip())


def pieces_of(text: str) -> Iterator[str]:
    """The pieces by which a text is looked for."""
    text = text.strip()
    if len(text) < LEAST:
        return
    if len(text) < PIECE + STRIDE:
        yield text
        return
    for start in range(0, len(text) - PIECE + 1, STRIDE):
        yield text[start : start + PIECE]
    yield text[-PIECE:]


def strings_of(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_of(one)
