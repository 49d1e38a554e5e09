"""The rows that a curation started from, by slice, register, length and difficulty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from headgate.curate.slices import slices_of
from headgate.curate.working import Item
from headgate.rows.row import Row
from headgate.rules.classed import Classes, Scale, classes_of

Class = tuple[str, str]  # kind and name, such as ("register", "hedge")


class Shape:
    """Rows by the number under which they were captured; steps that change a row change nothing here."""

    def __init__(self, items: Sequence[Item], score: str, scale: Scale) -> None:
        self.rows: dict[int, Row] = {item.root: item.row for item in items}
        self._places = {root: place for place, root in enumerate(self.rows)}
        self._score, self._scale = score, scale

    @cached_property
    def classes(self) -> Classes:
        """Registers, lengths and difficulties; sorted when somebody asks."""
        return classes_of(list(self.rows.values()), score=self._score, scale=self._scale)

    def registers_of(self, root: int) -> frozenset[str]:
        """Registers of one row."""
        held = self.classes.held[self._places[root]]
        return frozenset(
            self.classes.names[k][1] for k in np.flatnonzero(held) if self.classes.names[k][0] == "register"
        )

    def counts(self, roots: Iterable[int]) -> Counter[Class]:
        """Rows of each class among some rows."""
        chosen = list(roots)
        sums = self.classes.held[[self._places[root] for root in chosen]].sum(axis=0)
        out = Counter({name: int(count) for name, count in zip(self.classes.names, sums, strict=True) if count})
        out.update(("slice", name) for root in chosen for name in slices_of(self.rows[root]))
        return out
