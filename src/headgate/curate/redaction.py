"""The step redact: personal data becomes placeholders; the redacted row is a new row made from the old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.rows.masking import Masked
from headgate.rows.row import Row
from headgate.rules.redaction import Redactor
from headgate.text.personal import Detector

MARK = "redacted"  # key of `extra` with the counts by kind


def redactor(using: Sequence[Detector]) -> Callable[[Row], Masked]:
    """A function that redacts one row; a row without personal data comes back as it is."""

    mask = Redactor(using)

    def redact(row: Row) -> Masked:
        masked = mask(row)
        if not masked.changed:
            return masked
        extra = {**masked.row.side.extra, MARK: dict(masked.counts)}
        return Masked(masked.row.with_side(parents=(row.id,), extra=extra), masked.counts)

    return redact


def made_by_redaction(row: Row) -> bool:
    """Whether a row is the redacted form of another; such rows are reached through the row they were made from."""
    return MARK in row.side.extra and len(row.side.parents) == 1


def placed(row: Row, like: Row) -> Row:
    """The row at the place of another."""
    return replace(row, place=like.place)
