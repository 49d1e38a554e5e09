"""Texts that are made of parts, such as the turns of a row: each part is cut into words once.

The whole of a row, what was asked and what was answered share all their words. Their tapes are put together from
the words of the turns, with the bits of the tapes of the joined texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from headgate.text import kernels
from headgate.text.tape import Mask, Positions, Tape, tape_of


@dataclass(frozen=True, slots=True, eq=False)
class Joins:
    """How N texts are made of parts, a line break between two."""

    parts: Positions  # numbers of parts, end to end
    offsets: Positions  # (N + 1,): text i is made of parts[offsets[i]:offsets[i + 1]]


class Joined(Sequence[str]):
    """Texts that are put together when they are looked at."""

    def __init__(self, parts: Sequence[str], joins: Joins) -> None:
        self._parts = parts
        self._joins = joins

    def __len__(self) -> int:
        return len(self._joins.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self._text(one) for one in range(len(self))[index])
        return self._text(range(len(self))[index])

    def _text(self, index: int) -> str:
        first, last = self._joins.offsets[index : index + 2].tolist()
        if last == first + 1:
            return self._parts[int(self._joins.parts[first])]
        return "\n".join([self._parts[part] for part in self._joins.parts[first:last].tolist()])


def tapes_of(parts: Sequence[str], fields: Mapping[str, Joins]) -> dict[str, Tape]:
    """The tapes of several sets of texts that are made of the same parts."""
    texts = {name: Joined(parts, joins) for name, joins in fields.items()}
    if not kernels.expect(len(parts), sum(map(len, parts))):
        return {name: tape_of(joined[:]) for name, joined in texts.items()}
    from headgate.text.compiled import scanning

    cut = scanning.scanned(parts)
    return {name: scanning.put_together(cut, texts[name], joins.parts, joins.offsets) for name, joins in fields.items()}


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
