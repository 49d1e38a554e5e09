"""Questions about short prompts: in how many rows words stand, and which rows say most of some short texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, chained
from headgate.text.ngrams import exact_hashes
from headgate.text.shards import merged_counts, word_counts
from headgate.text.short_items import Foremost, counts_of, foremost
from headgate.text.tape import Hashes, Positions, Tape, tape_of

MERGED_AT_ONCE = 32  # blocks whose words are merged at a time
PAIRS = {
    **{"rows": np.int64, "items": np.int64, "held": np.float64},
    **{"same_sense": np.bool_, "says": np.uint64, "beside": np.bool_},
}


@dataclass(frozen=True, slots=True, eq=False)
class WordsOfPrompts:
    """The distinct words of all prompts."""

    words: Hashes  # sorted
    rows: Positions  # that hold each

    def of(self, texts: Tape) -> Positions:
        """In how many rows each word of some texts stands."""
        return counts_of(texts, self.words, self.rows)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """In how many rows each word of the prompts stands."""

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """Options change nothing."""
        return cls()

    def find(self, block: Corpus) -> Arrays:
        """The words of a block."""
        words, counts = word_counts(block.prompt)
        return {"words": words, "counts": counts.astype(np.uint32)}

    def put_together(self, found: Sequence[Found]) -> WordsOfPrompts:
        """The words of all blocks."""
        parts: list[tuple[Hashes, Positions]] = []
        for one in found:
            parts.append((one.arrays["words"], one.arrays["counts"].astype(np.int64)))
            if len(parts) >= MERGED_AT_ONCE:
                parts = [merged_counts(parts)]
        return WordsOfPrompts(*merged_counts(parts))


@dataclass(frozen=True, eq=False)
class MostOf:
    """The rows that say most of each of some short texts."""

    texts: tuple[str, ...]
    telling: Hashes  # `telling_words` of them
    drawn: int | None = None  # from this place on the texts are rows, which are not to be found
    beside: bool = False  # whether the sentences beside the words of rows are looked at, and not their prompts

    @cached_property
    def asked(self) -> Tape:
        """The tape of the texts."""
        return tape_of(self.texts)

    def find(self, block: Corpus) -> Arrays:
        """Two rows of a block for each text, at most."""
        rows, of = block.prompt, None
        if self.beside:
            rows, owners = block.sentences
            if not len(rows):
                return {name: np.zeros(0, dtype=kind) for name, kind in PAIRS.items()}
            of = owners, exact_hashes(block.prompt)[owners]
        pairs = foremost(rows, self.asked, self.telling, self.drawn, of=of)
        return {name: getattr(pairs, name) for name in PAIRS}

    def put_together(self, found: Sequence[Found]) -> Foremost:
        """Those of every block."""
        return Foremost(**{name: chained(found, name, kind, numbers=name == "rows") for name, kind in PAIRS.items()})
