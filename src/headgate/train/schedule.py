"""Which rows make which step, from the seed and the rows' addresses alone.

The order of a pass is that of the BLAKE3 of seed, pass and row: no library's random numbers are in it,
so it can be rebuilt anywhere, and a row that is taken out leaves the others in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from blake3 import blake3

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest

Numbers = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Row numbers of each step."""

    rows: Numbers  # (steps, batch)

    @property
    def steps(self) -> int:
        """Number of optimiser steps."""
        return int(self.rows.shape[0])

    @property
    def digest(self) -> str:
        """Content address of the order."""
        return digest(b"%d %d " % self.rows.shape + self.rows.astype("<i8").tobytes())


def schedule_of(row_ids: Sequence[str], *, seed: int, batch: int, steps: int, epochs: float) -> Schedule:
    """The order of a run: passes one after the other, cut into batches; `steps` 0: as many as `epochs` take.

    Raises:
        Refused: there are no rows.
    """
    if not row_ids:
        raise Refused("there are no rows to train on", wanted="a dataset version with rows in the split")
    steps = steps or max(1, math.ceil(len(row_ids) * epochs / batch))
    order: list[int] = []
    number = 0
    while len(order) < steps * batch:
        order += one_pass(row_ids, seed, number)
        number += 1
    return Schedule(np.asarray(order[: steps * batch], dtype=np.int64).reshape(steps, batch))


def one_pass(row_ids: Sequence[str], seed: int, number: int) -> list[int]:
    """Numbers of all rows in the order of one pass."""
    keys = [blake3(f"{seed} {number} {row_id}".encode()).digest() for row_id in row_ids]
    return sorted(range(len(keys)), key=keys.__getitem__)
