"""Connected components of rows that share a key or are near-duplicates of each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


class Components:
    """Union-find over positions, with path halving and union by size."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._size = [1] * size

    def find(self, one: int) -> int:
        """The position that stands for the component of another."""
        parent = self._parent
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        """Makes two components one."""
        a, b = self.find(one), self.find(other)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]

    def groups(self) -> list[list[int]]:
        """Members of every component, each in ascending order, components by their first member."""
        members: dict[int, list[int]] = {}
        for position in range(len(self._parent)):
            members.setdefault(self.find(position), []).append(position)
        return sorted(members.values())


def components_of(
    keys: Sequence[Sequence[int]], pairs: npt.NDArray[np.int64], linked: Iterable[bool] | None = None
) -> Components:
    """Components of rows by shared keys and by pairs; a row that is not `linked` stays alone.

    `pairs` holds positions, shape (pairs, 2).
    """
    joined = Components(len(keys))
    open_ = list(linked) if linked is not None else [True] * len(keys)
    first: dict[int, int] = {}
    for position, own in enumerate(keys):
        if open_[position]:
            for key in own:
                joined.join(position, first.setdefault(key, position))
    for one, other in pairs.tolist():
        if open_[one] and open_[other]:
            joined.join(one, other)
    return joined
