"""A question about answers: which of their sentences no passage bears out, and which citations point to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from headgate.rows.row import Row
from headgate.rules.answers import texts_by_name
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.similarity import Sought, column_bits
from headgate.text.support import Claimed, Passage, chunks, cites, claims, content_words, dangling, sentences
from headgate.text.tape import tape_of

PASSAGES = ("context", "contexts", "passage", "passages", "document", "documents", "evidence", "source_text")
SAID = ("system", "developer", "user", "tool")
MARKED = re.compile(
    r"(?:^|\n)\s*(?:<(?:context|document|passage|source)s?>|(?:\[\d+\]\s)|"
    r"(?:context|passages?|documents?|sources?|article|evidence|reference text|excerpt)\s*\d*\s*:)",
    re.IGNORECASE,
)
RETRIEVED = 8  # passages of the reference that a sentence is held against
KEPT = 4096  # sources whose passage is kept while a block is looked at
ROW, REFERENCE, CORPUS = "its own passage", "the source that it names", "the nearest passages"
AGAINST = (ROW, REFERENCE, CORPUS)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is not borne out."""

    start: int  # characters in the answer
    end: int
    missing: tuple[tuple[int, int], ...]  # spans of the facts, or of the citation, in the answer
    cover: float  # share of its content words that the best passage has
    against: str  # what it was held against; empty for a citation that points to nothing


@dataclass(frozen=True, slots=True)
class Unsupported:
    """An answer with sentences that are not borne out."""

    row: int
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """What was found of all answers."""

    held: int  # answers with facts or citations
    sentences: int  # with facts
    borne_out: int
    cover: float  # mean share of content words that the best passage has
    by: Mapping[str, int]  # sentences with facts, by what they were held against
    unsupported: tuple[Unsupported, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sentence with facts and what it is held against."""

    row: int
    span: tuple[int, int]  # characters in the answer
    text: str
    passages: Sequence[Passage]
    against: str


@dataclass(frozen=True, eq=False)
class Supported:
    """Which sentences of answers no passage bears out."""

    sources: tuple[tuple[str, ...], ...]  # of each source its text, and the names that rows give it

    @classmethod
    def among(cls, reference: Iterable[Row]) -> Self:
        """The question with these rows as the reference corpus."""
        return cls(tuple((row.text, *filter(None, (row.id, row.side.id, row.side.group))) for row in reference))

    def find(self, block: Corpus) -> Arrays:
        """What is found in a block."""
        counts, cover = np.zeros(6, dtype=np.int64), 0.0
        wrong: dict[int, list[list[Any]]] = {}
        asked: list[_Asked] = []
        for number, row in enumerate(block):
            told = [one for one in sentences(row.answer_text) if claims(row.answer_text[slice(*one)])]
            counts[0] += bool(told) or cites(row.answer_text)
            if loose := list(_dangling(row)):
                wrong[number] = loose
            passages, against = self._passages(row) if told else ([], ROW)
            asked += [_Asked(number, one, row.answer_text[slice(*one)], passages, against) for one in told]
        for one in self._with_nearest(asked):
            lacking, share = _held_against(one.passages, one.text)
            counts[1:3] += (1, not lacking)
            counts[3 + AGAINST.index(one.against)] += 1
            cover += share
            if lacking:
                start, end = one.span
                spans = [[start + fact.start, start + fact.end] for fact in lacking]
                wrong.setdefault(one.row, []).append([start, end, spans, round(share, 4), one.against])
        return {"counts": counts, "cover": np.array([cover]), "found": as_bytes(sorted(wrong.items()))}

    def put_together(self, found: Sequence[Found]) -> Support:
        """What was found in all blocks."""
        held, told, borne_out, *by = chained(found, "counts", np.int64).reshape(-1, 6).sum(axis=0).tolist()
        cover = float(chained(found, "cover", np.float64).sum())
        unsupported = tuple(
            Unsupported(number + one.first, tuple(_sentence(parts) for parts in wrong))
            for one in found
            for number, wrong in from_bytes(one.arrays["found"])
        )
        names = dict(zip(AGAINST, by, strict=True))
        return Support(held, told, borne_out, cover / told if told else 1.0, names, unsupported)

    def _passages(self, row: Row) -> tuple[list[Passage], str]:
        """What the row's own sentences are held against; none where passages have to be looked for."""
        said = "\n".join(row.said_by(*SAID))
        if carries_passage(row):
            return [Passage("\n".join([*_beside(row), said]))], ROW
        names = tuple(name for name in (*row.side.parents, row.side.group or "") if name in self._texts)
        if not names:
            return [Passage(said)], CORPUS
        if names not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[names] = Passage("\n".join(self._texts[name] for name in names))
        return [self._known[names], Passage(said)], REFERENCE

    def _with_nearest(self, asked: Sequence[_Asked]) -> Iterator[_Asked]:
        """The sentences; those without a passage of their own with the likest of the reference and their prompt."""
        without = [place for place, one in enumerate(asked) if one.against == CORPUS]
        near: dict[int, list[Passage]] = {place: [] for place in without}
        if without and self._sought is not None:
            tape = tape_of([asked[place].text for place in without])
            which, passages, _ = self._sought.closest(tape, RETRIEVED)
            for place, passage in zip(which.tolist(), passages.tolist(), strict=True):
                near[without[place]].append(self._chunks[passage])
        for place, one in enumerate(asked):
            yield replace(one, passages=[*near.get(place, ()), *one.passages])

    @cached_property
    def _texts(self) -> dict[str, str]:
        return texts_by_name(self.sources)

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Passage]:
        return {}

    @cached_property
    def _chunks(self) -> list[Passage]:
        return [Passage(chunk) for text, *_ in self.sources for chunk in chunks(text)]

    @cached_property
    def _sought(self) -> Sought | None:
        if not self._chunks:
            return None
        tape = tape_of([one.text for one in self._chunks])
        bits = column_bits(len(tape.words))
        return Sought(tape, bits, np.zeros(1 << bits, dtype=np.uint32), 0)


def carries_passage(row: Row) -> bool:
    """Whether a row has a passage of its own: in its side data, from a tool, or marked as one in its prompt."""
    return bool(_beside(row) or row.said_by("tool")) or any(map(MARKED.search, row.said_by(*SAID)))


def _held_against(passages: Sequence[Passage], sentence: str) -> tuple[list[Claimed], float]:
    """The facts that no one of the passages has, and the share of content words that the best one has."""
    lacking = claims(sentence)
    for passage in passages:
        lacking = passage.lacks(lacking)
    words = content_words(sentence)
    return lacking, max((passage.cover(words) for passage in passages), default=0.0)


def _dangling(row: Row) -> Iterator[list[Any]]:
    answer, listed = row.answer_text, max((len(one) for one in _lists(row)), default=0)
    for start, end in dangling(answer, [*row.said_by(*SAID), *_beside(row)], listed):
        inside = next(((a, b) for a, b in sentences(answer) if a <= start < b), (start, end))
        yield [*inside, [[start, end]], 0.0, ""]


def _beside(row: Row) -> list[str]:
    return [text for name in PASSAGES if name in row.side.extra for text in _strings(row.side.extra[name])]


def _lists(row: Row) -> Iterator[Sequence[Any]]:
    for name in PASSAGES:
        if isinstance(row.side.extra.get(name), list | tuple):
            yield row.side.extra[name]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _sentence(parts: Sequence[Any]) -> Sentence:
    start, end, missing, cover, against = parts
    return Sentence(start, end, tuple((first, last) for first, last in missing), cover, against)
