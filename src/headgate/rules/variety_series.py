"""How varied the answers of a version are, in a form that versions can be compared in: a table of disjoint blocks.

What a block holds is settled by the first version of a series, since every measure of variety depends on size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.answers import Answered
from headgate.rules.corpus import Corpus
from headgate.text.diversity import MEASURES, blocks_of

PLANNED, MOST = 16, 20  # blocks of the first version, and of any
LARGEST_TEXTS, LARGEST_WORDS = 250, 4_000  # of a block: more costs time and hides nothing less
LEAST_ANSWERS = 160  # of a version that settles what a block holds
VERSION = "version"  # slice that tells rows of earlier versions apart, where they do not stand in files of their own


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variety:
    """The measures of `text.diversity` for blocks of one version."""

    name: str  # of the version
    texts: int  # answers of a block
    words: int  # words of a block
    answers: int  # of the version
    blocks: NDArray[np.float64]  # (B, measures)

    @classmethod
    def of(cls, rows: Corpus, name: str, like: Variety | None = None) -> Self:
        """The blocks of some rows, of the size that an earlier version has."""
        answered = Answered(rows)
        count, spoken = len(answered.lengths), int(answered.lengths.sum())
        texts = like.texts if like else max(1, min(count // PLANNED, LARGEST_TEXTS))
        words = like.words if like else max(1, min(spoken // PLANNED, LARGEST_WORDS))
        blocks = blocks_of(answered.lengths, answered.tape, texts=texts, words=words, most=MOST)
        return cls(name=name, texts=texts, words=words, answers=count, blocks=blocks)

    def measure(self, name: str) -> NDArray[np.float64]:
        """One measure of each block."""
        column: NDArray[np.float64] = self.blocks[:, list(MEASURES).index(name)]
        return column

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        table = {name: [round(float(value), 6) for value in self.measure(name)] for name in MEASURES}
        return {"texts": self.texts, "words": self.words, "answers": self.answers, "measures": table}

    @classmethod
    def from_json(cls, name: str, body: Mapping[str, Any]) -> Self | None:
        """Reads `as_json` back; None where it was measured by other measures."""
        if list(body.get("measures", {})) != list(MEASURES):
            return None
        blocks = np.array([body["measures"][one] for one in MEASURES], dtype=np.float64).T
        return cls(name=name, texts=body["texts"], words=body["words"], answers=body["answers"], blocks=blocks)


def series_of(rows: Iterable[Row]) -> list[Variety]:
    """Varieties of earlier versions, oldest first: rows by their slice `version`, or by the file they stand in."""
    held: dict[str, list[Row]] = {}
    for row in rows:
        name = row.side.slices.get(VERSION) or (row.place.file if row.place else "")
        held.setdefault(name, []).append(row)
    found: list[Variety] = []
    for name, own in held.items():
        found.append(Variety.of(Corpus(own, name), name, model_of(found)))
    return found


def model_of(earlier: Sequence[Variety]) -> Variety | None:
    """The version that settles what a block of later ones holds: the first that is large enough."""
    return next((each for each in earlier if each.answers >= LEAST_ANSWERS), None)


def comparable(series: Sequence[Variety]) -> list[Variety]:
    """The versions that have enough blocks of the size of the first."""
    return [each for each in series if len(each.blocks) >= 2 and each.texts == series[0].texts]
