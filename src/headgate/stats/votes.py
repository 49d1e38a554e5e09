"""Labels that several annotators gave to items, as flat arrays: what agreement, consensus and independence read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.kit.errors import Refused

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """V labels: who said what of which item, as numbers from 0 on."""

    items: Integers  # (V,)
    annotators: Integers  # (V,)
    labels: Integers  # (V,)
    n_items: int
    n_annotators: int
    n_labels: int

    @classmethod
    def of(cls, items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, shape: tuple[int, int, int]) -> Votes:
        """Votes from three lists of numbers; `shape` counts items, annotators and labels.

        Raises:
            Refused: lists of different length, or a number outside its count.
        """
        first, second, third = (np.asarray(each, dtype=np.int64) for each in (items, annotators, labels))
        if not len(first) == len(second) == len(third):
            found = f"{len(first)}, {len(second)}, {len(third)}"
            raise Refused("votes need three lists of one length", found=found)
        for name, each, count in zip(("item", "annotator", "label"), (first, second, third), shape, strict=True):
            if len(each) and not (each.min() >= 0 and each.max() < count):
                raise Refused(f"the number of an {name} is outside its count", found=f"{each.min()} to {each.max()}")
        return cls(first, second, third, *shape)

    def __len__(self) -> int:
        return len(self.items)

    def only(self, kept: Mask) -> Votes:
        """Some of the votes; items, annotators and labels keep their numbers."""
        return Votes(
            self.items[kept], self.annotators[kept], self.labels[kept], self.n_items, self.n_annotators, self.n_labels
        )

    def per_item(self) -> Floats:
        """How often each label was given to each item; (items, labels)."""
        flat = np.bincount(self.items * self.n_labels + self.labels, minlength=self.n_items * self.n_labels)
        return flat.reshape(self.n_items, self.n_labels).astype(np.float64)

    def first(self) -> Votes:
        """The first label of each annotator for each item: an annotator who labelled twice counts once."""
        _, places = np.unique(self.items * self.n_annotators + self.annotators, return_index=True)
        kept = np.zeros(len(self), dtype=bool)
        kept[places] = True
        return self.only(kept)

    def counts(self) -> Any:
        """A sparse matrix (items, annotators x labels) with a vote in each cell."""
        from scipy.sparse import csr_matrix

        columns = self.annotators * self.n_labels + self.labels
        shape = (self.n_items, self.n_annotators * self.n_labels)
        return csr_matrix((np.ones(len(self)), (self.items, columns)), shape=shape)
