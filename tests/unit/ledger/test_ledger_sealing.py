"""The key of a ledger: what stays after an erasure gives nobody anything to try texts against."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.ledger import migrations, sqlite
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.ledger.sealing import VARIABLE
from headgate.stats.verdict import Outcome

TEXT = b"no"


def record_of(text: bytes, source: str, *parents: str) -> RowRecord:
    """A row that says one text."""
    return RowRecord(
        id=digest(b"row " + text), content_id=digest(text), body=text, source_id=source, subject="ann", parents=parents
    )


def every_byte(folder: Path) -> bytes:
    """All that the files of the ledger hold but the key."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("ledger.sqlite*")))


def guesses(text: bytes) -> list[bytes]:
    """What somebody would look for who tries a text: plain addresses, raw and written out."""
    addresses = [digest(b"row " + text), digest(text)]
    return [form for one in addresses for form in (bytes.fromhex(one[3:]), one.encode())]


def test_what_stays_of_an_erased_row_cannot_be_guessed(tmp_path: Path) -> None:
    """Of a live row the plain address stands beside its words; of an erased one no plain address of anything stands."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        first = record_of(TEXT, source)
        ledger.rows.append([first, record_of(b"yes", source, first.id)])
        content = ledger.content.put(TEXT)
        verdict = ledger.record("verdict", "check", {"said": TEXT.decode()})
        assert guesses(TEXT)[0] in every_byte(tmp_path)
        ledger.rows.erase([1])
        ledger.content.erase(content)
        ledger.nodes.erase(verdict)
        assert Outcome.PASS == ledger.verify().outcome
    data = every_byte(tmp_path)
    assert [] == [guess for guess in guesses(TEXT) if guess in data]
    assert bytes.fromhex(digest(b"row yes")[3:]) in data


def test_rows_are_found_by_either_address(tmp_path: Path) -> None:
    """By the one that a file's rows have and by the one that the ledger keeps; edges and parents too."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        first, second = record_of(TEXT, source), record_of(b"yes", source, record_of(TEXT, source).id)
        ledger.rows.append([first, second])
        (kept,) = (address for _, address in ledger.rows.kept([1]))
        assert kept != first.id
        assert [(1, first.id), (2, second.id)] == list(ledger.rows.ids([1, 2]))
        assert [1, 1] == [ledger.rows.number_of(one) for one in (first.id, kept)]
        assert BitMap([2]) == ledger.rows.children_of([1])
        assert BitMap([1]) == ledger.rows.numbers_of_content(first.content_id) == ledger.rows.parents_of([2])
        run = ledger.record("run", "first", {}, edges=[Edge("derived-from", first.id)])
        assert [(run, kept)] == [(link.source_id, link.target_id) for link in ledger.edges_from(run)]
        assert ledger.edges_to(first.id) == ledger.edges_to(kept) == ledger.edges_from(run)
        assert {run} == {node.id for node in ledger.impact(first.id).nodes}


def test_an_erased_row_that_comes_again_is_known(tmp_path: Path) -> None:
    """It is not stored again, though nobody without the key can tell what it said."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([record_of(TEXT, source)])
        ledger.rows.erase([1])
        again = ledger.rows.append([record_of(TEXT, source)])
        assert (0, 1, BitMap([1])) == (again.new, again.known, again.numbers)
        assert [] == list(ledger.rows.bodies([1]))
        assert list(ledger.rows.kept([1])) == list(ledger.rows.ids([1]))


def test_two_ledgers_say_the_same_text_differently(tmp_path: Path) -> None:
    """Addresses of one ledger tell nothing about another; what is never erased is plain in both."""
    said = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with Ledger.open(tmp_path / name, create=True) as ledger:
            said.append((ledger.content.put(TEXT), ledger.record("trace", "t", {}), ledger.record("run", "r", {})))
    assert [False, False, True] == [one == two for one, two in zip(*said, strict=True)]


def test_a_ledger_without_its_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a missing key nor another one opens it; the environment may hold the key."""
    with Ledger.open(tmp_path, create=True) as ledger:
        address = ledger.content.put(TEXT)
    key = (tmp_path / "ledger.key").read_text()
    assert 0o600 == (tmp_path / "ledger.key").stat().st_mode & 0o777
    (tmp_path / "ledger.key").unlink()
    with pytest.raises(Refused, match="key of the ledger is missing"):
        Ledger.open(tmp_path)
    (tmp_path / "ledger.key").write_text("0" * 64)
    with pytest.raises(Refused, match="not the one of this ledger"):
        Ledger.open(tmp_path)
    (tmp_path / "ledger.key").write_text("none")
    with pytest.raises(Refused, match="not the key of a ledger"):
        Ledger.open(tmp_path)
    monkeypatch.setenv(VARIABLE, key)
    with Ledger.open(tmp_path) as ledger:
        assert TEXT == ledger.content.get(address)


def test_a_ledger_of_before_keeps_its_plain_addresses(tmp_path: Path) -> None:
    """It is brought up to date, verifies and goes on as it was: its chain speaks for plain addresses."""
    engine = sqlite.engine_for(tmp_path / "ledger.sqlite")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        migrations.migrate(connection, "2026-01-01T00:00:00.000000Z", to=2)
    engine.dispose()
    with Ledger.open(tmp_path) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([record_of(TEXT, source)])
        assert digest(TEXT) == ledger.content.put(TEXT)
        assert list(ledger.rows.kept([1])) == list(ledger.rows.ids([1])) == [(1, digest(b"row no"))]
        assert Outcome.PASS == ledger.verify().outcome
    assert not (tmp_path / "ledger.key").exists()


def _opened(folder: Path) -> str:
    with Ledger.open(folder, create=True) as ledger:
        return ledger.content.put(TEXT)


def test_processes_that_make_a_ledger_at_once_share_one_key(tmp_path: Path) -> None:
    """Whoever comes first makes it, and nobody writes under another one."""
    with get_context("spawn").Pool(3) as pool:
        assert 1 == len(set(pool.map(_opened, [tmp_path] * 6)))
    with Ledger.open(tmp_path) as ledger:
        assert Outcome.PASS == ledger.verify().outcome
    assert [] == [path.name for path in tmp_path.glob(".ledger.key*")]


def test_an_edited_plain_address_is_reported(tmp_path: Path) -> None:
    """The plain address beside the words is held against the kept one."""
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.rows.append([record_of(TEXT, ledger.record("source", "desk", {}))])
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("DROP TRIGGER row_bodies_no_update")
        connection.execute("UPDATE row_bodies SET id = zeroblob(32)")
        connection.commit()
    with Ledger.open(tmp_path) as ledger:
        assert ["the address of row 1 was edited"] == [problem.what for problem in ledger.verify().problems]
