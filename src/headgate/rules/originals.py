"""A question about rows that were rewritten: how factual and how well formed they are beside their originals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.answers import texts_by_name
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.fluency import fluency
from headgate.text.support import Claimed, Passage, claims
from headgate.text.tape import Positions

SAID = ("system", "developer", "user", "tool")
Scores = NDArray[np.float64]
FALLEN = 1e-9


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that is less factual than its original."""

    row: int
    invented: tuple[tuple[int, int], ...]  # spans in the answer that no source bears out
    lost: tuple[str, ...]  # facts of the original that are gone, as it wrote them


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """Rows beside their originals; N pairs in which either has facts."""

    matched: int  # rows with an original
    rows: int  # all rows
    before: Scores  # (N,): factuality of the original, 0..1
    after: Scores  # (N,)
    fluent_before: Scores  # (N,): well-formedness, 0..1
    fluent_after: Scores  # (N,)
    original: Positions  # (N,): which original
    invented: int  # facts
    lost: int  # facts
    changed: tuple[Changed, ...]


@dataclass(frozen=True, eq=False)
class BesideOriginals:
    """How rows compare with what they were rewritten from."""

    originals: tuple[tuple[str, str, tuple[str, ...], str], ...]  # answer, what was said, names, conversation
    sources: tuple[tuple[str, ...], ...]  # of each source its text, and the names that rows give it
    lost: bool  # whether facts of the original that are gone count

    @classmethod
    def among(cls, before: Iterable[Row], reference: Iterable[Row], *, lost: bool) -> Self:
        """The question with these originals and, where there are any, sources."""
        originals = tuple((row.answer_text, _said(row), _names(row), row.side.conversation or "") for row in before)
        named = ((row.text, *filter(None, (row.id, row.side.id, row.side.group))) for row in reference)
        return cls(originals, tuple(named), lost)

    def find(self, block: Corpus) -> Arrays:
        """What is found in a block."""
        scores, original, found = [], [], []
        counts = np.zeros(3, dtype=np.int64)
        for number, row in enumerate(block):
            place = self._original_of(row)
            if place is None:
                continue
            counts[0] += 1
            pair = self._pair(row, place)
            if pair is None:
                continue
            before, after, invented, lost = pair
            scores.append([before, after, fluency(self.originals[place][0]), fluency(row.answer_text)])
            original.append(place)
            counts[1:] += (len(invented), len(lost))
            if after < before - FALLEN:
                spans = [[one.start, one.end] for one in invented]
                found.append([number, spans, [self.originals[place][0][one.start : one.end] for one in lost]])
        return {
            "counts": counts,
            "scores": np.array(scores, dtype=np.float64).reshape(-1),
            "original": np.array(original, dtype=np.int64),
            "found": as_bytes(found),
        }

    def put_together(self, found: Sequence[Found]) -> Rewritten:
        """What was found in all blocks."""
        matched, invented, lost = chained(found, "counts", np.int64).reshape(-1, 3).sum(axis=0).tolist()
        before, after, fluent_before, fluent_after = chained(found, "scores", np.float64).reshape(-1, 4).T
        changed = tuple(
            Changed(number + one.first, tuple((start, end) for start, end in spans), tuple(gone))
            for one in found
            for number, spans, gone in from_bytes(one.arrays["found"])
        )
        return Rewritten(
            matched=matched,
            rows=sum(one.rows for one in found),
            before=before,
            after=after,
            fluent_before=fluent_before,
            fluent_after=fluent_after,
            original=chained(found, "original", np.int64),
            invented=invented,
            lost=lost,
            changed=changed,
        )

    def _pair(self, row: Row, place: int) -> tuple[float, float, list[Claimed], list[Claimed]] | None:
        """Factuality of the original and of the row, facts invented and lost; None where neither has any."""
        answer, said, _, _ = self.originals[place]
        told, now = _distinct(claims(answer)), _distinct(claims(row.answer_text))
        if not told and not now:
            return None
        sources = [Passage(said), Passage(_said(row)), *self._sources_of(row)]
        true = told if not self.sources else [one for one in told if _anywhere(sources, one)]
        lost = Passage(row.answer_text).lacks(true) if self.lost else []
        borne_out = [*sources, Passage(answer)] if not self.sources else sources
        invented = [one for one in now if not _anywhere(borne_out, one)]
        before = len(true) / len(told) if told else 1.0
        right = len(now) - len(invented)
        after = right / (len(now) + len(lost)) if now or lost else 1.0
        return before, after, invented, lost

    def _sources_of(self, row: Row) -> Iterator[Passage]:
        names = [name for name in (*row.side.parents, row.side.group or "") if name in self._texts]
        if self.sources and not names:
            yield self._everything
        yield from (self._passage(name) for name in names)

    def _passage(self, name: str) -> Passage:
        if name not in self._known:
            self._known[name] = Passage(self._texts[name])
        return self._known[name]

    def _original_of(self, row: Row) -> int | None:
        """The original that a row names as parent, whose id it has, or, if only one fits, of its talk or its prompt."""
        for name in (*row.side.parents, row.side.id or "", row.side.conversation or "", _said(row)):
            if name and name in self._places:
                return self._places[name]
        return None

    @cached_property
    def _places(self) -> dict[str, int]:
        shared = [(place, name) for place, (_, said, _, talk) in enumerate(self.originals) for name in {said, talk}]
        times = Counter(name for _, name in shared)
        found = {name: place for place, name in shared if name and times[name] == 1}
        return found | {name: place for place, (_, _, names, _) in enumerate(self.originals) for name in names}

    @cached_property
    def _texts(self) -> dict[str, str]:
        return texts_by_name(self.sources)

    @cached_property
    def _known(self) -> dict[str, Passage]:
        return {}

    @cached_property
    def _everything(self) -> Passage:
        return Passage("\n".join(text for text, *_ in self.sources))


def _said(row: Row) -> str:
    return "\n".join(row.said_by(*SAID))


def _names(row: Row) -> tuple[str, ...]:
    return tuple(filter(None, (row.id, row.content_id, row.side.id)))


def _distinct(told: Iterable[Claimed]) -> list[Claimed]:
    return list({(one.kind, one.value, one.unit): one for one in told}.values())


def _anywhere(passages: Iterable[Passage], one: Claimed) -> bool:
    return any(not passage.lacks([one]) for passage in passages)
