"""Impact and closure over nodes, rows and dataset versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap

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


@pytest.mark.parametrize("kept_bytes", [1 << 20, 0])
def test_versions_that_were_read_before_are_counted_as_the_first_time(
    world: World, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    """Their rows are kept in memory up to a limit; beyond it they are read again, with the same answer."""
    monkeypatch.setattr(versions_module, "KEPT_BYTES", kept_bytes)
    versions = world.ledger.versions
    versions.freeze("other", numbers=BitMap([1, 2]), splits={}, manifest={})
    first, other = world.version, versions.get("other").node_id
    asked = [BitMap([1, 4]), BitMap([4]), BitMap([3]), BitMap([1, 4])]
    wanted = [{first: 1, other: 1}, {first: 1}, {}, {first: 1, other: 1}]
    assert wanted == [versions.nodes_holding(numbers) for numbers in asked]
    versions.freeze("late", numbers=BitMap([1, 2, 4]), splits={}, manifest={})
    assert {first: 1, other: 1, versions.get("late").node_id: 2} == versions.nodes_holding(BitMap([1, 4]))
