"""The rows near evaluation items: the few that are held in memory to look for leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.text.coverage import Coverage
from headgate.text.leaks import RAREST_ROWS
from headgate.text.tape import Mask, Positions


class Surroundings(Corpus):
    """Rows near evaluation items, with what was counted over all rows."""

    def __init__(self, rows: Sequence[Row], name: str, coverages: dict[tuple[str, str], Coverage]) -> None:
        super().__init__(rows, name)
        self._coverages = coverages

    def coverage(self, field: str, items: Corpus, item_field: str) -> Coverage:  # noqa: ARG002 - of these items
        """How much of each item's field the rows cover, boilerplate decided over all rows."""
        return self._coverages[field, item_field]


def likely(pairs: Coverage, least: float) -> Mask:
    """Pairs that may be a copy: enough is covered, or all that is no boilerplate, or no row covers more of the item."""
    telling = pairs.telling[pairs.items]
    share = pairs.shared / np.maximum(telling, 1)
    kept: Mask = share >= least
    whole = np.flatnonzero((pairs.shared == telling) & (telling < pairs.all[pairs.items]))
    kept[whole[_rank(pairs.items[whole]) < RAREST_ROWS]] = True
    order = np.lexsort((pairs.rows, -share, pairs.items))
    kept[order[_rank(pairs.items[order]) == 0]] = True
    return kept


def among(pairs: Coverage, kept: Mask, rows: Positions) -> Coverage:
    """Some pairs, whose rows are counted among some rows."""
    places = np.searchsorted(rows, pairs.rows[kept])
    return replace(pairs, rows=places, items=pairs.items[kept], shared=pairs.shared[kept], run=pairs.run[kept])


def _rank(items: Positions) -> Positions:
    """How many of the same item stand before each; items are in order."""
    return np.arange(len(items)) - np.searchsorted(items, items)
