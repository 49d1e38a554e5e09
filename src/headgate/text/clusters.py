"""Connected components of pairs."""

from __future__ import annotations

import numpy as np

from headgate.text.tape import Positions


def components(count: int, left: Positions, right: Positions) -> Positions:
    """The least member of each text's component; shape (count,).

    Every text takes the least label of its neighbours, then jumps to the label of its label
    (Shiloach and Vishkin 1982), until nothing changes: a handful of rounds.
    """
    labels = np.arange(count, dtype=np.int64)
    while True:
        least = np.minimum(labels[left], labels[right])
        hooked = labels.copy()
        np.minimum.at(hooked, labels[left], least)
        np.minimum.at(hooked, labels[right], least)
        while not np.array_equal(hooked, hooked[hooked]):
            hooked = hooked[hooked]
        if np.array_equal(hooked, labels):
            return labels
        labels = hooked


def members(labels: Positions) -> list[Positions]:
    """Components of two or more, each as sorted indices, in order of their least member."""
    order = np.argsort(labels, kind="stable").astype(np.int64)
    heads = np.flatnonzero(np.append(True, np.diff(labels[order]) != 0)) if len(order) else np.zeros(0, dtype=np.int64)
    return [group for group in np.split(order, heads[1:]) if len(group) > 1]
