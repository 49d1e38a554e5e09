"""Files into rows: read, mask, store in batches. A batch that was acknowledged is on disk.

A row is known by its address, so that the same file read again, after a crash or by mistake, adds
only what is not there yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.capture.descent import Names, link_to_earlier
from headgate.capture.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.progress import Advance, progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.rows.reading import BadLine, read_rows
from headgate.rows.row import Row, to_bytes
from headgate.rules.redaction import Redactor
from headgate.text.personal import Detector, names, patterns

MARK = "masked-at-capture"  # key of `extra` with the counts by kind
UNNAMED = "(no source)"  # rows must hang on a source node; the rule unsourced-rows stops them


@dataclass
class Imported:
    """What reading brought."""

    numbers: BitMap = field(default_factory=BitMap)  # rows of this import, known ones included
    rows: list[Row] = field(default_factory=list)  # side data and place only, for the rules
    new: int = 0
    known: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)  # name -> node id
    by_source: Counter[str] = field(default_factory=Counter)
    by_file: dict[str, dict[str, Any]] = field(default_factory=dict)
    masked: Counter[str] = field(default_factory=Counter)
    orphans: int = 0  # names of parents that no row has
    adopted: int = 0  # links from rows of earlier imports to rows of this one that they named
    in_keys: Counter[str] = field(default_factory=Counter)  # rows with personal data in a key, which stays


def files_of(settings: Settings, folder: Path) -> list[Path]:
    """The files that the settings name, patterns opened, each once.

    Raises:
        Refused: a pattern matches nothing.
    """
    found: dict[Path, None] = {}
    for text in settings.files:
        path = folder / text
        if path.exists() or path.is_symlink() or not any(mark in text for mark in "*?["):
            found[path] = None
            continue
        # A pattern may be absolute or climb out of the folder, which Path.glob refuses.
        matches = sorted(glob(str(path), recursive=True))  # noqa: PTH207
        if not matches:
            raise Refused("no file matches", file=str(path), next_step="check the pattern and the folder")
        found |= dict.fromkeys(Path(match) for match in matches)
    return list(found)


def import_files(
    ledger: Ledger, settings: Settings, files: Sequence[Path], *, folder: Path = Path(), quiet: bool
) -> Imported:
    """Reads every file and stores its rows.

    Raises:
        Refused: a file cannot be read, or (strict) a line is bad; batches stored before stay.
    """
    imported = Imported()
    redactor = redactor_of(settings, folder)
    masking = _masking(redactor, imported)
    names, waiting = Names(imported.rows), dict[str, list[Row]]()
    for path in files:
        reader = read_rows(
            path,
            format=settings.format or None,
            columns=settings.mapping or None,
            strict=settings.strict,
            side=_side(settings),
        )
        before = (imported.new, imported.known)
        with progress(f"capture {path.name}", None, quiet=quiet) as advance:
            waiting[str(path)] = list(_store(ledger, map(masking, reader), settings.batch, imported, advance, names))
        imported.bad_lines += [_told(bad, redactor) for bad in reader.bad_lines]
        imported.by_file[str(path)] = {
            "format": reader.detected.format,
            "rows": reader.rows_read,
            "new": imported.new - before[0],
            "known": imported.known - before[1],
            "bad-lines": len(reader.bad_lines),
        }
    names.look_in(ledger, (row for rows in waiting.values() for row in rows))
    for file, rows in waiting.items():
        before = (imported.new, imported.known)
        for batch in _batches(rows, settings.batch):
            _append(ledger, [(row, names.parents_at_last(row)) for row in batch], imported)
        told = imported.by_file[file]
        told |= {"new": told["new"] + imported.new - before[0], "known": told["known"] + imported.known - before[1]}
    imported.orphans = len(names.unknown)
    imported.adopted = link_to_earlier(ledger, imported.rows)
    return imported


def _side(settings: Settings) -> dict[str, Any]:
    return dict(settings.side) | ({"source": settings.source} if settings.source else {})


def redactor_of(settings: Settings, folder: Path) -> Redactor:
    """What masks rows before they are stored.

    Raises:
        Refused: the file of names cannot be read.
        Unavailable: secrets are asked for, and the extra is not installed.
    """
    known: tuple[Detector, ...] = ()
    if settings.redact_names:
        try:
            known = names(must_be_file(folder / settings.redact_names).read_text(encoding="utf-8").splitlines())
        except UnicodeDecodeError as error:
            raise Refused("the file of names is not UTF-8", file=settings.redact_names, found=str(error)) from None
    using = (*patterns(settings.redact, settings.redact_patterns), *known)
    return Redactor(using, name_columns=settings.redact_name_columns)


def _masking(redactor: Redactor, imported: Imported) -> Callable[[Row], Row]:
    def masked(row: Row) -> Row:
        result = redactor(row)
        imported.in_keys.update(redactor.in_keys(row))
        if not result.changed:
            return row
        imported.masked.update(result.counts)
        return result.row.with_side(extra={**result.row.side.extra, MARK: dict(result.counts)})

    return masked if redactor else lambda row: row


def _told(bad: BadLine, redactor: Redactor) -> BadLine:
    """A bad line as it may be stored. What is quoted of it may be cut off, in the middle of what is to be masked."""
    if redactor is None or not bad.found:
        return bad
    whole = bad.found.rsplit(maxsplit=1)[0] if len(bad.found.split()) > 1 else ""
    return replace(bad, found=f"{redactor.text(whole)} …".strip())


def _store(
    ledger: Ledger, rows: Iterable[Row], size: int, imported: Imported, advance: Advance, names: Names
) -> Iterator[Row]:
    """Stores rows; hands back those whose parents are named and not known yet."""
    for batch in _batches(rows, size):
        imported.rows += [slim(row) for row in batch]
        told = [(row, names.parents_of(row)) for row in batch]
        yield from (row for row, parents in told if parents is None)
        _append(ledger, [(row, parents) for row, parents in told if parents is not None], imported)
        advance(len(batch))


def _append(ledger: Ledger, rows: Sequence[tuple[Row, tuple[str, ...]]], imported: Imported) -> None:
    records = []
    for row, parents in rows:
        source = row.side.source or UNNAMED
        if source not in imported.sources:
            imported.sources[source] = ledger.record("source", source, {"name": source})
        imported.by_source[source] += 1
        records.append(
            RowRecord(
                id=row.id,
                content_id=row.content_id,
                body=to_bytes(row),
                source_id=imported.sources[source],
                subject=row.side.subject,
                parents=parents,
            )
        )
    appended = ledger.rows.append(records)
    imported.numbers |= appended.numbers
    imported.new += appended.new
    imported.known += appended.known


def _batches(rows: Iterable[Row], size: int) -> Iterator[Sequence[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def slim(row: Row) -> Row:
    """A row without its words, under the same address: lineage rules look at no words, and a million rows fit."""
    return Row(kind=row.kind, side=row.side, place=row.place).known_as(row.id, row.content_id)
