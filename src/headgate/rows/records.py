"""Records of a file: one JSON object for each row, with its line, from whatever container holds them.

A container is JSON lines, one JSON array, a table of separated columns, or Parquet. What cannot
be parsed comes as `Problem`, in its place, so that the reader can go on.
"""

from __future__ import annotations

import base64
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.rows.arrays import ArraySplitter
from headgate.rows.formats.shape import Body, shown
from headgate.rows.lines import Overlong, numbered_lines, pieces

DEEPEST = 200  # brackets in a line up to which its depth needs no look: JSON writers stop at 254 levels
BLANKS = b" \t\r\n"
BATCH = 65_536  # rows of Parquet held at a time
NOT_JSON = ("Binary", "Date", "Decimal", "Duration", "Int128", "Object", "Time")  # in names of Parquet types
SEPARATORS = {"csv": ",", "tsv": "\t"}  # as written
SIGNS = ",;\t|"  # that part the cells of a table; the first wins where a header has two of them equally often


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is no record."""

    what: str
    found: str = ""
    wanted: str = ""


Quick = Callable[[Body], Any]
Records = Iterator[tuple[int, Any]]  # number of the line; a Body, a Problem, or what `quick` found


def records(path: Path, container: str, compression: str, limit: int, quick: Quick | None = None) -> Records:
    """Records of a file with the number of the line on which each begins (of the row, for Parquet).

    Of a record of JSON lines that `quick` can read, what `quick` made of it comes instead.

    Raises:
        Refused: a cut-off stream, a table without a usable header, a damaged Parquet file.
    """
    if container == "parquet":
        return _parquet(path)
    stream = pieces(path, compression)
    if container == "array":
        return _array(ArraySplitter(limit), stream)
    lines = numbered_lines(stream, limit)
    return json_lines(lines, quick) if container == "jsonl" else _table(path, lines, container, limit)


def parsed(raw: bytes) -> Body | Problem:
    """One JSON object, or why it is none."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _why_not_json(raw, error)
    if type(body) is not dict:
        return Problem("not a JSON object", found=shown(body), wanted="an object in braces")
    if raw.count(b"{") + raw.count(b"[") > DEEPEST:
        try:
            orjson.dumps([[[[body]]]])
        except TypeError:
            return Problem("nested too deeply", found="more than 250 levels", wanted="a row of messages")
    return body


def json_lines(lines: Iterator[tuple[int, bytes | Overlong]], quick: Quick | None = None) -> Records:
    """Records of numbered lines, one JSON object each; blank lines are passed over."""
    loads, count = orjson.loads, bytes.count
    for number, raw in lines:
        if type(raw) is Overlong:
            yield number, _overlong(raw)
            continue
        try:
            body = loads(raw)  # type: ignore[arg-type]
        except orjson.JSONDecodeError as error:
            if raw.strip(BLANKS):  # type: ignore[union-attr]
                yield number, _why_not_json(raw, error)  # type: ignore[arg-type]
            continue
        if type(body) is not dict:
            yield number, parsed(raw)  # type: ignore[arg-type]
        elif quick is not None and (found := quick(body)) is not None:  # of a shape that cannot be deep
            yield number, found
        elif count(raw, b"{") + count(raw, b"[") <= DEEPEST:  # type: ignore[arg-type]
            yield number, body
        else:
            yield number, parsed(raw)  # type: ignore[arg-type]


def _array(splitter: ArraySplitter, stream: Iterator[bytes]) -> Records:
    for number, raw in splitter.elements(stream):
        yield number, _overlong(raw) if isinstance(raw, Overlong) else parsed(raw)
    if not splitter.closed:
        yield splitter.line, Problem("the JSON array is not closed", found="the end of the file", wanted="]")


def _why_not_json(raw: bytes, error: orjson.JSONDecodeError) -> Problem:
    try:
        text = raw.decode()
    except UnicodeDecodeError as wrong:
        byte = raw[wrong.start : wrong.start + 1].hex()
        return Problem(
            "not UTF-8", found=f"byte 0x{byte} at position {wrong.start + 1} of the line", wanted="UTF-8 text"
        )
    near = text[max(0, error.pos - 20) : error.pos + 20]
    return Problem(
        "broken JSON", found=f"{error.msg} at character {error.pos + 1}, near {near!r}", wanted="one JSON object"
    )


def _overlong(line: Overlong) -> Problem:
    return Problem("the line is too long", found=f"{line.length:,} bytes", wanted="one row a line")


class _Replay:
    """Decoded lines for the csv module, which can be taken back when a quote turns out never to close."""

    def __init__(self, lines: Iterator[tuple[int, bytes | Overlong]], limit: int) -> None:
        self._lines = lines
        self._limit = limit
        self._again: list[tuple[int, bytes | Overlong]] = []
        self.taken: list[tuple[int, bytes | Overlong]] = []  # lines of the present record
        self._size = 0

    def start(self) -> None:
        """A new record begins with the next line."""
        self.taken, self._size = [], 0

    def take_back(self) -> None:
        """All lines of the present record but the first will come again."""
        self._again += self.taken[:0:-1]

    def __iter__(self) -> _Replay:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.taken.append(line)
        raw = line[1]
        if isinstance(raw, Overlong):
            raise csv.Error(_overlong(raw).found + ", longer than a line may be")
        self._size += len(raw)
        if self._size > self._limit:
            raise csv.Error(f"a record of more than {self._limit:,} bytes; is a quote left open?")
        return raw.decode() + "\n"


def separator_of(header: bytes) -> str:
    """What parts the cells of a table: the separator that its header has most often outside quotes."""
    bare = b"".join(header.split(b'"')[::2])
    return max(SIGNS, key=lambda sign: bare.count(sign.encode()))


def _table(path: Path, lines: Iterator[tuple[int, bytes | Overlong]], container: str, limit: int) -> Records:
    csv.field_size_limit(max(limit, csv.field_size_limit()))
    first = list(islice(lines, 1))
    told = first[0][1] if first else b""
    separator = separator_of(b"" if isinstance(told, Overlong) else told) if container == "csv" else "\t"
    replay = _Replay(chain(first, lines), limit)
    rows = csv.reader(replay, delimiter=separator, strict=True)
    header: list[str] | None = None
    while True:
        replay.start()
        try:
            cells: Any = next(rows)
        except StopIteration:
            return
        except UnicodeDecodeError as wrong:
            cells = Problem("not UTF-8", found=f"byte 0x{wrong.object[wrong.start]:02x}", wanted="UTF-8 text")
        except csv.Error as error:
            cells = Problem("broken quoting", found=str(error), wanted='fields as "text", quotes inside doubled')
        number = replay.taken[0][0]
        if isinstance(cells, Problem):
            if header is None:
                raise Refused(
                    f"the header cannot be read: {cells.what}", file=str(path), line=number, found=cells.found
                )
            replay.take_back()
            rows = csv.reader(replay, delimiter=separator, strict=True)
            yield number, cells
        elif not cells:
            continue
        elif header is None:
            header = _header(cells, path, number)
        elif len(cells) != len(header):
            yield (
                number,
                Problem("another number of cells than the header", found=str(len(cells)), wanted=str(len(header))),
            )
        else:
            yield number, dict(zip(header, cells, strict=True))


def _header(cells: list[str], path: Path, number: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise Refused(
            "two columns have the same name",
            file=str(path),
            line=number,
            found=", ".join(repr(name) for name in doubled),
            wanted="one name for each column",
        )
    return names


def _parquet(path: Path) -> Records:
    import polars

    try:
        table = polars.scan_parquet(path)
        odd = any(name in str(kind) for kind in table.collect_schema().dtypes() for name in NOT_JSON)
        height = int(table.select(polars.len()).collect().item())
        for start in range(0, height, BATCH):
            rows = table.slice(start, BATCH).collect().iter_rows(named=True)
            for number, body in enumerate(rows, start + 1):
                yield number, _plain(body) if odd else body
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        raise Refused("not a readable Parquet file", file=str(path), found=str(error).splitlines()[0]) from None


def _plain(body: Body) -> Body | Problem:
    """A row of Parquet in JSON's own types: moments as ISO 8601, bytes as base64, others as text."""
    try:
        plain: Body = orjson.loads(orjson.dumps(body, default=_as_text))
    except TypeError as error:
        return Problem("a value that JSON has no form for", found=str(error), wanted="text, numbers, lists, structs")
    return plain


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
