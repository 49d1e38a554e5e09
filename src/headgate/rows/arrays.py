"""Elements of one big JSON array, cut out piece by piece with the line on which each begins.

Only brackets and quotes are looked at here; each element is then parsed like a line of JSONL, so
that both kinds of file are refused for the same reasons. Memory is bounded by the longest element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.rows.lines import UTF8_MARK, Overlong

MARKS = re.compile(rb'["{}\[\],]')
INSIDE = re.compile(
    rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL
)  # whole strings, and all but brackets
STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class ArraySplitter:
    """Cuts elements out of a stream of bytes; `closed` tells whether the array was ended properly."""

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes of one element
        self.closed = False
        self._buffer = bytearray()
        self._at = 0  # where scanning goes on in the buffer
        self._begin = 0  # where the present element begins in the buffer
        self._depth = 0
        self._in_string = False
        self._line = 1  # of the byte at `_begin`
        self._dropped = 0  # bytes of an over-long element that were thrown away
        self._dropped_line = 0  # on which that element begins

    @property
    def line(self) -> int:
        """The line that was reached."""
        return self._line

    def elements(self, stream: Iterator[bytes]) -> Iterator[tuple[int, bytes | Overlong]]:
        """Each element with the number of the line on which it begins; what trails an unclosed array comes last."""
        first = True
        for piece in stream:
            self._buffer += piece.removeprefix(UTF8_MARK) if first else piece
            first = False
            yield from self._scan()
            self._shrink()
        rest = bytes(self._buffer[self._begin :]).strip()
        if rest or self._dropped:
            yield self._cut(len(self._buffer))

    def _scan(self) -> Iterator[tuple[int, bytes | Overlong]]:
        while True:
            if self._in_string:
                end = STRING_END.match(self._buffer, self._at)
                if end is None:
                    self._pass_open_string()
                    return
                self._at, self._in_string = end.end(), False
            if self._depth > 1:
                self._at = INSIDE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            mark = MARKS.search(self._buffer, self._at)
            if mark is None:
                self._at = len(self._buffer)
                return
            self._at = mark.end()
            found = mark.group()
            if found == b'"':
                self._in_string = True
            elif found in b"{[":
                self._depth += 1
                if self._depth == 1:
                    self._skip_to(self._at)
            elif found == b",":
                if self._depth == 1:
                    yield self._cut(mark.start())
                    self._skip_to(self._at)
            else:
                self._depth -= 1
                if self._depth == 0:
                    if bytes(self._buffer[self._begin : mark.start()]).strip() or self._dropped:
                        yield self._cut(mark.start())
                    self._skip_to(self._at)
                    self.closed = True

    def _pass_open_string(self) -> None:
        # Go on behind what was seen, but never between a backslash and what it escapes.
        tail = len(self._buffer)
        while tail > self._at and self._buffer[tail - 1] == 0x5C:
            tail -= 1
        self._at = tail

    def _cut(self, end: int) -> tuple[int, bytes | Overlong]:
        raw = bytes(self._buffer[self._begin : end])
        lead = len(raw) - len(raw.lstrip())
        line = self._line + raw.count(b"\n", 0, lead)
        length = self._dropped + len(raw.strip())
        self._line += raw.count(b"\n")
        self._begin, dropped, self._dropped = end, self._dropped, 0
        if dropped:
            return self._dropped_line, Overlong(length)
        return line, Overlong(length) if length > self.limit else raw.strip()

    def _skip_to(self, position: int) -> None:
        self._line += self._buffer.count(b"\n", self._begin, position)
        self._begin = position

    def _shrink(self) -> None:
        held = self._at - self._begin
        if held > self.limit:
            if not self._dropped:  # blanks before the element are no part of it
                beginning = bytes(self._buffer[self._begin : self._begin + 64])
                blanks = len(beginning) - len(beginning.lstrip())
                held -= blanks
                self._dropped_line = self._line + beginning.count(b"\n", 0, blanks)
            self._dropped += held
            self._skip_to(self._at)
        del self._buffer[: self._begin]
        self._at -= self._begin
        self._begin = 0
