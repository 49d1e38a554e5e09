"""Which rows make which step, from the seed and the rows' addresses alone.

The order of a pass is that of the BLAKE3 of seed, pass and row: no library's random numbers are in it,
so it can be rebuilt anywhere, and a row that is taken out leaves the others in the same order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
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


def schedule_of(
    row_ids: Sequence[str],
    *,
    seed: int,
    batch: int,
    steps: int,
    epochs: float,
    sources: Sequence[str] = (),
    mix: Mapping[str, float] | None = None,
) -> Schedule:
    """The order of a run: passes one after the other, cut into batches; `steps` 0: as many as `epochs` take.

    `mix` gives a source its share of the rows of every batch; over the steps no share is off by more than
    a row. What is left of a batch comes from all other rows, and `epochs` counts passes over these.

    Raises:
        Refused: there are no rows, or none of a source that has a share.
    """
    if not row_ids:
        raise Refused("there are no rows to train on", wanted="a dataset version with rows in the split")
    shares = dict(mix or {})
    groups = {name: [i for i, source in enumerate(sources) if source == name] for name in shares}
    if empty := [name for name, numbers in groups.items() if not numbers]:
        raise Refused(
            "a source that has a share of every batch has no rows",
            found=", ".join(empty),
            wanted="sources of the rows: " + ", ".join(sorted(set(sources) - {""})),
        )
    rest = [i for i in range(len(row_ids)) if not sources or sources[i] not in shares]
    if not rest:
        raise Refused("every row belongs to a source with a share, so nothing fills the batches")
    steps = steps or max(1, math.ceil(len(rest) * epochs / (batch * (1 - sum(shares.values())))))
    streams = {name: _endless(row_ids, numbers, seed) for name, numbers in groups.items()}
    others = _endless(row_ids, rest, seed)
    table = []
    for step in range(steps):
        drawn = [
            next(streams[name])
            for name, share in shares.items()
            for _ in range(math.floor(share * batch * (step + 1)) - math.floor(share * batch * step))
        ]
        table.append([next(others) for _ in range(batch - len(drawn))] + drawn)
    return Schedule(np.asarray(table, dtype=np.int64).reshape(steps, batch))


def _endless(row_ids: Sequence[str], numbers: Sequence[int], seed: int) -> Iterator[int]:
    """Some of the rows in pass after pass."""
    some = [row_ids[i] for i in numbers]
    for number in itertools.count():
        yield from (numbers[i] for i in one_pass(some, seed, number))


def one_pass(row_ids: Sequence[str], seed: int, number: int) -> list[int]:
    """Numbers of all rows in the order of one pass."""
    keys = [blake3(f"{seed} {number} {row_id}".encode()).digest() for row_id in row_ids]
    return sorted(range(len(keys)), key=keys.__getitem__)
