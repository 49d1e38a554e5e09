"""Connected components over keys and pairs."""

from __future__ import annotations

import numpy as np

from headgate.curate.components import NO_PAIRS, component_labels, groups


def test_keys_and_pairs_join() -> None:
    """Rows with a common key or a pair are one component; the others stay alone."""
    labels = component_labels([[1], [2], [1, 3], [4], [5]], np.array([[3, 2]], dtype=np.int64))
    assert groups(labels) == [[0, 2, 3], [1], [4]]


def test_unlinked_rows_stay_alone() -> None:
    """A row that is not to link joins nothing, and nothing is joined through it."""
    linked = [True, False, True]
    assert groups(component_labels([[1], [1, 2], [2]], NO_PAIRS, linked)) == [[0], [1], [2]]
    pairs = np.array([[0, 1], [1, 2]], dtype=np.int64)
    assert groups(component_labels([[1], [2], [3]], pairs, linked)) == [[0], [1], [2]]
