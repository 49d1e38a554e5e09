"""Reading rows: a stream of rows from one file, every bad line reported, none in the way of the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.rows.detection import Detection, detect, formats_of, nothing_readable
from headgate.rows.formats import FORMATS, Format, Wrong, tabular
from headgate.rows.formats.shape import Loose
from headgate.rows.formats.side import filled, side_of
from headgate.rows.quick import Found, quick_of
from headgate.rows.records import Problem, Records, records
from headgate.rows.row import SIDE_NAMES, Row, Side, row_of_turns
from headgate.rows.side_car import SideCar
from headgate.stats.verdict import Place

MAX_LINE_BYTES = 64 << 20
MOST_BAD_LINES = 1_000_000  # kept in memory; a file with more is not worth reading on


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no row: where, what is wrong, what was found, what was wanted."""

    file: str
    line: int  # 1-based; the row number in Parquet
    what: str
    found: str = ""
    wanted: str = ""

    def as_json(self) -> dict[str, Any]:
        """All parts, under their names."""
        return {name: getattr(self, name) for name in ("file", "line", "what", "found", "wanted")}


class RowReader:
    """Rows of one file, read anew on every iteration.

    `bad_lines`, `rows_read` and `restored` (rows whose side data came from the side-car) grow while
    rows are read and are complete when the iteration ends.
    """

    def __init__(
        self,
        path: Path,
        detected: Detection,
        *,
        strict: bool,
        side: Mapping[str, Any],
        max_line_bytes: int,
        side_car: SideCar | None,
    ) -> None:
        self.path = path
        self.detected = detected
        self.bad_lines: list[BadLine] = []
        self.rows_read = 0
        self.restored = 0
        self._strict = strict
        self._defaults = side
        self._limit = max_line_bytes
        self._side_car = side_car
        self._adorns = bool(side_car or side)
        self._format = _format(detected)
        columns = detected.columns
        self._quick = quick_of(detected.format, self._format.keys, columns)
        self._renamed = {ours: theirs for ours, theirs in columns.items() if ours not in tabular.CONTENT}

    def __iter__(self) -> Iterator[Row]:
        self.bad_lines, self.rows_read, self.restored = [], 0, 0
        lines_of_ids: dict[str, int] = {}
        for row, line in self._rows(self._records()):
            if (id := row.side.id) is not None and (before := lines_of_ids.setdefault(id, line)) != line:
                self._report(line, *used_before(id, before, line))
                continue
            self.rows_read += 1
            yield self._adorned(row, line) if self._adorns else row
        if not self.rows_read:
            first = [(bad.line, bad) for bad in self.bad_lines[:3]]
            raise nothing_readable(self.path, first, self.detected.container)

    def _rows(self, bodies: Records) -> Iterator[tuple[Row, int]]:
        """Rows with their lines, as they stand in the file; records that are none become bad lines."""
        file, quick = str(self.path), self._quick
        for line, body in bodies:
            found: Found | None = body if type(body) is tuple else None
            if found is None and quick and type(body) is dict:  # of a table
                found = quick(body)
            if found is not None:
                yield row_of_turns(*found, file, line), line
            elif (row := self._read(line, body)) is not None:
                yield row, line

    @property
    def has_side_car(self) -> bool:
        """Whether what an export put beside the file gives rows their side data back."""
        return self._side_car is not None

    def _records(self) -> Records:
        return records(self.path, self.detected.container, self.detected.compression, self._limit, self._quick)

    def _read(self, line: int, body: Any) -> Row | None:
        """A row the long way; None, and a bad line, when the record is none."""
        if type(body) is Problem:
            self._report(line, body.what, body.found, body.wanted)
            return None
        loose: Loose = {}
        try:
            parts = self._format.read(body, loose)
            side = parts.pop("side", None) or side_of(body, self._format.keys, loose, self._renamed)
        except Wrong as wrong:
            self._report(line, wrong.what, wrong.found + self._looks_like(body), wrong.wanted)
            return None
        return Row(**parts, side=side, place=Place(file=str(self.path), line=line))

    def _adorned(self, row: Row, line: int) -> Row:
        side: Side | None = None
        if self._side_car:
            side = self._side_car.take(row.content_id, line)
            self.restored += side is not None
        if side is not None:
            own = {name: value for name in SIDE_NAMES if (value := getattr(row.side, name))}
            side = filled(side, own)
        else:
            side = row.side
        return Row(
            kind=row.kind,
            messages=row.messages,
            chosen=row.chosen,
            rejected=row.rejected,
            label=row.label,
            steps=row.steps,
            tools=row.tools,
            side=filled(side, self._defaults),
            place=row.place,
        )

    def _looks_like(self, body: Any) -> str:
        fits = [name for name in formats_of(body) if name != self.detected.format]
        return f"; the row looks like {fits[0]}" if fits else ""

    def _report(self, line: int, what: str, found: str, wanted: str) -> None:
        file = str(self.path)
        if self._strict:
            raise Refused(what, file=file, line=line, found=found or None, wanted=wanted or None)
        self.bad_lines.append(BadLine(file, line, what, found, wanted))
        if len(self.bad_lines) >= MOST_BAD_LINES:
            raise Refused("too many bad lines", file=file, found=f"{MOST_BAD_LINES:,} of them by line {line:,}")


def read_rows(
    path: Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    side: Mapping[str, Any] | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
    side_car: bool = True,
) -> RowReader:
    """Opens a file of rows; the format is detected from its content where none is given.

    `columns` maps names of ours to names of theirs, such as {"prompt": "text", "slice.intent": "category"};
    `side` gives side data for rows that have none of their own; `side_car` restores what an export
    of headgate put beside the file. With `strict`, the first bad line ends the reading.

    Raises:
        Refused: no readable file, no format fits, two formats fit, a column is missing; while
            iterating: a cut-off stream, not one readable row, or (strict) a bad line.
    """
    path = Path(path)
    mapping = tabular.checked(columns or {})
    if format is not None:
        known_format(format)
    unknown = set(side or {}) - set(SIDE_NAMES)
    if unknown:
        raise Refused("unknown side data: " + ", ".join(sorted(unknown)), wanted=", ".join(SIDE_NAMES))
    detected = detect(path, format=format, columns=mapping, limit=max_line_bytes)
    return RowReader(
        path,
        detected,
        strict=strict,
        side={name: value for name, value in (side or {}).items() if value is not None},
        max_line_bytes=max_line_bytes,
        side_car=SideCar.beside(path) if side_car else None,
    )


def used_before(id: str, before: int, line: int) -> tuple[str, str, str]:
    """What is wrong with a row whose id an earlier row has: what, found, wanted."""
    return f"the id {id!r} was used before", f"lines {before} and {line}", "one id for each row"


def known_format(name: str) -> Format:
    """The format of that name.

    Raises:
        Refused: there is none.
    """
    if name not in FORMATS:
        import difflib

        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean {near[0]}?" if near else None
        raise Refused(f"no format named {name!r}", wanted="one of " + ", ".join(FORMATS), next_step=hint)
    return FORMATS[name]


def _format(detected: Detection) -> Format:
    if detected.format in tabular.TABLES:
        return tabular.reader(detected.format, detected.columns)
    return FORMATS[detected.format]
