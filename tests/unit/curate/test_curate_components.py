"""Connected components over keys and pairs."""

from __future__ import annotations

import numpy as np

from headgate.curate.components import components_of


def test_keys_and_pairs_join() -> None:
    """Rows with a common key or a pair are one component; the others stay alone."""
    joined = components_of([[1], [2], [1, 3], [4], [5]], np.array([[3, 2]], dtype=np.int64))
    assert joined.groups() == [[0, 2, 3], [1], [4]]


def test_unlinked_rows_stay_alone() -> None:
    """A row that is not to link joins nothing, and nothing is joined through it."""
    joined = components_of([[1], [1, 2], [2]], np.empty((0, 2), dtype=np.int64), [True, False, True])
    assert joined.groups() == [[0], [1], [2]]
