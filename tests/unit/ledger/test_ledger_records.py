"""Nodes, edges, rows, versions, claims and the log as their callers see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import digest, digest_json, short
from headgate.ledger.ledger import Edge, Ledger, Link, RowRecord


@pytest.fixture
def ledger(place: Any) -> Iterator[Ledger]:
    """An empty ledger, in each of the places where one can lie."""
    with place.open() as opened:
        yield opened


def record(text: str, source: str, subject: str | None = None, content: str | None = None) -> RowRecord:
    """A row named by its text."""
    return RowRecord(
        id=digest(text.encode()),
        content_id=digest((content or text).encode()),
        body=text.encode(),
        source_id=source,
        subject=subject,
    )


def test_a_node_is_its_kind_name_and_body(ledger: Ledger) -> None:
    """The address follows from the three alone, and recording it again adds nothing."""
    first = ledger.record("run", "support", {"seed": 1, "rate": 0.5})
    assert digest_json({"kind": "run", "name": "support", "body": {"rate": 0.5, "seed": 1}}) == first
    head = ledger.head()
    assert (first, head) == (ledger.record("run", "support", {"rate": 0.5, "seed": 1}), ledger.head())
    assert {"seed": 1, "rate": 0.5} == ledger.node(first).body
    assert first != ledger.record("run", "support", {"seed": 2, "rate": 0.5})


def test_unknown_kinds_and_labels_are_our_fault(ledger: Ledger) -> None:
    """Only the declared vocabulary goes into the graph."""
    with pytest.raises(Broken, match="unknown kind"):
        ledger.record("thing", "x", {})
    known = ledger.record("case", "x", {})
    with pytest.raises(Broken, match="unknown edge label"):
        ledger.record("case", "y", {}, edges=[Edge("likes", known)])
    assert ["x"] == [node.name for node in ledger.find("case")]


def test_nodes_are_found_by_address_beginning_and_name(ledger: Ledger) -> None:
    """A beginning that fits one node is enough; one that fits several is refused with the candidates."""
    ids = [ledger.record("case", f"case {i}", {}) for i in range(30)]
    assert ids[3] == ledger.node(ids[3]).id == ledger.node(short(ids[3])).id == ledger.node("case 3").id
    assert ids == [node.id for node in ledger.find("case")]
    assert [ids[4]] == [node.id for node in ledger.find("case", "case 4")]
    for wrong in ("case 99", "b3:" + "0" * 64, "b3:zz"):
        with pytest.raises(Refused):
            ledger.node(wrong)


def test_the_latest_of_a_name_is_the_one_recorded_last(ledger: Ledger) -> None:
    """Older ones of the same name stay findable."""
    old, new = (ledger.record("run", "support", {"seed": seed}) for seed in (1, 2))
    latest = ledger.latest("run", "support")
    assert latest is not None
    assert (new, [old, new]) == (latest.id, [node.id for node in ledger.find("run", "support")])
    assert ledger.latest("run", "other") is None


def test_edges_are_seen_from_both_ends(ledger: Ledger) -> None:
    """An edge that is there already is not added again."""
    base = ledger.record("base", "tiny", {})
    run = ledger.record("run", "support", {}, edges=[Edge("derived-from", base)])
    head = ledger.head()
    ledger.link(run, [Edge("derived-from", base)])
    assert head == ledger.head()
    assert [Link(run, "derived-from", base)] == ledger.edges_from(run) == ledger.edges_to(base, "derived-from")
    assert [] == ledger.edges_to(base, "trained-on")


def test_rows_get_dense_numbers_and_are_stored_once(ledger: Ledger) -> None:
    """Rows known by their address, also within one batch, get the number that they have."""
    source = ledger.record("source", "desk", {})
    first = ledger.rows.append([record("a", source), record("b", source), record("a", source)])
    assert (BitMap([1, 2]), 2, 1) == (first.numbers, first.new, first.known)
    second = ledger.rows.append([record("c", source), record("a", source)])
    assert (BitMap([1, 3]), 1, 1) == (second.numbers, second.new, second.known)
    expected = [(1, digest(b"a"), b"a"), (2, digest(b"b"), b"b"), (3, digest(b"c"), b"c")]
    assert expected == list(ledger.rows.bodies([3, 1, 2]))
    assert BitMap() == ledger.rows.append([]).numbers


def test_rows_are_found_by_subject_source_and_content(ledger: Ledger) -> None:
    """The same words from two people are two rows with one content address."""
    desk, forum = ledger.record("source", "desk", {}), ledger.record("source", "forum", {})
    ledger.rows.append([record("a", desk, "anna", "hello"), record("b", forum, "bob", "hello"), record("c", desk)])
    assert BitMap([1]) == ledger.rows.numbers_of_subject("anna")
    assert BitMap([1, 3]) == ledger.rows.numbers_of_source(desk)
    assert BitMap([1, 2]) == ledger.rows.numbers_of_content(digest(b"hello"))
    assert (2, None) == (ledger.rows.number_of(digest(b"b")), ledger.rows.number_of(digest(b"z")))
    assert {desk, forum} == ledger.rows.sources_of([1, 2])


def test_rows_need_a_recorded_source(ledger: Ledger) -> None:
    """A row from nowhere is not stored."""
    with pytest.raises(Broken, match="a source that is not in the ledger"):
        ledger.rows.append([record("a", digest(b"nowhere"))])
    assert BitMap() == ledger.rows.all_numbers()


def test_rows_are_read_in_pieces_of_any_size(ledger: Ledger) -> None:
    """More rows than one query asks for come back complete and in order."""
    source = ledger.record("source", "desk", {})
    ledger.rows.append([record(f"row {i}", source) for i in range(1_203)])
    assert [f"row {i}".encode() for i in range(1_203)] == [body for _, _, body in ledger.rows.bodies(range(1, 1_204))]


def test_versions_are_numbered_and_the_same_content_keeps_its_name(ledger: Ledger) -> None:
    """A version is what its rows, splits and manifest are, whenever it is frozen."""
    source = ledger.record("source", "desk", {})
    ledger.rows.append([record(f"row {i}", source) for i in range(10)])
    everything, train = BitMap(range(1, 11)), BitMap(range(1, 8))

    def freeze(numbers: BitMap, **settings: int) -> str:
        return ledger.versions.freeze("support", numbers=numbers, splits={"train": train}, manifest=settings)

    assert "support@1" == freeze(everything, seed=1)
    head = ledger.head()
    assert ("support@1", head) == (freeze(everything, seed=1), ledger.head())
    assert "support@2" == freeze(everything - BitMap([10]), seed=1)
    assert "support@3" == freeze(everything, seed=2)
    assert ["support@1", "support@2", "support@3"] == ledger.versions.names()
    found = ledger.versions.get("support@2")
    assert (everything - BitMap([10]), {"train": train}) == (found.numbers, found.splits)
    assert digest_json(found.manifest) == found.manifest_digest
    assert ("support@3", 10) == (ledger.versions.get("support").name, ledger.versions.get("support").manifest["rows"])
    assert ["support@1", "support@3"] == list(ledger.versions.holding([10]))
    assert found.node_id == ledger.node("support@2").id


def test_versions_that_cannot_be_are_refused(ledger: Ledger) -> None:
    """No rows, a name with a number, splits outside, rows that do not exist, an unknown name."""
    source = ledger.record("source", "desk", {})
    ledger.rows.append([record("a", source)])
    with pytest.raises(Refused, match="no rows"):
        ledger.versions.freeze("support", numbers=BitMap(), splits={}, manifest={})
    with pytest.raises(Refused, match="not a name"):
        ledger.versions.freeze("support@1", numbers=BitMap([1]), splits={}, manifest={})
    with pytest.raises(Broken, match="has rows that the version lacks"):
        ledger.versions.freeze("support", numbers=BitMap([1]), splits={"train": BitMap([2])}, manifest={})
    with pytest.raises(Broken, match="not in the ledger"):
        ledger.versions.freeze("support", numbers=BitMap([1, 7]), splits={}, manifest={})
    for name in ("support", "support@1", "support@x"):
        with pytest.raises(Refused):
            ledger.versions.get(name)


def test_a_claim_ends_when_it_says(ledger: Ledger) -> None:
    """The end is the first moment at which it no longer holds; dates without a zone are UTC."""
    ledger.claims.assert_(
        "source:desk", "licence", "MIT", source="file", observed_at=date(2026, 1, 1), valid_to="2026-06-01"
    )
    before = ledger.claims.at("source:desk", "licence", "2026-05-31T23:59:59")
    assert before is not None
    assert ("MIT", "2026-06-01T00:00:00.000000Z") == (before.value, before.valid_to)
    assert ledger.claims.at("source:desk", "licence", "2026-06-01") is None
    assert {} == ledger.claims.current("licence", "2026-06-01")
    assert ["source:desk"] == list(ledger.claims.current("licence", datetime(2026, 5, 1, tzinfo=UTC)))


def test_a_correction_takes_back_what_it_corrects(ledger: Ledger) -> None:
    """A claim that held too long is replaced, not only overlaid, so that nothing holds after the new end."""
    wrong = ledger.claims.assert_("source:desk", "licence", "MIT", source="file", observed_at="2026-01-01")
    ledger.claims.assert_(
        "source:desk", "licence", "MIT", source="lawyer", observed_at="2026-02-01", valid_to="2026-03-01",
        supersedes=wrong,
    )  # fmt: skip
    assert ledger.claims.at("source:desk", "licence", "2026-04-01") is None
    assert ["file", "lawyer"] == [claim.source for claim in ledger.claims.history("source:desk", "licence")]
    with pytest.raises(Refused, match="only one on the same matter"):
        ledger.claims.assert_("source:desk", "owner", "us", source="x", observed_at="2026-01-01", supersedes=wrong)


def test_claims_that_cannot_be_are_refused(ledger: Ledger) -> None:
    """Unknown matters, times that are none, ends before beginnings."""
    with pytest.raises(Refused, match="unknown kind of claim"):
        ledger.claims.assert_("source:desk", "mood", "good", source="x", observed_at="2026-01-01")
    with pytest.raises(Refused, match="not a date"):
        ledger.claims.assert_("source:desk", "price", 1, source="x", observed_at="soon")
    with pytest.raises(Refused, match="ends before it begins"):
        ledger.claims.assert_(
            "source:desk", "price", 1, source="x", observed_at="2026-01-01", valid_from="2026-02-01",
            valid_to="2026-02-01",
        )  # fmt: skip
    assert [] == ledger.claims.history("source:desk")


def test_the_log_tells_what_was_added_in_order(ledger: Ledger) -> None:
    """Entries are numbered from one; the newest can be asked for, and those of one kind."""
    before = ledger.head().seq  # a ledger with its content elsewhere says so first
    source = ledger.record("source", "desk", {})
    ledger.rows.append([record("a", source)])
    ledger.record("run", "support", {}, edges=[Edge("derived-from", source)])
    ledger.content.put(b"bytes")
    actions = ["node", "rows", "node", "edges", "content"]
    told = ledger.log(since=before)
    assert list(enumerate(actions, start=before + 1)) == [(entry.seq, entry.action) for entry in told]
    assert [before + 4, before + 5] == [entry.seq for entry in ledger.log(newest=True, limit=2)]
    assert [before + 2, before + 3] == [entry.seq for entry in ledger.log(since=before + 1, limit=2)]
    assert ["support"] == [entry.payload["name"] for entry in ledger.log(kind="run")]
