"""Questions about answers: how long they are, and what they claim that no source has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.facts import Fact, Registry, facts
from headgate.text.tape import Positions, Tape, tape_of


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """How many words the answer of each row has."""

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """Options change nothing."""
        return cls()

    def find(self, block: Corpus) -> Arrays:
        """Lengths of a block."""
        return {"lengths": block.answer.lengths.astype(np.uint32)}

    def put_together(self, found: Sequence[Found]) -> Positions:
        """Lengths of all rows; shape (N,)."""
        return chained(found, "lengths", np.int64)


def answers_at(rows: Corpus, places: Positions) -> Tape:
    """The answers of rows at ascending places, cut into words already where all rows are at hand."""
    if rows.in_memory:
        return rows.answer.take(places)
    return tape_of(list(rows.texts(places, "answer")))


class Answered:
    """The rows of a corpus that have an answer, whose words are read where they are wanted."""

    def __init__(self, rows: Corpus) -> None:
        self._rows = rows
        lengths: Positions = rows.ask(AnswerWords())
        self._places = np.flatnonzero(lengths)
        self.lengths = lengths[self._places]

    def tape(self, chosen: Positions) -> Tape:
        """The tape of some answers."""
        return tape_of(list(self._rows.texts(self._places[chosen], "answer")))


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """An answer with facts that no source has."""

    row: int
    facts: tuple[Fact, ...]
    meant: tuple[str, ...]  # known identifiers that were probably meant


@dataclass(frozen=True, slots=True)
class Grounding:
    """What was looked up in all answers."""

    held: int  # answers with facts
    facts: int
    ungrounded: tuple[Ungrounded, ...]


def texts_by_name(sources: Iterable[Sequence[str]]) -> dict[str, str]:
    """The texts of sources by each of the names that rows give them; of a name that several have, all of them."""
    texts: dict[str, str] = {}
    for text, *names in sources:
        for name in names:
            texts[name] = f"{texts.get(name, '')}\n{text}"
    return texts


@dataclass(frozen=True, eq=False)
class LookedUp:
    """Which facts of answers stand in no source."""

    sources: tuple[tuple[str, ...], ...]  # of each source its text, and the names that rows give it
    numbers: bool  # whether numbers are looked up

    @classmethod
    def among(cls, reference: Iterable[Row], *, numbers: bool) -> Self:
        """The question with these rows as sources."""
        named = ((row.text, *filter(None, (row.id, row.side.id, row.side.group))) for row in reference)
        return cls(tuple(named), numbers)

    @cached_property
    def _all(self) -> Registry:
        return Registry(text for text, *_ in self.sources)

    @cached_property
    def _texts(self) -> dict[str, str]:
        return texts_by_name(self.sources)

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Registry]:
        return {}

    def find(self, block: Corpus) -> Arrays:
        """What is looked up in a block."""
        held = looked_up = 0
        found = []
        for number, row in enumerate(block):
            told = [fact for fact in _told(row.answer_text) if self.numbers or fact.kind != "number"]
            held += bool(told)
            looked_up += len(told)
            if missing := list(self._missing(told, row)):
                meant = (self._all.nearest(fact) for fact in missing)
                facts = [[fact.kind, fact.value, fact.start, fact.end] for fact in missing]
                found.append([number, facts, [name for name in meant if name]])
        return {"counts": np.array([held, looked_up], dtype=np.int64), "found": as_bytes(found)}

    def put_together(self, found: Sequence[Found]) -> Grounding:
        """What was looked up in all blocks."""
        held, looked_up = chained(found, "counts", np.int64).reshape(-1, 2).sum(axis=0).tolist()
        ungrounded = tuple(
            Ungrounded(number + one.first, tuple(Fact(*fact) for fact in facts), tuple(meant))
            for one in found
            for number, facts, meant in from_bytes(one.arrays["found"])
        )
        return Grounding(held, looked_up, ungrounded)

    def _missing(self, told: Sequence[Fact], row: Row) -> Iterator[Fact]:
        if not told:
            return
        asked = Registry(turn.content for turn in row.messages if turn.role in ("system", "developer", "user", "tool"))
        own = self._of(row)
        for fact in told:
            known = own.knows(fact) or asked.knows(fact)
            if not known and fact.kind == "identifier":
                known = self._all.knows(fact)
            if not known:
                yield fact

    def _of(self, row: Row) -> Registry:
        names = tuple(name for name in (*row.side.parents, row.side.group or "") if name in self._texts)
        if not names:
            return self._all
        if names not in self._known:
            self._known[names] = Registry(self._texts[name] for name in names)
        return self._known[names]


def _told(answer: str) -> Iterator[Fact]:
    for fact in facts(answer):
        if not answer[: fact.start].rstrip().endswith("="):
            yield fact
