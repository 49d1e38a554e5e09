"""A question about answers: which of their identifiers a registry of real ones does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.identifiers import NAME, compounds, folded, identifiers, names, terms
from headgate.text.registry import Registry, holds

USED = ("=", "(")  # signs behind joined words that code uses as one name
LEAST_TERM = 4  # letters of a plain word that code uses as a name
SAID = ("system", "developer", "user", "tool")  # turns whose identifiers are no invention of the answer


@dataclass(frozen=True, slots=True)
class Strange:
    """One identifier of an answer that is not in the registry."""

    kind: str
    start: int  # characters in the answer
    end: int
    resembles: str = ""  # entry that it is a near miss of, as the sources write it
    how: str = ""  # how the two differ


@dataclass(frozen=True, slots=True)
class Unknown:
    """An answer with identifiers that are not in the registry."""

    row: int
    strange: tuple[Strange, ...]

    @property
    def invented(self) -> bool:
        """Whether one of them resembles no entry."""
        return any(not one.resembles for one in self.strange)


@dataclass(frozen=True, slots=True)
class Identified:
    """What was looked up in all answers."""

    held: int  # answers with identifiers that the registry speaks of
    looked_up: int  # identifiers
    unknown: tuple[Unknown, ...]


@dataclass(frozen=True, eq=False)
class InRegistry:
    """Which identifiers of answers a registry does not have."""

    entries: tuple[str, ...]
    shown: tuple[str, ...]
    kinds: tuple[str, ...]
    words: tuple[str, ...]
    wanted: tuple[str, ...]  # kinds to look up; empty: all

    @classmethod
    def among(cls, registry: Registry, wanted: tuple[str, ...] = ()) -> Self:
        """The question with this registry."""
        return cls(registry.entries, registry.shown, registry.kinds, registry.words, wanted)

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self.entries, self.shown, self.kinds, self.words)

    def find(self, block: Corpus) -> Arrays:
        """What is looked up in a block."""
        held = looked_up = 0
        found = []
        for number, row in enumerate(block):
            told = list(self._looked_up(row))
            held += bool(told)
            looked_up += len(told)
            if strange := [[one.kind, one.start, one.end, one.resembles, one.how] for one in told if one.how]:
                found.append([number, strange])
        return {"counts": np.array([held, looked_up], dtype=np.int64), "found": as_bytes(found)}

    def put_together(self, found: Sequence[Found]) -> Identified:
        """What was looked up in all blocks."""
        held, looked_up = chained(found, "counts", np.int64).reshape(-1, 2).sum(axis=0).tolist()
        unknown = tuple(
            Unknown(number + one.first, tuple(Strange(*parts) for parts in strange))
            for one in found
            for number, strange in from_bytes(one.arrays["found"])
        )
        return Identified(held, looked_up, unknown)

    def _looked_up(self, row: Row) -> Iterator[Strange]:
        """Every identifier that was looked up; `how` is empty for those that are known."""
        answer, registry = row.answer_text, self._registry
        said = ""
        for one in identifiers(answer):
            if self.wanted and one.kind not in self.wanted:
                continue
            if registry.knows(one.value, one.kind):
                yield Strange(one.kind, one.start, one.end)
                continue
            said = said or "\n" + "\n".join(map(_plain, row.said_by(*SAID))) + "\n"
            if holds(said, one.value):
                continue
            if near := registry.resembles(one.value):
                yield Strange(one.kind, one.start, one.end, *near)
            elif registry.speaks_of(one.kind, one.value):
                yield Strange(one.kind, one.start, one.end, "", "not in the registry")
        if registry.has_kind(NAME) and (not self.wanted or NAME in self.wanted):
            yield from self._names(answer, said or "\n".join(map(_plain, row.said_by(*SAID))))

    def _names(self, answer: str, said: str) -> Iterator[Strange]:
        """Near misses among plain words: names with a capital, names that code uses, joined words."""
        near, told = self._registry.misspelt_name, list(identifiers(answer))
        found = [(word, start, near(word)) for word, start, inside in names(answer) if inside]
        found += [(word, start, near(word, LEAST_TERM)) for word, start in terms(answer)]
        strange = [(word, start, (right, "one edit")) for word, start, right in found if right]
        joined = ((word, start, self._compound(word, answer, start)) for word, start in compounds(answer))
        strange += [(word, start, how) for word, start, how in joined if how]
        for word, start, how in strange:
            inside = any(one.start < start + len(word) and start < one.end for one in told)
            if not inside and not holds(said, word.lower()):
                yield Strange(NAME, start, start + len(word), *how)

    def _compound(self, words: str, answer: str, start: int) -> tuple[str, str] | None:
        behind = answer[start + len(words) : start + len(words) + 1]
        return self._registry.misspelt_compound(words, used=behind in USED)


def _plain(text: str) -> str:
    return folded(text)
