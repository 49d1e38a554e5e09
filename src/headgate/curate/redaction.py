"""The step redact: personal data becomes placeholders; the redacted row is a new row made from the old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.rows.masking import Masked, Replacement, mask_row
from headgate.rows.row import Row
from headgate.text.personal import Pattern, personal_spans, placeholder

MARK = "redacted"  # key of `extra` with the counts by kind


def redactor(using: Sequence[Pattern]) -> Callable[[Row], Masked]:
    """A function that redacts one row; a row without personal data comes back as it is."""

    def find(text: str) -> list[Replacement]:
        return [Replacement(s.start, s.end, placeholder(s.kind), s.kind) for s in personal_spans(text, using)]

    def redact(row: Row) -> Masked:
        masked = mask_row(row, find)
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
