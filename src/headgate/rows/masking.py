"""A row with every text put through a replacement of spans, masks and weights kept in place."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.rows.row import Message, Row


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stretch of a text, what it is to become, and the kind that is counted."""

    start: int  # characters
    end: int
    text: str
    kind: str


Finder = Callable[[str], Sequence[Replacement]]  # replacements left to right, none overlapping


@dataclass(frozen=True, slots=True)
class Masked:
    """A row after replacement, and how many of each kind were replaced."""

    row: Row
    counts: Mapping[str, int]

    @property
    def changed(self) -> bool:
        """Whether anything was replaced."""
        return bool(self.counts)


def mask_row(row: Row, find: Finder) -> Masked:
    """Replaces spans in every message, alternative, step and side text of a row.

    Slices, keys and addresses of the side data are left alone: they are identities, not prose.
    """
    if not any(find(value) for value in texts_of(row) if value):
        return Masked(row, {})
    counts: Counter[str] = Counter()

    def text(value: str) -> str:
        found = find(value) if value else ()
        counts.update(one.kind for one in found)
        return applied(value, found)

    def message(turn: Message) -> Message:
        found = find(turn.content) if turn.content else ()
        counts.update(one.kind for one in found)
        return replace(
            turn,
            content=applied(turn.content, found),
            masked=tuple(moved(span, found) for span in turn.masked),
            tool_calls=tuple(replace(call, arguments=text(call.arguments)) for call in turn.tool_calls),
            reasoning=text(turn.reasoning),
            parts=text(turn.parts),
        )

    extra = {key: _walk(value, text) for key, value in row.side.extra.items()}
    masked = replace(
        row,
        messages=tuple(map(message, row.messages)),
        chosen=tuple(map(message, row.chosen)),
        rejected=tuple(tuple(map(message, one)) for one in row.rejected),
        steps=tuple((text(step), good) for step, good in row.steps),
        side=replace(row.side, extra=extra),
    )
    return Masked(masked, dict(sorted(counts.items())))


def texts_of(row: Row) -> Iterator[str]:
    """Every text of a row that replacement looks at."""
    for turn in (*row.messages, *row.chosen, *(turn for one in row.rejected for turn in one)):
        yield from (turn.content, turn.reasoning, turn.parts, *(call.arguments for call in turn.tool_calls))
    yield from (step for step, _ in row.steps)
    yield from _strings(row.side.extra)


def applied(text: str, found: Sequence[Replacement]) -> str:
    """A text with its replacements made."""
    pieces, at = [], 0
    for one in found:
        pieces += [text[at : one.start], one.text]
        at = one.end
    return "".join([*pieces, text[at:]])


def moved(span: tuple[int, int], found: Sequence[Replacement]) -> tuple[int, int]:
    """Where a span of the old text lies in the new; it grows to hold a replacement that it cut into."""
    return _place(span[0], found, late=False), _place(span[1], found, late=True)


def _place(at: int, found: Sequence[Replacement], *, late: bool) -> int:
    count = bisect_right([one.start for one in found], at - (1 if late else 0))
    shift = sum(len(one.text) - (one.end - one.start) for one in found[:count])
    if count and at < found[count - 1].end:
        last = found[count - 1]
        begin = last.start + shift - (len(last.text) - (last.end - last.start))
        return begin + len(last.text) if late else begin
    return at + shift


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | Mapping):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(one)


def _walk(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_walk(one, text) for one in value]
    if isinstance(value, dict):
        return {key: _walk(one, text) for key, one in value.items()}
    return value
