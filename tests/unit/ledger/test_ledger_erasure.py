"""Erasure: no byte of what was erased is left in any file, and everything around it still holds."""

from __future__ import annotations

import random
import sqlite3
import string
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.ledger.sqlite import Busy
from headgate.stats.verdict import Outcome

NOISE = random.Random(3)


def words(count: int) -> bytes:
    """Text of random letters: what zstd stores of it is as good as unique."""
    return "".join(NOISE.choices(string.ascii_letters, k=count)).encode()


def traces(folder: Path, *texts: bytes) -> int:
    """How many of the texts, plain or as stored, stand anywhere in any file of a ledger."""
    forms = [form for text in texts for form in (text[:24], zstandard.ZstdCompressor(level=3).compress(text)[12:36])]
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    return sum(form in file for form in forms for file in files)


def test_erased_rows_leave_no_byte_in_the_files(tmp_path: Path) -> None:
    """Small and large bodies, before in the files, afterwards in none; the other rows stay as they were."""
    bodies = {i: words(60 if i % 2 else 9_000) for i in range(1, 41)}
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        records = [
            RowRecord(
                id=digest(b"%d" % i), content_id=digest(body), body=body, source_id=source,
                subject="anna" if i <= 10 else None,
            )
            for i, body in bodies.items()
        ]  # fmt: skip
        ledger.rows.append(records)
        theirs = [bodies[i] for i in range(1, 11)]
        assert traces(tmp_path, *theirs) >= 10
        assert 10 == ledger.rows.erase(ledger.rows.numbers_of_subject("anna"))
        assert 0 == traces(tmp_path, *theirs)
        assert {i: body for i, body in bodies.items() if i > 10} == {n: b for n, _, b in ledger.rows.bodies(bodies)}
        assert BitMap(range(1, 11)) == ledger.rows.numbers_of_subject("anna")
        assert Outcome.PASS == ledger.verify().outcome
    assert 0 == traces(tmp_path, *theirs)


def test_erasing_again_does_nothing(tmp_path: Path) -> None:
    """The second erasure of a row finds nothing and adds no entry."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([RowRecord(id=digest(b"r"), content_id=digest(b"c"), body=b"words", source_id=source)])
        assert 1 == ledger.rows.erase([1])
        head = ledger.head()
        assert (0, head) == (ledger.rows.erase([1]), ledger.head())


def test_an_erased_row_does_not_come_back(tmp_path: Path) -> None:
    """Capturing the same file again knows the row by its address and stores nothing of it."""
    body = words(200)
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        record = RowRecord(id=digest(b"r"), content_id=digest(b"c"), body=body, source_id=source)
        ledger.rows.append([record])
        ledger.rows.erase([1])
        again = ledger.rows.append([record])
        assert (BitMap([1]), 0, 1) == (again.numbers, again.new, again.known)
        assert [] == list(ledger.rows.bodies([1]))
    assert 0 == traces(tmp_path, body)


def test_erased_content_leaves_its_address_and_nothing_else(tmp_path: Path) -> None:
    """Getting it says that it was erased; putting it back is refused."""
    data = words(5_000)
    with Ledger.open(tmp_path, create=True) as ledger:
        address = ledger.content.put(data)
        assert data == ledger.content.get(address)
        assert traces(tmp_path, data) >= 1
        assert ledger.content.erase(address)
        assert 0 == traces(tmp_path, data)
        with pytest.raises(Refused, match="was erased"):
            ledger.content.get(address)
        with pytest.raises(Refused, match="was erased"):
            ledger.content.put(data)
        assert not ledger.content.erase(address)
        assert "content-erased" == ledger.log()[-1].action
        assert Outcome.PASS == ledger.verify().outcome


def test_what_a_node_says_can_be_erased(tmp_path: Path) -> None:
    """A verdict that quotes somebody's words loses them and keeps its place in the graph."""
    quoted = words(120)
    with Ledger.open(tmp_path, create=True) as ledger:
        step = ledger.record("step", "check", {})
        body = {"quotes": quoted.decode()}
        verdict = ledger.record("verdict", "self-leak", body, edges=[Edge("member-of", step)])
        assert ledger.nodes.erase(verdict)
        assert 0 == traces(tmp_path, quoted)
        node = ledger.node(verdict)
        assert (True, {}, verdict) == (node.erased, node.body, node.id)
        assert [verdict] == [edge.source_id for edge in ledger.edges_to(step)]
        assert not ledger.nodes.erase(verdict)
        assert verdict == ledger.record("verdict", "self-leak", body)
        assert ledger.node(verdict).erased
        assert Outcome.PASS == ledger.verify().outcome


def test_the_manifest_of_a_version_is_not_erased(tmp_path: Path) -> None:
    """It holds no text, and without it the version could not be checked."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([RowRecord(id=digest(b"r"), content_id=digest(b"c"), body=b"words", source_id=source)])
        ledger.versions.freeze("support", numbers=BitMap([1]), splits={}, manifest={})
        with pytest.raises(Refused, match="never erased"):
            ledger.nodes.erase("support@1")


def test_an_erasure_says_when_a_reader_still_holds_the_bytes(tmp_path: Path) -> None:
    """The rows are gone for everyone else; the user is told that the files are not clean yet, then they are."""
    body = words(300)
    with Ledger.open(tmp_path, create=True, wait_s=0.05) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([RowRecord(id=digest(b"r"), content_id=digest(b"c"), body=body, source_id=source)])
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM rows").fetchone()
            with pytest.raises(Busy, match="a reader still holds the old bytes"):
                ledger.rows.erase([1])
            assert traces(tmp_path, body) >= 1
            assert [] == list(ledger.rows.bodies([1]))
        assert 0 == ledger.rows.erase([1])
        assert 0 == traces(tmp_path, body)
