"""Writing rows: any format of the table, everything counted that it cannot hold, the rest in a side-car.

Each row is read back with the target's own reader before it is written. The difference is the loss
report, and the content address of what was read back keys the side-car.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.rows import dataset_index, side_car
from headgate.rows.formats import CannotHold, Format, Wrong, tabular
from headgate.rows.formats.shape import Body, Loose
from headgate.rows.formats.side import side_of
from headgate.rows.losses import LossReport, content_losses, side_losses
from headgate.rows.reading import known_format
from headgate.rows.row import Row
from headgate.rows.sinks import Sink, container_of, packed, sink_for

SplitOf = Callable[[Row], str | None]


class _Stream(Protocol):
    def write(self, data: bytes, /) -> Any: ...


def write_rows(
    path: Path,
    rows: Iterable[Row],
    *,
    format: str,
    columns: Mapping[str, str] | None = None,
    manifest: Mapping[str, Any] | None = None,
    split: str | SplitOf | None = None,
    with_side_car: bool = True,
    with_index: bool = True,
) -> LossReport:
    """Writes rows to a file in one step and says what the format could not hold.

    A name ending in .gz or .zst packs the file; one ending in .json makes one JSON array. `columns`
    maps names of ours to column names, for plain columns only. `manifest` adds keys to the heading
    of the side-car, `split` names the split of each row in it.

    Raises:
        Refused: the format or a column name is unknown, the file cannot be written, or not one row can be.
    """
    path = Path(path)
    form = known_format(format)
    mapping = _mapping(format, columns)
    if format in tabular.TABLES:
        form = _columns_format(form, mapping)
    container = container_of(path, format)
    if with_index and form.index:
        dataset_index.existing(path.parent)  # a broken index is refused before anything is written
    report = LossReport(path, format)
    with ExitStack() as stack:
        out = stack.enter_context(packed(stack.enter_context(atomic_write(path)), path))
        # Renamed before the data file: rows without their side data would be the worse half.
        beside = stack.enter_context(atomic_write(side_car.path_of(path))) if with_side_car else None
        if beside:
            beside.write(side_car.heading(path, format, manifest or {}))
        writing = _Writing(form, mapping, sink_for(container, out, list(dict.fromkeys(mapping.values()))), report)
        for row in rows:
            writing.put(row, beside, split)
        writing.sink.close()
        if not report.written:
            raise _nothing_written(report)
    if with_side_car:
        report.side_car = side_car.path_of(path)
    if with_index and form.index:
        report.dataset_info = dataset_index.add(path, dataset_index.entry_of(form, path, writing.keys, report.written))
    return report


class _Writing:
    """The state of one export."""

    def __init__(self, form: Format, mapping: Mapping[str, str], sink: Sink, report: LossReport) -> None:
        self.form = form
        self.sink = sink
        self.report = report
        self.keys: dict[str, None] = {}  # keys of the written rows, in order
        self._renamed = {ours: theirs for ours, theirs in mapping.items() if ours not in tabular.CONTENT}
        self._holds_ids = form.name == "headgate" or "id" in mapping
        self._ids: set[str] = set()

    def put(self, row: Row, beside: _Stream | None, split: str | SplitOf | None) -> None:
        """Writes one row, or counts why not."""
        report = self.report
        report.rows += 1
        try:
            written = self._without_known_id(row)
            body = self.form.write(written)
            again = self._read_back(body)
            lost = content_losses(row, again)
            line = self.sink.write(body)
        except (CannotHold, Wrong, orjson.JSONDecodeError, TypeError) as error:
            report.refuse(row, _reason(error))
            return
        report.written += 1
        self.keys.update(dict.fromkeys(body))
        report.count(lost)
        side = side_losses(row.side, again.side)
        if beside is None:
            report.count(side)
            return
        report.carried.update(side)
        beside.write(side_car.entry(again.content_id, line, row, split(row) if callable(split) else split))

    def _read_back(self, body: Body) -> Row:
        loose: Loose = {}
        parts = self.form.read(body, loose)
        side = parts.pop("side", None) or side_of(body, self.form.keys, loose, self._renamed)
        return Row(**parts, side=side)

    def _without_known_id(self, row: Row) -> Row:
        # Rows of two files may share an id; within one file the reader would refuse the second.
        if not self._holds_ids or row.side.id is None:
            return row
        if row.side.id in self._ids:
            return row.with_side(id=None)
        self._ids.add(row.side.id)
        return row


def _mapping(format: str, columns: Mapping[str, str] | None) -> dict[str, str]:
    if format not in tabular.TABLES:
        if columns:
            raise Refused(f"{format} has fixed keys", wanted="a column mapping only for " + ", ".join(tabular.TABLES))
        return {}
    mapping = tabular.checked(columns or tabular.PLAIN)
    twice = sorted({theirs for theirs in mapping.values() if list(mapping.values()).count(theirs) > 1})
    if twice:
        raise Refused("two things in one column: " + ", ".join(twice), wanted="one column for each when writing")
    tabular.must_ask(mapping)
    return mapping


def _columns_format(form: Format, mapping: Mapping[str, str]) -> Format:
    plain = tabular.reader(form.name, mapping)
    index: dict[str, Any] = {}
    if form.index:
        names = {"prompt": "prompt", "text": "prompt", "completion": "response", "system": "system"}
        names |= {"chosen": "chosen", "rejected": "rejected", "label": "kto_tag"}
        index = {"columns": {names[ours]: theirs for ours, theirs in mapping.items() if ours in names}}
    return Format(name=form.name, title=form.title, keys=plain.keys, read=plain.read, write=plain.write, index=index)


def _reason(error: Exception) -> str:
    if isinstance(error, CannotHold):
        return str(error)
    if isinstance(error, Wrong):
        return f"it would not be read back: {error.what}"
    return "JSON has no form for it"


def _nothing_written(report: LossReport) -> Refused:
    if not report.rows:
        return Refused("no rows to write", file=str(report.path))
    reasons = "; ".join(f"{count:,} × {reason}" for reason, count in report.reasons.most_common(3))
    return Refused(
        f"not one of {report.rows:,} rows can be written as {report.format}",
        file=str(report.path),
        found=reasons,
        next_step="--to openai-sft holds dialogues and tools, --to headgate holds everything",
    )
