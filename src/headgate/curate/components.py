"""Connected components of rows that share a key or are near-duplicates of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headgate.text.clusters import components

Pairs = npt.NDArray[np.int64]  # (pairs, 2): positions
NO_PAIRS: Pairs = np.empty((0, 2), dtype=np.int64)


def component_labels(keys: Sequence[Sequence[int]], pairs: Pairs, linked: Sequence[bool] | None = None) -> list[int]:
    """For each row the least position of its component; a row that is not `linked` stays alone."""
    first: dict[int, int] = {}
    edges = [
        (position, head)
        for position, own in enumerate(keys)
        if linked is None or linked[position]
        for key in own
        if (head := first.setdefault(key, position)) != position
    ]
    both = np.concatenate([np.array(edges, dtype=np.int64).reshape(-1, 2), pairs])
    if linked is not None and len(both):
        both = both[np.asarray(linked, dtype=bool)[both].all(axis=1)]
    labels: list[int] = components(len(keys), both[:, 0], both[:, 1]).tolist()
    return labels


def groups(labels: Sequence[int]) -> list[list[int]]:
    """Members of every component, each in ascending order, components by their first member."""
    members: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    return list(members.values())
