"""Rows as rules see them: a sequence, tapes, and the questions that need all rows at once.

A `Corpus` in memory answers its questions from its rows. Rows that are read in shards answer the
same questions from what the scan of each shard left (`headgate.check.streamed`), with the same
answers, so a rule that asks only such questions runs on files of any size. It says so by `asks`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.kit.hashing import number64
from headgate.rows.beside import passages, sentences, stretches
from headgate.rows.row import Row
from headgate.rows.spans import TEXTS
from headgate.rows.turn_parts import BESIDE, turn_parts_of
from headgate.rules.questions import Found, Question
from headgate.stats.verdict import Finding, Findings
from headgate.text import kernels
from headgate.text.coverage import Coverage, coverage
from headgate.text.joining import Joins, Parted
from headgate.text.ngrams import exact_hashes
from headgate.text.redundancy import Redundant, redundant
from headgate.text.tape import Hashes, Mask, Positions, Tape, empty_tape, tape_of

# What a rule may ask of rows that are not in memory, beside facts of single rows (functions of one row).
REDUNDANCY, LEAKS, KEYS = "redundancy", "leaks", "keys"
KEY_NAMES = ("conversation", "group", "subject", "user")
OPENING = "opening turn"

Fact = Callable[[Row], Hashable]  # of one row; made of texts, numbers, None and tuples of them; few different values
Ask = str | Fact | type[Any]  # a type: an `Asked` question


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A small fact of each of N rows."""

    codes: Positions  # (N,): places in `values`
    values: tuple[Any, ...]

    @property
    def counts(self) -> list[int]:
        """Rows of each value."""
        return [int(count) for count in np.bincount(self.codes, minlength=len(self.values))]

    def having(self, wanted: Callable[[Any], bool]) -> Mask:
        """The rows whose value is wanted; shape (N,)."""
        flags = np.fromiter((wanted(value) for value in self.values), dtype=bool, count=len(self.values))
        return flags[self.codes] if len(self.values) else np.zeros(0, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """What rows belong to, as hashes; 0 where a row names nothing."""

    names: tuple[str, ...]
    hashes: dict[str, Hashes]  # by name, (N,) each; a name that no row has may be left out
    count: int  # N

    @property
    def keyed(self) -> Mask:
        """Rows with any key; shape (N,)."""
        found = np.zeros(self.count, dtype=bool)
        for hashes in self.hashes.values():
            found |= hashes != 0
        return found


def thinned(places: Positions, count: int) -> Positions:
    """At most so many of some places, spread evenly."""
    if len(places) <= count:
        return places
    return places[np.linspace(0, len(places) - 1, count).astype(np.int64)]


class Corpus(Sequence[Row]):
    """Rows in a fixed order with one tape per field, built on first use and shared by all rules."""

    in_memory = True  # whether every row is at hand

    def __init__(self, rows: Sequence[Row], name: str = "") -> None:
        self.rows = list(rows)
        self.name = name  # as printed in messages, such as a file name
        self._coded: dict[Fact, Coded] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def fetch(self, places: Iterable[int]) -> None:
        """Says which rows are wanted next. Rows in memory need nothing."""

    def rows_at(self, places: Positions) -> list[Row]:
        """The rows at ascending places."""
        return [self.rows[place] for place in places.tolist()]

    def texts(self, places: Positions, field: str) -> Iterator[str]:
        """The `text`, `prompt`, `answer` or `beside` of rows at ascending places."""
        return (getattr(self.rows[place], TEXTS[field]) for place in places.tolist())

    @cached_property
    def text(self) -> Tape:
        """Tape of every word of each row."""
        return self._parted.tape("text") if self._parted else tape_of([row.text for row in self.rows])

    @cached_property
    def prompt(self) -> Tape:
        """Tape of what people said in each row."""
        return self._parted.tape("prompt") if self._parted else tape_of([row.prompt_text for row in self.rows])

    @cached_property
    def answer(self) -> Tape:
        """Tape of what the model is to say in each row."""
        return self._parted.tape("answer") if self._parted else tape_of([row.answer_text for row in self.rows])

    @cached_property
    def beside(self) -> Tape:
        """Tape of what each row holds beside the words of its turns: reasoning, tool calls, other parts."""
        if self._parted:
            return self._parted.tape(BESIDE) if self._parted.has(BESIDE) else empty_tape(len(self))
        return tape_of([row.beside_text for row in self.rows])

    @property
    def holds_beside(self) -> bool:
        """Whether any row holds anything beside its words."""
        return bool(self.lengths("beside").any())

    @cached_property
    def passages(self) -> tuple[Tape, Positions]:
        """Tape of the passages of what stands beside the words of rows, and the row of each."""
        texts, owners = stretches(self.rows, passages)
        return tape_of(texts), np.array(owners, dtype=np.int64)

    @cached_property
    def sentences(self) -> tuple[Tape, Positions]:
        """The same of its sentences."""
        texts, owners = stretches(self.rows, sentences)
        return tape_of(texts), np.array(owners, dtype=np.int64)

    @cached_property
    def reasoning(self) -> Tape:
        """Tape of what is thought before answers."""
        return tape_of([row.reasoning_text for row in self.rows])

    @cached_property
    def calls(self) -> Tape:
        """Tape of the texts among the arguments of tool calls."""
        return tape_of([row.calls_text for row in self.rows])

    @cached_property
    def _parted(self) -> Parted | None:
        """The turns of the rows, each cut into words once; None where that is small work."""
        if len(self.rows) <= kernels.FEW_TEXTS and not kernels.compiled():
            return None
        made = turn_parts_of(self.rows)
        if not kernels.expect(len(self.rows), sum(map(len, made.parts))):
            return None
        return Parted(made.parts, {name: Joins(*joins) for name, joins in made.made_of.items()})

    def slices(self, name: str) -> list[str | None]:
        """The value of one slice for each row; None where a row has none."""
        return [row.side.slices.get(name) for row in self.rows]

    @cached_property
    def slice_names(self) -> list[str]:
        """Names of all slices that any row carries, sorted."""
        return sorted({name for row in self.rows for name in row.side.slices})

    def lengths(self, field: str) -> Positions:
        """Words of each row's `text`, `prompt`, `answer` or `beside`; shape (N,)."""
        tape: Tape = getattr(self, field)
        return tape.lengths

    def coded(self, fact: Fact) -> Coded:
        """A fact of every row."""
        if fact not in self._coded:
            known: dict[Hashable, int] = {}
            codes = [known.setdefault(fact(row), len(known)) for row in self]
            self._coded[fact] = Coded(np.array(codes, dtype=np.int64), tuple(known))
        return self._coded[fact]

    def ask(self, question: Question) -> Any:
        """The answer to a question that is answered block by block."""
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """The answers to some questions for which rows that are not in memory are read once."""
        return [question.put_together([Found(0, len(self), question.find(self))]) for question in questions]

    def redundant(self, kind: Fact, *, threshold: float, short_threshold: float) -> Redundant:
        """Rows that another row of the same kind makes redundant."""
        classes = self.coded(kind).codes.tolist()
        thresholds = {"threshold": threshold, "short_threshold": short_threshold}
        return redundant(self.text, self.prompt, self.answer, classes, **thresholds)

    def around(self, items: Corpus, least: float) -> Corpus:  # noqa: ARG002 - rows in memory are all at hand
        """The rows that may hold a share of an item's telling n-grams of at least so much, in order; here all rows."""
        return self

    def coverage(self, field: str, items: Corpus, item_field: str) -> Coverage:
        """How much of each item's field the rows cover; what is boilerplate is decided over all rows."""
        return coverage(getattr(self, field), getattr(items, item_field))

    def keys(self, opening_words: int | None = None) -> Keys:
        """What rows belong to; with `opening_words`, also their first turn of several, from that many words on."""
        return keys_of(self.rows, opening_words)


def keys_of(rows: Sequence[Row], opening_words: int | None = None) -> Keys:
    """Conversation, group, subject and user of rows, and the turn that they open with, as hashes."""
    hashes: dict[str, Hashes] = {}
    for name in KEY_NAMES:
        values = [getattr(row.side, name) for row in rows]
        hashes[name] = np.fromiter((key_hash(value) if value else 0 for value in values), np.uint64, len(rows))
    if opening_words is not None:
        tape = tape_of([_opening(row) for row in rows])
        hashes[OPENING] = np.where(tape.lengths >= opening_words, exact_hashes(tape) | np.uint64(1), np.uint64(0))
    return Keys(tuple(hashes), hashes, len(rows))


def key_hash(value: str) -> int:
    """64 bits of a key, never 0: two of ten million keys are taken for one with a chance of 3 in a million."""
    return number64(value.encode("utf-8", "surrogatepass")) or 1


def findings_of(
    rows: Corpus, places: NDArray[Any], make: Callable[[int], Finding], remedies: Iterable[str]
) -> Findings:
    """A finding for each of the places of rows, made when it is looked at from its position in `places`."""

    def ready(block: range) -> None:
        rows.fetch(places[block.start : block.stop : block.step].ravel().tolist())

    return Findings(len(places), make, ready, remedies)


def _opening(row: Row) -> str:
    said = row.said_by("user")
    return said[0] if len(said) > 1 else ""
