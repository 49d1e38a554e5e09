"""Impact and closure over nodes, rows and dataset versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from sqlalchemy import event

from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import digest
from headgate.ledger import versions as versions_module
from headgate.ledger.ledger import Edge, Ledger, RowRecord


@dataclass
class World:
    """Two sources, four rows, a version of the made row alone, and what was built on it."""

    ledger: Ledger
    desk: str
    synthetic: str
    version: str
    run: str
    adapter: str
    release: str
    rows: list[str]


@pytest.fixture
def world(place: Any) -> Iterator[World]:
    """A ledger from source to release; only a row made from another source's row was trained on."""
    with place.open() as ledger, ledger.transaction():
        desk = ledger.record("source", "desk", {})
        synthetic = ledger.record("source", "synthetic", {})
        ids = [digest(b"row %d" % i) for i in range(4)]
        base = [
            RowRecord(id=one, content_id=one, body=one.encode(), source_id=desk, subject=f"person-{i}")
            for i, one in enumerate(ids[:3])
        ]
        made = RowRecord(
            id=ids[3], content_id=ids[3], body=b"made", source_id=synthetic, parents=(ids[0], digest(b"elsewhere"))
        )
        ledger.rows.append([*base, made])
        ledger.versions.freeze("support", numbers=BitMap([4]), splits={}, manifest={})
        version = ledger.versions.get("support").node_id
        run = ledger.record("run", "run", {}, edges=[Edge("trained-on", version)])
        adapter = ledger.record("adapter", "adapter", {}, edges=[Edge("derived-from", run)])
        old = ledger.record("release", "old", {}, edges=[Edge("derived-from", adapter)])
        ledger.record("release", "new", {}, edges=[Edge("supersedes", old)])
        yield World(ledger, desk, synthetic, version, run, adapter, old, ids)


def test_impact_reaches_what_was_trained_on_a_row_made_from_a_persons_row(world: World) -> None:
    """The person's own row is in no version; the row made from it is."""
    found = world.ledger.impact_of_subject("person-0")
    assert ["support@1", "run", "adapter", "old"] == [node.name for node in found.nodes]
    assert BitMap([1, 4]) == found.rows


def test_impact_of_a_source_goes_through_rows_of_other_sources(world: World) -> None:
    """Withdrawing a source reaches synthetic rows that were made from it."""
    found = world.ledger.impact(world.desk)
    assert ["support@1", "run", "adapter", "old"] == [node.name for node in found.nodes]
    assert BitMap([1, 2, 3, 4]) == found.rows


def test_impact_of_an_unused_row_is_nothing(world: World) -> None:
    """A row in no version and without children has nothing downstream."""
    found = world.ledger.impact(world.rows[1])
    assert ((), BitMap()) == (found.nodes, found.rows)


def test_closure_of_a_release_goes_down_to_every_source(world: World) -> None:
    """Rows, the rows that they were made from, and the sources of both."""
    found = world.ledger.closure(world.release)
    assert {"desk", "synthetic", "support@1", "run", "adapter"} == {node.name for node in found.nodes}
    assert BitMap([1, 4]) == found.rows


def test_closure_of_a_row_is_its_parents_and_sources(world: World) -> None:
    """A parent that was never captured is left out."""
    found = world.ledger.closure(world.rows[3])
    assert ({"desk", "synthetic"}, BitMap([1])) == ({node.name for node in found.nodes}, found.rows)


def test_a_release_does_not_need_the_one_that_it_supersedes(world: World) -> None:
    """Supersedes is an order, so neither walk follows it."""
    new = world.ledger.latest("release", "new")
    assert new is not None
    assert () == world.ledger.closure(new.id).nodes
    assert () == world.ledger.impact(world.release).nodes


def test_a_suite_needs_its_items_and_not_the_other_way_round(tmp_path: Path) -> None:
    """A wrong item is a reason to look at every score of its suite."""
    with Ledger.open(tmp_path, create=True) as ledger:
        suite = ledger.record("suite", "topics", {})
        item = ledger.record("item", "topics/1", {}, edges=[Edge("member-of", suite)])
        score = ledger.record("score", "candidate", {}, edges=[Edge("derived-from", suite)])
        assert [suite, score] == [node.id for node in ledger.impact(item).nodes]
        assert [item] == [node.id for node in ledger.closure(suite).nodes]
        assert () == ledger.closure(item).nodes


def test_a_walk_passes_from_nodes_to_rows_along_edges(tmp_path: Path) -> None:
    """A row linked to the trace that it came from is downstream of it."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "traffic", {})
        trace = ledger.record("trace", "call 1", {})
        row = RowRecord(id=digest(b"r"), content_id=digest(b"c"), body=b"r", source_id=source)
        ledger.rows.append([row])
        ledger.link(row.id, [Edge("derived-from", trace)])
        ledger.versions.freeze("support", numbers=BitMap([1]), splits={}, manifest={})
        found = ledger.impact(trace)
        assert (["support@1"], BitMap([1])) == ([node.name for node in found.nodes], found.rows)
        assert {"call 1", "traffic"} == {node.name for node in ledger.closure("support@1").nodes}


def test_a_circle_ends(tmp_path: Path) -> None:
    """A walk over a circle of edges visits each node once."""
    with Ledger.open(tmp_path, create=True) as ledger:
        first = ledger.record("case", "first", {})
        second = ledger.record("case", "second", {}, edges=[Edge("derived-from", first)])
        ledger.link(first, [Edge("derived-from", second)])
        assert [second] == [node.id for node in ledger.impact(first).nodes]
        assert [second] == [node.id for node in ledger.closure(first).nodes]


def test_an_unknown_start_is_refused(world: World) -> None:
    """The answer to a misspelt address is no empty list."""
    with pytest.raises(Refused):
        world.ledger.impact(digest(b"never recorded"))


def test_an_edge_to_nothing_is_our_fault(world: World) -> None:
    """Both ends of an edge must be there, however many edges come at once."""
    targets = [Edge("derived-from", digest(b"%d" % i)) for i in range(40_000)]
    with pytest.raises(Broken, match="not in the ledger"):
        world.ledger.record("score", "many", {}, edges=targets)


@pytest.fixture
def places(place: Any) -> Any:
    """A place whose ledger holds rows 1 to 4 and a version of 1 and 4; row 4 was made from row 1."""
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        rows = [record(f"row {i}", source) for i in range(3)]
        ledger.rows.append([*rows, record("made", source, rows[0].id)])
        freeze(ledger, "first", 1, 4)
    return place


def record(words: str, source: str, *parents: str) -> RowRecord:
    """A row that says something."""
    address = digest(words.encode())
    return RowRecord(id=address, content_id=address, body=words.encode(), source_id=source, parents=parents)


def freeze(ledger: Ledger, name: str, *numbers: int) -> str:
    """The id of a version of some rows."""
    frozen = ledger.versions.freeze(name, numbers=BitMap(numbers), splits={}, manifest={})
    return ledger.versions.get(frozen).node_id


@contextmanager
def bitmaps_read(ledger: Ledger) -> Iterator[list[str]]:
    """What is said to the database to read the rows of versions."""
    said: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "versions.numbers" in statement.partition("FROM")[0]:
            said.append(statement)

    event.listen(ledger.database.engine, "before_cursor_execute", listen)
    yield said
    event.remove(ledger.database.engine, "before_cursor_execute", listen)


@pytest.mark.parametrize(("kept_bytes", "reads"), [(1 << 20, 1), (0, 4)])
def test_versions_that_were_read_before_are_counted_as_the_first_time(
    places: Any, monkeypatch: pytest.MonkeyPatch, kept_bytes: int, reads: int
) -> None:
    """Their rows are kept in memory up to a limit; beyond it they are read again, with the same answer."""
    monkeypatch.setattr(versions_module, "KEPT_BYTES", kept_bytes)
    with places.open() as ledger:
        versions = ledger.versions
        first, other = versions.get("first").node_id, freeze(ledger, "other", 1, 2)
        asked = [BitMap([1, 4]), BitMap([4]), BitMap([3]), BitMap([1, 4])]
        wanted = [{first: 2, other: 1}, {first: 1}, {}, {first: 2, other: 1}]
        with bitmaps_read(ledger) as said:
            assert wanted == [versions.nodes_holding(numbers) for numbers in asked]
        assert reads == len(said)
        late = freeze(ledger, "late", 1, 2, 4)
        assert {first: 2, other: 1, late: 2} == versions.nodes_holding(BitMap([1, 4]))


def test_no_version_is_left_out_whatever_the_order_of_names(places: Any) -> None:
    """A database may tell versions by name, and not in order of freezing."""
    with places.open() as ledger:
        frozen = [ledger.versions.get("first").node_id, *(freeze(ledger, name, 1, 2) for name in ("other", "late"))]
    with places.open() as ledger:
        assert frozen == [node.id for node in ledger.impact_of_rows(BitMap([1])).nodes]


def test_what_was_kept_goes_when_the_ledger_is_closed(places: Any) -> None:
    """A closed ledger that something still points to holds no bitmaps."""
    ledger = places.open()
    with bitmaps_read(ledger) as said:
        for _ in range(2):
            ledger.impact_of_rows(BitMap([1]))
        assert 1 == len(said)
        ledger.close()
        ledger.impact_of_rows(BitMap([1]))
        assert 2 == len(said)
    ledger.close()


def test_an_answer_knows_what_another_process_wrote_since_the_last_one(places: Any) -> None:
    """Rows, versions and edges that came between two answers are in the second."""
    with places.open() as asking, places.open() as writing:
        before = asking.impact_of_rows(BitMap([1]))
        assert (["first@1"], BitMap([1, 4])) == ([node.name for node in before.nodes], before.rows)
        source = writing.find("source")[0].id
        writing.rows.append([record("later", source, digest(b"made"))])
        version = freeze(writing, "second", 5)
        run = writing.record("run", "run", {}, edges=[Edge("trained-on", version)])
        writing.record("adapter", "adapter", {}, edges=[Edge("derived-from", run)])
        after = asking.impact_of_rows(BitMap([1]))
        assert (["first@1", "second@1", "run", "adapter"], BitMap([1, 4, 5])) == (
            [node.name for node in after.nodes],
            after.rows,
        )
        assert {before.nodes[0].id: 2, version: 1} == after.held


def test_what_a_transaction_undid_is_in_no_later_answer(places: Any) -> None:
    """A version that was read and then undone, frozen again of the same rows, which have other numbers by then."""
    with places.open() as ledger:
        source = ledger.find("source")[0].id
        mine, theirs = record("mine", source), record("theirs", source)
        with pytest.raises(RuntimeError, match="undone"), ledger.transaction():
            ledger.rows.append([mine])
            version = freeze(ledger, "again", 5)
            assert {version: 1} == ledger.impact_of_rows(BitMap([5])).held
            raise RuntimeError("undone")
        ledger.rows.append([theirs, mine])
        assert version == freeze(ledger, "again", 6)
        assert [{}, {version: 1}] == [ledger.impact_of_rows(BitMap([number])).held for number in (5, 6)]


def test_a_version_without_its_rows_is_no_empty_version(tmp_path: Path) -> None:
    """A model would seem to need no row."""
    with Ledger.open(tmp_path, create=True) as ledger:
        version = ledger.record("dataset-version", "lost@1", {})
        run = ledger.record("run", "run", {}, edges=[Edge("trained-on", version)])
        with pytest.raises(Refused, match="rows of a dataset version"):
            ledger.closure(run)


@pytest.mark.parametrize("downstream", [True, False])
@pytest.mark.parametrize("of_rows", [True, False])
def test_a_step_of_a_walk_reads_no_table_from_end_to_end(tmp_path: Path, downstream: bool, of_rows: bool) -> None:
    """Every table of a step is searched by its index, from the few nodes or rows where the walk is."""
    plans = list[str]()
    with Ledger.open(tmp_path, create=True) as ledger, ledger.snapshot() as connection:

        def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            found = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.extend(str(row[3]) for row in found)

        event.listen(connection, "before_cursor_execute", explain)
        ledger.nodes.beside([] if of_rows else [3, 5], [2, 7] if of_rows else [], downstream=downstream)
    assert 2 == sum(plan.startswith("SEARCH edges") for plan in plans)
    assert [] == [plan for plan in plans if plan.startswith("SCAN") and "json_each" not in plan]
