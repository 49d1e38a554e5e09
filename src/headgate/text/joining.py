"""Texts that are made of parts, such as the turns of a row: each part is cut into words once.

The whole of a row, what was asked and what was answered share all their words. Their tapes are put together from
the words of the turns, with the bits of the tapes of the joined texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from headgate.text import kernels
from headgate.text.tape import Mask, Positions, Tape, tape_of


@dataclass(frozen=True, slots=True, eq=False)
class Joins:
    """How N texts are made of parts, a line break between two."""

    parts: Positions  # numbers of parts, end to end
    offsets: Positions  # (N + 1,): text i is made of parts[offsets[i]:offsets[i + 1]]


class Joined(Sequence[str]):
    """Texts that are put together when they are looked at; those of one part each are that part."""

    def __init__(self, parts: Sequence[str], joins: Joins) -> None:
        self._parts = parts
        self._offsets = joins.offsets
        self._made_of = joins.parts
        self._single: list[str] | None = None
        if len(joins.parts) == len(self) and (np.diff(joins.offsets) == 1).all():
            self._single = [parts[part] for part in joins.parts.tolist()]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if self._single is not None:
            return tuple(self._single[index]) if isinstance(index, slice) else self._single[index]
        if isinstance(index, slice):
            return tuple(self._text(one) for one in range(len(self))[index])
        return self._text(range(len(self))[index])

    def __iter__(self) -> Iterator[str]:
        if self._single is not None:
            yield from self._single
            return
        made_of, first = self._made_of.tolist(), 0
        for last in self._offsets[1:].tolist():
            yield "\n".join([self._parts[part] for part in made_of[first:last]])
            first = last

    def _text(self, index: int) -> str:
        first, last = self._offsets[index : index + 2].tolist()
        if last == first + 1:
            return self._parts[int(self._made_of[first])]
        return "\n".join([self._parts[part] for part in self._made_of[first:last].tolist()])


class Parted:
    """Sets of N texts that are made of the same parts. The parts are cut once, the tapes made when asked for."""

    def __init__(self, parts: Sequence[str], fields: Mapping[str, Joins]) -> None:
        self._parts = parts
        self._fields = fields
        self._cut: Any = None

    def has(self, field: str) -> bool:
        """Whether a set is among them."""
        return field in self._fields

    def tape(self, field: str) -> Tape:
        """The tape of one of the sets, by compiled kernels."""
        from headgate.text.compiled import scanning

        if self._cut is None:
            self._cut = scanning.kept(scanning.scanned(self._parts))
        joins = self._fields[field]
        return scanning.put_together(self._cut, Joined(self._parts, joins), joins.parts, joins.offsets)


def tapes_of(parts: Sequence[str], fields: Mapping[str, Joins]) -> dict[str, Tape]:
    """The tapes of several sets of texts that are made of the same parts."""
    if not kernels.expect(len(parts), sum(map(len, parts))):
        return {name: tape_of(Joined(parts, joins)[:]) for name, joins in fields.items()}
    parted = Parted(parts, fields)
    return {name: parted.tape(name) for name in fields}


def split(whole: Joins, first: Joins, second: Joins) -> Mask:
    """Texts that are made of two parts, of which one is all of the first and the other all of the second; (N,)."""
    joins = (whole, first, second)
    out: Mask = np.ones(len(whole.offsets) - 1, dtype=bool)
    for one, parts in zip(joins, (2, 1, 1), strict=True):
        out &= np.diff(one.offsets) == parts
    texts = np.flatnonzero(out)
    at, left, right = (one.parts[one.offsets[texts]] for one in joins)
    out[texts] = (at == left) & (whole.parts[whole.offsets[texts] + 1] == right)
    return out
