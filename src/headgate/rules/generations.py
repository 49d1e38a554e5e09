"""How many generations of synthesis lie between a row and what people wrote, and who wrote the row.

The depth of a human row is 0, that of a synthetic row 1 more than the deepest of its parents, or 1 where it names
none. A row of which nothing says who wrote it has no depth: it is unknown, and not human.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.descent import Bearers, Family, Parents, names_of
from headgate.rules.given import Given
from headgate.text.tape import Positions

UNKNOWN = -1
PEOPLE = frozenset({"human", "humans", "person", "people", "a person"})  # what stands for no model in `generator`
# Keys of `extra` with which curation marks a changed copy of its one parent: the same writer, the same depth.
COPIES = frozenset({"mended-habits", "near-duplicate-weight", "redacted"})

Origin = tuple[str, int | None, str, bool]  # generator, stated depth, source, whether it is a changed copy


def origin_of(row: Row) -> Origin:
    """What a row says of where it comes from, without its parents."""
    side = row.side
    copied = len(side.parents) == 1 and not COPIES.isdisjoint(side.extra)
    return side.generator or "", side.depth, side.source or "", copied


def teacher_of(origin: Origin) -> str:
    """The model that wrote a row; empty where none is named."""
    return "" if origin[0].strip().lower() in PEOPLE else origin[0]


@dataclass(frozen=True, slots=True, eq=False)
class Generations:
    """Depth and writer of N rows."""

    depths: Positions  # (N,); UNKNOWN where nothing tells
    teachers: Mapping[str, int]  # rows by the model that wrote them, most rows first
    lost: tuple[str, ...]  # parents of synthetic rows that nobody knows, sorted
    understated: int  # rows whose own `depth` is less than their parents say

    @property
    def human(self) -> int:
        """Rows that people wrote."""
        return int((self.depths == 0).sum())

    @property
    def unknown(self) -> int:
        """Rows of which nothing says who wrote them."""
        return int((self.depths == UNKNOWN).sum())

    @property
    def synthetic(self) -> int:
        """Rows that models wrote."""
        return len(self.depths) - self.human - self.unknown

    @property
    def real(self) -> tuple[float, float]:
        """Least and greatest share of real rows: without and with those of unknown origin."""
        rows = max(len(self.depths), 1)
        return self.human / rows, (self.human + self.unknown) / rows

    def as_json(self) -> dict[str, object]:
        """As the details of a verdict tell it."""
        kinds, counts = np.unique(self.depths[self.depths >= 0], return_counts=True)
        return {
            "human": self.human,
            "synthetic": self.synthetic,
            "unknown_origin": self.unknown,
            "rows_by_depth": {str(depth): int(count) for depth, count in zip(kinds, counts, strict=True)},
            "unknown_parents": len(self.lost),
            "understated": self.understated,
            "teachers": dict(self.teachers),
        }


def generations(given: Given, human: Sequence[str] = ()) -> Generations:
    """Depths of the training rows, with `known-rows` as what their parents may be; `human` sources are people's."""
    rows = given.rows("training-rows")
    origins = rows.coded(origin_of)
    family: Family = rows.ask(Parents())
    wanted = frozenset(human)
    depths = np.array([_alone(each, wanted) for each in origins.values], dtype=np.int64)[origins.codes]
    above = dict(zip(family.children, family.parents, strict=True))
    tree = _Tree(wanted)
    for row in given.rows("known-rows") if given.has("known-rows") else ():
        tree.add(names_of(row), origin_of(row), row.side.parents)
    for place, name in rows.ask(Bearers.named(family.names)) if family.children else ():
        tree.add([name], origins.values[int(origins.codes[place])], above.get(place, ()))
    understated = 0
    for place, parents in above.items():
        origin = origins.values[int(origins.codes[place])]
        depths[place] = tree.depth(origin, parents)
        understated += origin[1] is not None and origin[1] < depths[place]
    counts = [(teacher_of(each), count) for each, count in zip(origins.values, origins.counts, strict=True)]
    teachers: dict[str, int] = {}
    for teacher, count in counts:
        if teacher:
            teachers[teacher] = teachers.get(teacher, 0) + count
    ordered = dict(sorted(teachers.items(), key=lambda one: (-one[1], one[0])))
    return Generations(depths, ordered, tuple(sorted(tree.lost)), understated)


def _alone(origin: Origin, human: frozenset[str]) -> int:
    """Depth of a row that names no parents."""
    generator, stated, source, _ = origin
    if teacher_of(origin):
        return max(stated or 0, 1)
    if generator:
        return 0
    if stated is not None:
        return max(stated, 0)
    return 0 if source in human else UNKNOWN


class _Tree:
    """Rows that may be named as parents, by each of their names."""

    def __init__(self, human: frozenset[str]) -> None:
        self._human = human
        self._rows: dict[str, tuple[Origin, tuple[str, ...]]] = {}
        self._depths: dict[str, int] = {}
        self.lost: set[str] = set()

    def add(self, names: Iterable[str], origin: Origin, parents: tuple[str, ...]) -> None:
        self._rows |= dict.fromkeys(names, (origin, parents))

    def depth(self, origin: Origin, parents: Iterable[str]) -> int:
        """Depth of a row with these parents."""
        known = []
        for name in parents:
            if name in self._rows:
                known.append(self._of(name))
            elif teacher_of(origin):
                self.lost.add(name)
        return self._below(origin, known)

    def _below(self, origin: Origin, known: Sequence[int]) -> int:
        alone, deepest = _alone(origin, self._human), max(known, default=UNKNOWN)
        if teacher_of(origin) and not origin[3]:
            return max(alone, 1 + max(deepest, 0))
        # A person who rewrites what a model wrote makes a human row; a copy is as deep as what it was made from.
        return alone if origin[0] and not teacher_of(origin) else max(alone, deepest)

    def _of(self, start: str) -> int:
        """Depth of a row by name, with a stack of its own: chains may be longer than Python's."""
        stack, entered = [start], set[str]()
        while stack:
            name = stack[-1]
            origin, parents = self._rows[name]
            entered.add(name)
            near = [parent for parent in parents if parent in self._rows]
            waiting = [parent for parent in near if parent not in self._depths and parent not in entered]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if name not in self._depths:  # a row that names itself above stands there without a depth
                if teacher_of(origin):
                    self.lost |= set(parents).difference(near)
                self._depths[name] = self._below(origin, [self._depths.get(parent, UNKNOWN) for parent in near])
        return self._depths[start]
