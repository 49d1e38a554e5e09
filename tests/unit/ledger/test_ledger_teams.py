"""What teams use, a database server and an object store: many writers, erasure to the last byte, what is refused."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pyroaring import BitMap
from writing_rows import row, words, writers

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.ledger.database import Busy
from headgate.ledger.ledger import Ledger
from headgate.stats.verdict import Outcome

TEAM = ("postgres", "postgres+s3")
PAGE = 1 << 13  # bytes


def forms(texts: list[bytes]) -> list[bytes]:
    """Pieces of texts, plain and as they are packed."""
    pack = zstandard.ZstdCompressor(level=3).compress
    return [form for text in texts for form in (text[:24], pack(text)[12:36])]


def traces(files: list[Path], texts: list[bytes], since: float) -> int:
    """How many pieces stand in any file of a server that was written to since a time, in seconds of the epoch."""
    # Most pages are empty or in several files: each is looked through once, with the beginning of the next one.
    pages = set[bytes]()
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < since:
                continue
            data = path.read_bytes()
            pages |= {data[at : at + PAGE + 24] for at in range(0, len(data), PAGE)}
    every = b"".join(pages)
    return len({piece for piece in forms(texts) if piece in every})


@pytest.fixture(params=TEAM)
def shared(request: pytest.FixtureRequest, place_of: Any, tmp_path: Path) -> Any:
    """A place that a team shares."""
    return place_of(request.param, tmp_path / ".headgate")


def test_erased_words_are_in_no_file_of_the_server(shared: Any, cluster: Any, objects: Any) -> None:
    """Tables, indexes and write-ahead log hold them before and not after; nor does any version of any object."""
    since = time.time() - 5  # the server is shared: files of tests before this one cannot hold its words
    bodies = {number: words(300 if number % 20 else 9_000) for number in range(1, 201)}
    theirs = [body for number, body in bodies.items() if number % 3 == 0]
    quoted, kept = words(200), words(200)
    with shared.open() as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row(str(n), body, source, None if n % 3 else "anna") for n, body in bodies.items()])
        verdict = ledger.record("verdict", "check", {"example": quoted.decode()})
        transcript = ledger.content.put(quoted + b" in a transcript")
        ledger.content.put(kept)
        before = traces(cluster.files(), [*theirs, quoted], since)
        assert before >= (len(theirs) if shared.content is None else 1)
        assert ledger.database.found_in_files(lambda data: quoted[:24] in data)[0]
        versions = set(objects.pieces(shared.bucket)) if shared.bucket else set()
        with ledger.erasing() as swept:
            assert 66 == ledger.rows.erase(ledger.rows.numbers_of_subject("anna"))
            assert ledger.nodes.erase(verdict)
            assert ledger.content.erase(transcript)
        assert ([], []) == (swept.left, swept.unseen)
        assert 0 == traces(cluster.files(), [*theirs, quoted], since)
        assert {n: body for n, body in bodies.items() if n % 3} == {n: b for n, _, b in ledger.rows.bodies(bodies)}
        assert Outcome.PASS == ledger.verify().outcome
        assert ([], []) == ledger.database.found_in_files(lambda data: quoted[:24] in data)
        if shared.bucket:
            after = objects.pieces(shared.bucket)
            assert len(versions) == 3
            assert {None} != set(after.values())
            assert len(versions & set(after)) == 1  # the piece of content that stays
            assert 0 == sum(form in data for data in after.values() if data for form in forms([*theirs, quoted, kept]))


def test_a_reader_with_an_old_snapshot_holds_an_erasure_up(shared: Any) -> None:
    """While it reads, the old rows live on; the message says what to do, and the same call again goes through."""
    with shared.open() as reader, shared.open(wait_s=0.3) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("a", b"words", source)])
        with reader.snapshot() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM claims").scalar()
            with pytest.raises(Busy, match="a reader still holds"):
                ledger.rows.erase([1])
        assert 0 == ledger.rows.erase([1])
        assert [] == list(ledger.rows.bodies([1]))


def test_processes_that_append_at_once_lose_nothing(shared: Any) -> None:
    """One chain without a gap, dense numbers, every acknowledged row; the same rows from two are one."""
    running = writers(shared, ["first", "second", "third"], 6)
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [0, 0, 0] == [process.returncode for process in running]
    with shared.open() as ledger:
        acknowledged = [one for text in said for one in text.split()]
        assert 36 == len(acknowledged)
        assert [] == [one for one in acknowledged if ledger.rows.number_of(one) is None]
        assert BitMap(range(1, 361)) == ledger.rows.all_numbers()
        entries = [entry.seq for entry in ledger.log()]
        assert list(range(1, len(entries) + 1)) == entries
        assert 360 == sum(1 for _ in ledger.rows.bodies(ledger.rows.all_numbers()))
        assert Outcome.PASS == ledger.verify().outcome


def test_a_changed_or_lost_object_is_reported(place_of: Any, tmp_path: Path, objects: Any) -> None:
    """Not as erased: verify names the rows, and reading them is refused."""
    place = place_of("postgres+s3", tmp_path / ".headgate")
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("a", words(300), source), row("b", words(300), source)])
        (name,) = {name for name, _ in objects.pieces(place.bucket)}
        client = objects.client()
        data = bytearray(client.get_object(Bucket=place.bucket, Key=name)["Body"].read())
        data[5] ^= 1
        client.put_object(Bucket=place.bucket, Key=name, Body=bytes(data))
        assert ["the body of row 1 is lost, or its object was edited"] == [p.what for p in ledger.verify().problems]
        assert [2] == [number for number, _, _ in ledger.rows.bodies([2])]
        with pytest.raises(Refused, match="row 1 is lost or was changed"):
            list(ledger.rows.bodies([1]))
        client.delete_object(Bucket=place.bucket, Key=name)
        assert 2 == len(ledger.verify().problems)


def test_names_of_objects_say_nothing_of_what_is_in_them(place_of: Any, tmp_path: Path, objects: Any) -> None:
    """The same text twice: other names, other bytes; and no name is a hash of it."""
    place = place_of("postgres+s3", tmp_path / ".headgate")
    text = b"a text that somebody could guess"
    with place.open() as ledger:
        first = ledger.content.put(text)
        ledger.content.put(text + b"!")
        found = objects.pieces(place.bucket)
        listing = " ".join(name for name, _ in found)
        assert digest(text).removeprefix("b3:")[:16] not in listing
        assert first.removeprefix("b3:")[:16] not in listing
        assert not any(data and text in data for data in found.values())
        assert text == ledger.content.get(first)


def test_the_password_is_nowhere(shared: Any, cluster: Any, tmp_path: Path) -> None:
    """Not in an error, not in an export, not in a record."""
    with shared.open() as ledger:
        ledger.record("case", "one", {})
        ledger.export(tmp_path / "out.jsonl")
        assert cluster.password not in ledger.database.place + repr(ledger.database.engine.url)
    assert cluster.password.encode() not in (tmp_path / "out.jsonl").read_bytes()
    wrong = str(shared.where).replace(cluster.password, "not-the-password")
    with pytest.raises(Refused, match="turned us away") as refused:
        Ledger.open(wrong, beside=shared.folder)
    assert "not-the-password" not in str(refused.value)
    with pytest.raises(Refused, match="not the address") as refused:
        Ledger.open("postgresql://me:hidden-word@host:port/x", beside=shared.folder)
    assert "hidden-word" not in str(refused.value)


def test_a_second_writer_is_told_to_wait_no_longer(shared: Any) -> None:
    """The lock is waited for as long as said, and readers do not wait at all."""
    with shared.open() as first, shared.open(wait_s=0.1) as second:
        with first.transaction():
            first.record("case", "held", {})
            with pytest.raises(Busy, match="in use by another process"):
                second.record("case", "late", {})
            assert [] == second.find("case")
        second.record("case", "late", {})
        assert ["held", "late"] == [node.name for node in first.find("case")]


def test_two_that_make_the_same_ledger_at_once_make_one(place_of: Any, tmp_path: Path) -> None:
    """Both opened it with create; the schema is made once and both go on."""
    place = place_of("postgres", tmp_path / ".headgate")
    errors: list[Exception] = []

    def make() -> None:
        try:
            with place.open() as ledger:
                ledger.record("case", "made", {"by": threading.get_ident()})
        except Exception as error:  # noqa: BLE001 - told by the test
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == errors
    with place.open() as ledger:
        assert 3 == len(ledger.find("case", "made"))
        assert Outcome.PASS == ledger.verify().outcome


@pytest.mark.parametrize("table", ["log", "nodes", "rows", "content", "content_store"])
def test_the_server_refuses_edits(place_of: Any, tmp_path: Path, table: str) -> None:
    """Plain SQL on an append-only table is stopped by the database itself."""
    import psycopg

    place = place_of("postgres", tmp_path / ".headgate")
    place.open().close()
    with psycopg.connect(str(place.where), autocommit=True) as connection:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("UPDATE row_bodies SET body = body")


def test_an_unprivileged_role_is_told_what_is_left(shared: Any, cluster: Any) -> None:
    """It may keep a ledger; what only an administrator can do for an erasure is said and not claimed."""
    import psycopg

    database = str(shared.where).rpartition("/")[2]
    with psycopg.connect(str(shared.where), autocommit=True) as connection:
        role = f"r{database}"
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'plain-word'")
        connection.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
    address = cluster.address(database, role, "plain-word")
    with Ledger.open(address, create=True, content=shared.content, beside=shared.folder) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("a", words(50), source)])
        with ledger.erasing() as swept:
            ledger.rows.erase([1])
        assert 1 == len(swept.left)
        assert f"GRANT pg_checkpoint, pg_monitor TO {role}" in swept.left[0]
        found, unread = ledger.database.found_in_files(lambda data: True)
        assert ([], 1) == (found, len(unread))


def test_what_a_server_must_have(place_of: Any, tmp_path: Path, cluster: Any) -> None:
    """A database in another encoding, a stranger's tables, or none at all: refused, and nothing made."""
    import psycopg

    with psycopg.connect(cluster.address("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(Refused, match="does not keep what a ledger promises"):
        Ledger.open(cluster.address("latin"), create=True, beside=tmp_path)
    place = place_of("postgres", tmp_path)
    with pytest.raises(Refused, match="an empty database"):
        Ledger.open(place.where, beside=tmp_path)
    with psycopg.connect(str(place.where), autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (number int)")
    with pytest.raises(Refused, match="not a headgate ledger"):
        place.open()
    with pytest.raises(Refused, match="turned us away"):
        Ledger.open(cluster.address("missing"), create=True, beside=tmp_path)


def test_a_ledger_knows_where_its_content_lies(place_of: Any, tmp_path: Path, objects: Any) -> None:
    """Opened by its address alone; another place is refused; no bucket, no ledger."""
    place = place_of("postgres+s3", tmp_path / ".headgate")
    with place.open() as ledger:
        address = ledger.content.put(b"bytes")
    with Ledger.open(place.where, beside=place.folder) as ledger:
        assert b"bytes" == ledger.content.get(address)
    with pytest.raises(Refused, match="lies elsewhere"):
        Ledger.open(place.where, content="s3://other/place", beside=place.folder)
    fresh = place_of("postgres", tmp_path / "fresh")
    with pytest.raises(Refused, match="NoSuchBucket"):
        Ledger.open(fresh.where, create=True, content="s3://no-such-bucket/x", beside=fresh.folder)
    with pytest.raises(Refused, match="an empty database"):
        Ledger.open(fresh.where, beside=fresh.folder)
    assert os.environ["AWS_ENDPOINT_URL_S3"] == objects.endpoint


def test_a_ledger_in_a_schema_of_its_own(place_of: Any, tmp_path: Path) -> None:
    """Beside the tables of others in the same database, and swept like any."""
    import psycopg

    place = place_of("postgres", tmp_path / ".headgate")
    with psycopg.connect(str(place.where), autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (number int)")
        connection.execute("CREATE SCHEMA headgate")
    address = f"{place.where}?options=-csearch_path%3Dheadgate"
    with Ledger.open(address, create=True, beside=place.folder) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("a", words(50), source)])
        with ledger.erasing() as swept:
            ledger.rows.erase([1])
        assert ([], "pass") == (swept.left, ledger.verify().outcome.value)
        assert "search_path" not in ledger.database.place


def test_a_file_that_was_left_by_a_server_that_was_killed_is_named(place_of: Any, tmp_path: Path, cluster: Any) -> None:
    """A table that was being rewritten then leaves a copy that no table has, and that may hold anything."""
    place = place_of("postgres", tmp_path / ".headgate")
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("a", words(50), source)])
        with ledger.snapshot() as connection:
            oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar()
        stray = cluster.data / "base" / str(oid) / "987654"
        stray.write_bytes(words(100))
        stray.chmod(0o644)
        with ledger.erasing() as swept:
            ledger.rows.erase([1])
        assert [f"base/{oid}/987654 in the folder of the server"] == [one.split(":")[0] for one in swept.left]
        stray.unlink()
        assert [] == ledger.sweep().left


def test_copies_that_only_an_administrator_can_remove_are_named(place_of: Any, tmp_path: Path) -> None:
    """A log of statements, a slot that holds the write-ahead log back: said, and not said to be gone."""
    import psycopg

    place = place_of("postgres", tmp_path / ".headgate")
    name = str(place.where).rpartition("/")[2]
    with psycopg.connect(str(place.where), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET log_statement = 'mod'")
        connection.execute("SELECT pg_create_physical_replication_slot('of_a_replica', true)")
        try:
            with place.open() as ledger:
                source = ledger.record("source", "desk", {})
                ledger.rows.append([row("a", words(50), source)])
                with ledger.erasing() as swept:
                    ledger.rows.erase([1])
        finally:
            connection.execute("SELECT pg_drop_replication_slot('of_a_replica')")
    told = " ".join(swept.left)
    assert 3 == len(swept.left)
    assert "files of the write-ahead log" in told
    assert "0 replicas and 1 replication slots" in told
    assert "the log of the server" in told
