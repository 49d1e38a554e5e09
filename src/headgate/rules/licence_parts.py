"""Which terms bind which rows: their own, and those of the rows that they were made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.given import Claims
from headgate.rules.licence_mixtures import Part, part_of_source, part_of_teacher
from headgate.text.tape import Positions

Facts = tuple[str, str, str]  # source, licence and generator of a row; empty where it names none


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """What binds each of N rows: its own facts, and those of the rows that it was made from."""

    codes: Positions  # (N,): places in `values`
    values: tuple[tuple[Facts, ...], ...]


def facts_of(row: Row) -> Facts:
    """Source, licence and generator of a row."""
    return row.side.source or "", row.side.licence or "", row.side.generator or ""


def bound_by(rows: Sequence[Row], known: Iterable[Row] = ()) -> Bound:
    """What binds rows; their parents are looked for among them and among what else is known."""
    codes: dict[tuple[Facts, ...], int] = {}
    there: dict[str, Row] = {}
    if any(row.side.parents for row in rows):
        there = {row.id: row for row in (*known, *rows)}
    found = [codes.setdefault(tuple(_inherited(row, there)), len(codes)) for row in rows]
    return Bound(np.array(found, dtype=np.int64), tuple(codes))


def _inherited(row: Row, there: Mapping[str, Row]) -> dict[Facts, None]:
    """Facts of a row and of everything that it was made from, each once, its own first."""
    facts, seen, level = {facts_of(row): None}, set[str](), set(row.side.parents)
    while level:
        seen |= level
        above = [there[parent] for parent in sorted(level) if parent in there]
        facts |= dict.fromkeys(map(facts_of, above))
        level = {parent for one in above for parent in one.side.parents} - seen
    return facts


def parts_of(bound: Bound, claims: Claims, own: Mapping[str, str]) -> tuple[list[Part], list[list[int]]]:
    """The parts of a mixture, and for each value of `bound` which of them bind it."""
    keys: dict[tuple[str, ...], int] = {}
    places = []
    for value in bound.values:
        named = [key for source, licence, teacher in value for key in ((source, licence), (teacher,)) if key != ("",)]
        places.append([keys.setdefault(key, len(keys)) for key in dict.fromkeys(named)])
    rows = Counter[int]()
    for held, count in zip(places, np.bincount(bound.codes, minlength=len(places)).tolist(), strict=True):
        rows.update(dict.fromkeys(held, count))
    parts = [
        part_of_teacher(claims, key[0], rows[place])
        if len(key) == 1
        else part_of_source(claims, key[0], key[1], rows[place], own)
        for key, place in keys.items()
    ]
    return parts, places
