"""Rows of a part of a file, and single rows of it, for files that are read in shards.

A span is a range of bytes of JSON lines, cut at line ends; any other file is one span as a whole.
Lines are counted from the beginning of the span, because nobody knows yet how many stand before it.
An id that an earlier row has is not looked for here: the other row may stand in another span.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.files import must_be_file
from headgate.rows.detection import Detection
from headgate.rows.lines import PIECE, UTF8_MARK, Overlong, numbered_lines, span_pieces
from headgate.rows.quick import turns_of
from headgate.rows.reading import MAX_LINE_BYTES, BadLine, RowReader
from headgate.rows.records import json_lines
from headgate.rows.row import Row, from_bytes, text_of_turns
from headgate.rows.side_car import SideCar
from headgate.stats.verdict import Place

TEXTS = {"text": "text", "prompt": "prompt_text", "answer": "answer_text", "beside": "beside_text"}  # of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes of a file, or all of it."""

    first: int = 0
    last: int | None = None  # not included; None: the whole file, whatever its container
    line: int = 1  # number of the first line in the file, where that is known


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a row stands: its line, and its bytes (from -1 on where rows do not stand on lines of their own)."""

    line: int
    begin: int
    size: int


class SpanReader(RowReader):
    """Rows of one span with their spots; `bad_lines` and `lines` are complete when the iteration ends."""

    def __init__(self, path: Path, detected: Detection, span: Span, *, side_car: SideCar | None = None) -> None:
        super().__init__(path, detected, strict=False, side={}, max_line_bytes=MAX_LINE_BYTES, side_car=side_car)
        self.span = span
        self.lines = 0  # lines in the span
        self._spot = Spot(0, -1, 0)

    def spots(self) -> Iterator[tuple[Row, Spot]]:
        """Each row of the span with its spot."""
        self.bad_lines, self.lines = [], 0
        whole = self.span.last is None
        bodies = self._records() if whole else json_lines(self._span_lines(), self._quick)
        for row, line in self._rows(bodies):
            adorned = self._adorned(row, line + self.span.line - 1) if self._adorns else row
            yield adorned, Spot(line, -1, 0) if whole else self._spot

    def rows(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
        """Rows that were read before, from their numbers in the file and their bytes."""
        for row, line in self._rows(json_lines(iter(lines), self._quick)):
            yield self._adorned(row, line) if self._adorns else row

    def texts(self, lines: Iterable[tuple[int, bytes]], field: str) -> Iterator[str]:
        """The `text`, `prompt`, `answer` or `beside` of rows that were read before, without what stands beside it."""
        turns_of, attribute = self._turns_of, TEXTS[field]
        for line, raw in lines:
            turns = turns_of(orjson.loads(raw)) if turns_of is not None else None
            if turns is not None and (text := text_of_turns(turns[1], turns[2], field)) is not None:
                yield text
            else:
                (row,) = self.rows([(line, raw)])
                yield getattr(row, attribute)

    @cached_property
    def _turns_of(self) -> Any:
        return turns_of(self.detected.format, self.detected.columns)

    def _span_lines(self) -> Iterator[tuple[int, bytes | Overlong]]:
        first, last = self.span.first, self.span.last or 0
        at = first + (len(UTF8_MARK) if first == 0 and _marked(self.path) else 0)
        for number, raw in numbered_lines(span_pieces(self.path, first, last), MAX_LINE_BYTES, marked=first == 0):
            size = raw.length if isinstance(raw, Overlong) else len(raw)
            self.lines = number
            self._spot = Spot(number, at, size)
            at += size + 1
            yield number, raw


def spans_of(path: Path, size: int, *, count_lines: bool = False) -> list[Span]:
    """A file of JSON lines in spans of about `size` bytes, each of whole lines.

    With `count_lines`, each span knows the number of its first line, at the price of reading the file.
    """
    total = must_be_file(path).stat().st_size
    cuts = [0]
    with path.open("rb") as stream:
        while (at := cuts[-1] + size) < total:
            stream.seek(at - 1)
            while (piece := stream.read(PIECE)) and (found := piece.find(b"\n")) < 0:
                at += len(piece)
            if not piece or at + found >= total:
                break
            cuts.append(at + found)
    ends = [*cuts[1:], total]
    if not count_lines:
        return [Span(first=first, last=last) for first, last in zip(cuts, ends, strict=True)]
    spans, line = [], 1
    for first, last in zip(cuts, ends, strict=True):
        spans.append(Span(first=first, last=last, line=line))
        line += sum(piece.count(b"\n") for piece in span_pieces(path, first, last))
    return spans


def read_spots(reader: SpanReader, spots: Iterable[tuple[int, int, int]]) -> Iterator[Row]:
    """Rows at (line in the file, first byte, size), which must be ascending."""
    with reader.path.open("rb") as stream:
        yield from reader.rows(_lines_at(stream.fileno(), spots))


def read_texts(reader: SpanReader, spots: Iterable[tuple[int, int, int]], field: str) -> Iterator[str]:
    """The `text`, `prompt`, `answer` or `beside` of the rows at such places."""
    with reader.path.open("rb") as stream:
        yield from reader.texts(_lines_at(stream.fileno(), spots), field)


def stored_row(raw: bytes, file: str, line: int) -> Row:
    """A row from the canonical bytes that a scan kept."""
    row = from_bytes(raw)
    object.__setattr__(row, "place", Place(file=file, line=line))
    return row


def moved(bad: BadLine, by: int) -> BadLine:
    """A bad line of a span with its number in the file."""
    return BadLine(bad.file, bad.line + by, bad.what, bad.found, bad.wanted)


def _lines_at(file: int, spots: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, bytes]]:
    for line, at, size in spots:
        yield line, os.pread(file, size, at)


def _marked(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(UTF8_MARK)) == UTF8_MARK
