"""Questions about prompts and programs: their lengths and hashes, and which row is most like each of some texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, chained
from headgate.text.ngrams import exact_hashes
from headgate.text.programs import shape_of
from headgate.text.similarity import (
    COLUMN_BITS,
    NEIGHBOURS,
    Counts,
    Likest,
    Nearest,
    Sought,
    best_of,
    better,
    column_bits,
    likest,
    rows_of_columns,
)
from headgate.text.tape import Hashes, Positions, Tape, tape_of

PAIRS = {"items": np.int64, "rows": np.int64, "closeness": np.float64, "cosine": np.float64, "score": np.float64}


PROMPT, PROGRAM = "prompt", "program"  # what of a row is looked at: what was asked, or the shape of its program
BESIDE = "beside"  # or the passages of its reasoning and tool calls, of which a row may have many
CROWD = 2 * NEIGHBOURS  # passages that are looked at for each text, since the row that is left out may have several


def viewed(block: Corpus, view: str) -> Tape:
    """What is looked at in each row of a block; empty where a row has no program."""
    if view == BESIDE:
        return block.passages[0]
    return block.prompt if view == PROMPT else tape_of([shape_of(row.text) for row in block])


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Prompts (or shapes of programs) of N rows."""

    lengths: Positions  # (N,): words
    exact: Hashes  # (N,): `exact_hashes`
    beside: bool = False  # whether any row has reasoning or tool calls

    def same_as(self, items: Tape) -> Positions:
        """The items whose words stand in the same order in some row, ascending."""
        there = (items.lengths > 0) & np.isin(exact_hashes(items), self.exact)
        return np.flatnonzero(there)


@dataclass(frozen=True, slots=True)
class PromptWords:
    """How long prompts are, and which are the same."""

    view: str = PROMPT

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """Options change nothing."""
        return cls()

    def find(self, block: Corpus) -> Arrays:
        """Lengths and hashes of a block."""
        tape = viewed(block, self.view)
        beside = self.view == PROMPT and any(row.turns is None and row.beside_text for row in block)
        return {
            "lengths": tape.lengths.astype(np.uint32),
            "exact": exact_hashes(tape),
            "beside": np.array([beside], dtype=np.uint8),
        }

    def put_together(self, found: Sequence[Found]) -> Prompts:
        """Lengths and hashes of all rows."""
        beside = bool(chained(found, "beside", np.uint8).any())
        return Prompts(chained(found, "lengths", np.int64), chained(found, "exact", np.uint64), beside)


@dataclass(frozen=True, slots=True)
class Columns:
    """In how many rows each column occurs to which words and pairs of words are hashed."""

    bits: int
    view: str = PROMPT

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """As many columns as large files have."""
        return cls(COLUMN_BITS[1])

    def find(self, block: Corpus) -> Arrays:
        """The columns that occur in a block."""
        counts = rows_of_columns(viewed(block, self.view), self.bits)
        there = np.flatnonzero(counts)
        return {"columns": there.astype(np.uint32), "counts": counts[there]}

    def put_together(self, found: Sequence[Found]) -> Counts:
        """Rows of each column; shape (2 ** bits,)."""
        out = np.zeros(1 << self.bits, dtype=np.uint32)
        for one in found:
            out[one.arrays["columns"]] += one.arrays["counts"]
        return out


@dataclass(frozen=True, eq=False)
class Closest:
    """The rows that are most like each of some texts."""

    texts: tuple[str, ...]
    bits: int
    rows_of: Counts  # in how many of all rows each column occurs
    rows: int  # of all
    count: int  # of the closest rows of each text
    view: str = PROMPT

    @cached_property
    def sought(self) -> Sought:
        """The texts as vectors."""
        return Sought(tape_of(self.texts), self.bits, self.rows_of, self.rows)

    def find(self, block: Corpus) -> Arrays:
        """The closest rows of a block."""
        tape = viewed(block, self.view)
        if not len(tape):
            return {name: np.zeros(0, dtype=kind) for name, kind in PAIRS.items()}
        pairs = likest(self.sought, tape, self.count)
        found = {name: getattr(pairs, name) for name in PAIRS}
        return found | ({"rows": block.passages[1][pairs.rows]} if self.view == BESIDE else {})

    def put_together(self, found: Sequence[Found]) -> Likest:
        """The closest rows of every block."""
        return Likest(**{name: chained(found, name, kind, numbers=name == "rows") for name, kind in PAIRS.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Texts whose likest row is wanted."""

    tape: Tape
    skip: Positions | None = None  # for each text a row that it may not be matched with


def nearest_rows(rows: Corpus, prompts: Prompts, *asked: Asked, view: str = PROMPT) -> list[Nearest]:
    """`nearest` of the prompts of rows (or of their programs), for several sets of texts in one look.

    Of prompts, what stands beside them is looked at as well: the likest passage of a row counts as its prompt does.
    """
    words, closest = int(prompts.lengths.sum()), []
    known: dict[int, Counts] = {}
    for one in asked:
        bits = column_bits(len(one.tape.words) + words)
        if bits not in known:
            known[bits] = rows.ask(Columns(bits, view))
        count = NEIGHBOURS if one.skip is None else NEIGHBOURS + 1  # one may be the row that is left out
        closest.append(Closest(tuple(one.tape.texts), bits, known[bits], len(prompts.lengths), count, view))
    if prompts.beside and view == PROMPT:
        closest += [replace(one, count=CROWD, view=BESIDE) for one in closest]
    found = rows.ask_all(closest)
    looked = [
        best_of(pairs, len(one.tape), skip=one.skip)
        for pairs, one in zip(found, asked * (len(found) // len(asked)), strict=True)
    ]
    return [better(*looked[place :: len(asked)]) for place in range(len(asked))]


def prompts_at(rows: Corpus, places: Positions, view: str = PROMPT) -> Tape:
    """The prompts (or programs) of some rows, read again where they are not in memory."""
    rows.fetch(places.tolist())
    some = [rows[place] for place in places.tolist()]
    return tape_of([row.prompt_text if view == PROMPT else shape_of(row.text) for row in some])
