"""A row with every text put through a replacement of spans, masks and weights kept in place."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.rows.json_masking import Finder, Replacement, applied, in_value, is_json, masked_json
from headgate.rows.row import Message, Row
from headgate.rows.split_values import halves

__all__ = ["Finder", "Masked", "Replacement", "applied", "mask_row", "moved"]


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

    In JSON text (arguments of calls, parts, schemas of tools) and in other keys of the file, strings, numbers and keys
    are replaced, and a replaced number becomes a string. Of a value that is split over two turns of one speaker each
    half is replaced. Slices, keys and addresses of the side data are left alone: they are identities, not prose.
    """
    done = _Replaced(find)
    parts: dict[str, Any] = {
        "messages": done.turns(row.messages),
        "chosen": done.turns(row.chosen),
        "rejected": tuple(done.turns(one) for one in row.rejected),
        "steps": tuple((done.text(step), good) for step, good in row.steps),
        "tools": done.json(row.tools),
    }
    extra = done.value(row.side.extra, "")
    if not done.counts:
        return Masked(row, {})
    masked = replace(row, **parts, side=replace(row.side, extra=extra))
    return Masked(masked, dict(sorted(done.counts.items())))


class _Replaced:
    """Replaces in one text after another, and counts."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self.counts: Counter[str] = Counter()

    def text(self, value: str) -> str:
        found = self._find(value) if value else ()
        self.counts.update(one.kind for one in found)
        return applied(value, found) if found else value

    def json(self, value: str) -> str:
        if not value or not is_json(value):
            return self.text(value)
        new, kinds = masked_json(value, self._find)
        self.counts.update(kinds)
        return new

    def value(self, value: Any, key: str) -> Any:
        """A value of another key of the file, with what is in it."""
        if isinstance(value, str) and is_json(value):
            return self.json(value)
        if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
            found = in_value(str(value), key, self._find) if value != "" else ()
            self.counts.update(one.kind for one in found)
            return applied(str(value), found) if found else value
        if isinstance(value, list | tuple):
            return [self.value(one, key) for one in value]
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(one, str(name)) for name, one in value.items()}
        return value

    def turns(self, turns: tuple[Message, ...]) -> tuple[Message, ...]:
        own = [list(self._find(turn.content)) if turn.content else [] for turn in turns]
        self.counts.update(one.kind for found in own for one in found)
        for first, second, left, right in halves(turns, own, self._find):
            own[first].append(left)
            own[second].insert(0, right)
            self.counts[left.kind] += 1
        made = tuple(self._turn(turn, found) for turn, found in zip(turns, own, strict=True))
        return made if any(new is not old for new, old in zip(made, turns, strict=True)) else turns

    def _turn(self, turn: Message, found: Sequence[Replacement]) -> Message:
        calls = tuple(replace(call, arguments=self.json(call.arguments)) for call in turn.tool_calls)
        rest: dict[str, Any] = {
            "name": self.text(turn.name),
            "reasoning": self.text(turn.reasoning),
            "parts": self.json(turn.parts),
        }
        if not found and calls == turn.tool_calls and all(getattr(turn, name) == text for name, text in rest.items()):
            return turn
        content, masked = applied(turn.content, found), tuple(moved(span, found) for span in turn.masked)
        return replace(turn, content=content, masked=masked, tool_calls=calls, **rest)


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
