"""The shard and the schedule: what is trained on, and in which order, as content addresses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.train.schedule import one_pass, schedule_of
from headgate.train.shard import Shard, keep, read, shard_of

IDS = [f"b3:{i:064x}" for i in range(23)]


def small() -> Shard:
    return shard_of(["b3:aa", "b3:bb"], [[5, 6, 7], [8, 9]], [[0.0, 0.5, 1.0], [0.0, 1.0]])


def test_a_shard_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Ids, tokens and weights survive the disk."""
    again = read(keep(small(), tmp_path))
    assert (again.row_ids, again.supervised, again.digest) == (("b3:aa", "b3:bb"), 3, small().digest)
    assert [x.tolist() for x in again.row(1)] == [[8, 9], [0.0, 1.0]]


def test_the_address_covers_tokens_weights_rows_and_order() -> None:
    """Whatever the trainer would see otherwise gives another address."""
    shards = [
        small(),
        shard_of(["b3:aa", "b3:bb"], [[5, 6, 4], [8, 9]], [[0.0, 0.5, 1.0], [0.0, 1.0]]),
        shard_of(["b3:aa", "b3:bb"], [[5, 6, 7], [8, 9]], [[0.0, 0.25, 1.0], [0.0, 1.0]]),
        shard_of(["b3:aa", "b3:cc"], [[5, 6, 7], [8, 9]], [[0.0, 0.5, 1.0], [0.0, 1.0]]),
        shard_of(["b3:aa", "b3:bb"], [[5, 6], [7, 8, 9]], [[0.0, 0.5], [1.0, 0.0, 1.0]]),
    ]
    assert len({one.digest for one in shards}) == len(shards)


def test_the_form_of_a_shard_is_fixed() -> None:
    """Closures of earlier versions name shards by this address."""
    assert small().digest == "b3:f7e1d83763d99056beb46a58021e7677fe9a87e79a85e22280c6cf47e4030329"


def test_a_damaged_shard_is_refused(tmp_path: Path) -> None:
    """One flipped bit is enough."""
    path = keep(small(), tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Refused, match="damaged"):
        read(path)


def test_every_pass_holds_every_row_once() -> None:
    """Passes follow each other without a gap; no row is favoured."""
    rows = schedule_of(IDS, seed=3, batch=5, steps=0, epochs=4.0).rows
    assert rows.shape == (19, 5)
    flat = rows.reshape(-1)
    assert [sorted(flat[i * 23 : (i + 1) * 23].tolist()) for i in range(4)] == [list(range(23))] * 4
    assert flat[:23].tolist() != flat[23:46].tolist()


def test_the_order_depends_on_the_seed_and_on_nothing_else() -> None:
    """The same seed gives the same steps; another one gives others."""
    first, again, other = (schedule_of(IDS, seed=seed, batch=4, steps=9, epochs=0) for seed in (1, 1, 2))
    assert (first.digest == again.digest, first.digest == other.digest) == (True, False)
    assert np.array_equal(first.rows, again.rows)


def test_a_row_taken_out_leaves_the_others_in_order() -> None:
    """A rebuild without an erased row differs in that row only."""
    order = [IDS[i] for i in one_pass(IDS, 7, 0)]
    fewer = [one for one in IDS if one != order[4]]
    assert [fewer[i] for i in one_pass(fewer, 7, 0)] == order[:4] + order[5:]


def test_no_rows_no_schedule() -> None:
    """An empty split is refused before anything is loaded."""
    with pytest.raises(Refused, match="no rows to train on"):
        schedule_of([], seed=0, batch=4, steps=3, epochs=0)
