"""A question about the tools that rows are given: which texts their descriptions hold as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headgate.rows.beside import described
from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, chained
from headgate.text.coverage import N, coverage_of, hits
from headgate.text.ngrams import distinct, sorted_distinct, word_ngrams
from headgate.text.tape import Tape, tape_of


def has_tools(row: Row) -> bool:
    """Whether a row is given tools."""
    return bool(row.tools)


@dataclass(frozen=True, eq=False)
class ToolsHold:
    """For each of some texts the first row whose descriptions of tools have all of its runs of four words."""

    texts: tuple[str, ...]

    @cached_property
    def sought(self) -> Tape:
        """The tape of the texts."""
        return tape_of(self.texts)

    def find(self, block: Corpus) -> Arrays:
        """The first row of a block for each text that is held."""
        first: dict[str, int] = {}
        for place, row in enumerate(block):
            if row.tools:
                first.setdefault(row.tools, place)
        places = list(first.values())
        tape = tape_of([_described(block[place]) for place in places])
        own = distinct(word_ngrams(self.sought, N))
        known = sorted_distinct(own.hashes)
        pairs = coverage_of(*hits(tape, known, N), own, known, len(places), common_rows=len(places))
        whole = np.flatnonzero(pairs.shared == pairs.all[pairs.items])
        items, at = np.unique(pairs.items[whole], return_index=True)  # pairs are by item, then row
        rows = np.array(places, dtype=np.int64)[pairs.rows[whole][at]] if len(whole) else items
        return {"items": items.astype(np.int64), "rows": rows.astype(np.int64)}

    def put_together(self, found: Sequence[Found]) -> dict[int, int]:
        """Text -> row."""
        items = chained(found, "items", np.int64).tolist()
        rows = chained(found, "rows", np.int64, numbers=True).tolist()
        return dict(zip(reversed(items), reversed(rows), strict=True))


def _described(row: Row) -> str:
    return "\n".join(piece.text for piece in described(row))
