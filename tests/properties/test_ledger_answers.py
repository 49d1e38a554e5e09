"""Answers of the ledger against brute force."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
SOME = settings(max_examples=25, deadline=None, derandomize=True)


@contextmanager
def ledger_at(clock: list[datetime]) -> Iterator[Ledger]:
    """A fresh ledger whose present moment is the last one of a list."""
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder, create=True, clock=lambda: clock[-1]) as ledger:
        yield ledger


@dataclass(frozen=True)
class Told:
    """A claim as the model keeps it: days since the start."""

    value: int
    observed: int
    recorded: int
    begins: int | None
    ends: int | None
    corrects: int | None  # index of an earlier claim


@st.composite
def tellings(draw: st.DrawFn) -> list[Told]:
    """Claims in order of recording; ends after beginnings, corrections of earlier ones."""
    told: list[Told] = []
    recorded = 0
    for value in range(draw(st.integers(1, 7))):
        recorded += draw(st.integers(0, 2))
        begins = draw(st.none() | st.integers(0, 8))
        ends = draw(st.none() | st.integers(1 if begins is None else begins + 1, 10))
        corrects = draw(st.none() | st.integers(0, value - 1)) if value else None
        told.append(Told(value, draw(st.integers(0, 6)), recorded, begins, ends, corrects))
    return told


def answer(told: list[Told], when: int, known: int) -> int | None:
    """By trying every claim: known by then, holding then, corrected by nothing known; the last to be observed."""
    best: tuple[int, int, int] | None = None
    for index, one in enumerate(told):
        if one.recorded > known or any(other.corrects == index and other.recorded <= known for other in told):
            continue
        if (one.begins is not None and when < one.begins) or (one.ends is not None and when >= one.ends):
            continue
        rank = (one.observed, -1 if one.begins is None else one.begins, index)
        best = rank if best is None else max(best, rank)
    return None if best is None else told[best[2]].value


@SOME
@given(tellings())
def test_claims_answer_as_known_at_any_time(told: list[Told]) -> None:
    """For every moment asked about and every moment of knowing, the ledger agrees with trying every claim."""
    clock = [START]
    with ledger_at(clock) as ledger, ledger.transaction():
        ids: list[str] = []
        for one in told:
            clock.append(START + one.recorded * DAY)
            claim = ledger.claims.assert_(
                "subject:anna",
                "price",
                one.value,
                source="desk",
                observed_at=START + one.observed * DAY,
                valid_from=None if one.begins is None else START + one.begins * DAY,
                valid_to=None if one.ends is None else START + one.ends * DAY,
                supersedes=None if one.corrects is None else ids[one.corrects],
            )
            ids.append(claim)
        for when, known in itertools.product(range(11), range(0, 15, 2)):
            found = ledger.claims.at("subject:anna", "price", START + when * DAY, START + known * DAY)
            assert answer(told, when, known) == (None if found is None else found.value)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, str, int]]]:
    """Nodes and labelled edges between any two of them, circles included."""
    count = draw(st.integers(1, 8))
    ends = st.integers(0, count - 1)
    label = st.sampled_from(["derived-from", "trained-on", "member-of", "supersedes"])
    return count, draw(st.lists(st.tuples(ends, label, ends), max_size=16))


def needs(edges: list[tuple[int, str, int]]) -> set[tuple[int, int]]:
    """Pairs (what needs, what is needed) that edges stand for."""
    pairs = {(a, b) for a, label, b in edges if label in ("derived-from", "trained-on")}
    return pairs | {(b, a) for a, label, b in edges if label == "member-of"}


def reached(pairs: set[tuple[int, int]], start: int, count: int) -> set[int]:
    """Transitive closure by repeated squaring of the relation; the start itself left out."""
    relation = set(pairs)
    for _ in range(count):
        relation |= {(a, d) for a, b in relation for c, d in relation if b == c}
    return {b for a, b in relation if a == start} - {start}


@SOME
@given(graphs())
def test_walks_agree_with_the_transitive_closure(graph: tuple[int, list[tuple[int, str, int]]]) -> None:
    """Closure is everything needed, impact everything that needs, for every node of any graph."""
    count, edges = graph
    with ledger_at([START]) as ledger, ledger.transaction():
        ids = [ledger.record("case", f"case {i}", {}) for i in range(count)]
        for a, label, b in edges:
            ledger.link(ids[a], [Edge(label, ids[b])])
        pairs = needs(edges)
        turned = {(b, a) for a, b in pairs}
        for start in range(count):
            needed = {node.id for node in ledger.closure(ids[start]).nodes}
            needing = {node.id for node in ledger.impact(ids[start]).nodes}
            assert {ids[i] for i in reached(pairs, start, count)} == needed
            assert {ids[i] for i in reached(turned, start, count)} == needing


@SOME
@given(
    st.lists(st.sets(st.integers(0, 11), min_size=1), min_size=1, max_size=5), st.lists(st.integers(0, 3), max_size=12)
)
def test_the_impact_of_a_row_is_every_version_with_a_descendant(versions: list[set[int]], made: list[int]) -> None:
    """Rows form chains by their parents; a version is touched when it holds the row or any row made from it."""
    with ledger_at([START]) as ledger, ledger.transaction():
        source = ledger.record("source", "desk", {})
        ids = [digest(b"%d" % i) for i in range(12)]
        parent = {i: i - 1 - back for i, back in enumerate(made) if i - 1 - back >= 0}
        records = [
            RowRecord(
                id=one,
                content_id=one,
                body=b"%d" % i,
                source_id=source,
                parents=(ids[parent[i]],) if i in parent else (),
            )
            for i, one in enumerate(ids)
        ]
        ledger.rows.append(records)
        names = [
            ledger.versions.freeze(f"set-{k}", numbers=BitMap(i + 1 for i in members), splits={}, manifest={})
            for k, members in enumerate(versions)
        ]
        for row in range(12):
            family = {row}
            for i in range(12):
                if parent.get(i) in family:
                    family.add(i)
            found = ledger.impact(ids[row])
            assert BitMap(i + 1 for i in family - {row}) == found.rows
            touched = [name for name, members in zip(names, versions, strict=True) if members & family]
            assert touched == [node.name for node in found.nodes]


LINKS = st.sampled_from(["derived-from", "trained-on", "judged-by", "member-of", "supersedes"])
ROWS, RUNS, SOURCES, SETS = 6, 4, 2, 3


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[set[int]], list[int], list[set[int]], list[tuple[int, str, int]]]:
    """Parents and source of each row, rows of each version, and edges between any rows and nodes."""
    parents = [draw(st.sets(st.integers(0, row - 1), max_size=2)) if row else set() for row in range(ROWS)]
    sources = draw(st.lists(st.integers(0, SOURCES - 1), min_size=ROWS, max_size=ROWS))
    sets = draw(st.lists(st.sets(st.integers(0, ROWS - 1), min_size=1), min_size=SETS, max_size=SETS))
    thing = st.integers(0, ROWS + SOURCES + SETS + RUNS - 1)
    return parents, sources, sets, draw(st.lists(st.tuples(thing, LINKS, thing), max_size=8))


def walked(pairs: set[tuple[int, int]], start: int) -> set[int]:
    """What is reached from a thing, pair by pair; the thing itself left out."""
    seen, front = set[int](), {start}
    while front:
        front = {b for a, b in pairs if a in front} - seen
        seen |= front
    return seen - {start}


@SOME
@given(worlds())
def test_walks_over_rows_and_nodes_agree_with_the_transitive_closure(
    world: tuple[list[set[int]], list[int], list[set[int]], list[tuple[int, str, int]]],
) -> None:
    """Things are numbered: rows, sources, versions, runs. Needs of all kinds are pairs of one relation."""
    parents, sources, sets, edges = world
    pairs = {(row, parent) for row, above in enumerate(parents) for parent in above}
    pairs |= {(row, ROWS + source) for row, source in enumerate(sources)}
    pairs |= {(ROWS + SOURCES + place, row) for place, rows in enumerate(sets) for row in rows}
    pairs |= {(a, b) for a, label, b in edges if label not in ("member-of", "supersedes")}
    pairs |= {(b, a) for a, label, b in edges if label == "member-of"}
    with ledger_at([START]) as ledger, ledger.transaction():
        ids = [digest(b"%d" % row) for row in range(ROWS)]
        desks = [ledger.record("source", f"desk {place}", {}) for place in range(SOURCES)]
        made = [tuple(ids[parent] for parent in sorted(above)) for above in parents]
        ledger.rows.append(
            [
                RowRecord(id=one, content_id=one, body=b"%d" % row, source_id=desks[source], parents=above)
                for row, (one, source, above) in enumerate(zip(ids, sources, made, strict=True))
            ]
        )
        for place, rows in enumerate(sets):
            ledger.versions.freeze(f"set-{place}", numbers=BitMap(row + 1 for row in rows), splits={}, manifest={})
        versions = [ledger.versions.get(f"set-{place}").node_id for place in range(SETS)]
        runs = [ledger.record("run", f"run {place}", {}) for place in range(RUNS)]
        things = [*ids, *desks, *versions, *runs]
        for a, label, b in edges:
            ledger.link(things[a], [Edge(label, things[b])])
        for start, address in enumerate(things):
            needed, needing = ledger.closure(address), ledger.impact(address)
            for found, relation in ((needed, pairs), (needing, {(b, a) for a, b in pairs})):
                wanted = walked(relation, start)
                assert {row + 1 for row in wanted if row < ROWS} == set(found.rows)
                assert {things[one] for one in wanted if one >= ROWS} == {node.id for node in found.nodes}
            family = set(needing.rows) | ({start + 1} if start < ROWS else set())
            holds = {
                version: len({row + 1 for row in rows} & family) for version, rows in zip(versions, sets, strict=True)
            }
            assert {one: count for one, count in holds.items() if count} == dict(needing.held)
