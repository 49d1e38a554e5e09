"""Killed writers, full disks, two writers, damaged files: what was acknowledged stays, and the rest is said."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from sqlalchemy import event

from headgate.kit.errors import Exit, Refused, Retryable
from headgate.kit.hashing import digest
from headgate.ledger import migrations, sqlite
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.stats.verdict import Outcome

WRITER = """
import sys
from pathlib import Path
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger, RowRecord

with Ledger.open(Path(sys.argv[1]), create=True) as ledger:
    source = ledger.record("source", "traffic", {})
    print("ready", flush=True)
    batch = 0
    while True:
        ids = [digest(f"{sys.argv[2]} {batch} {i}".encode()) for i in range(40)]
        ledger.rows.append(
            [RowRecord(id=i, content_id=i, body=i.encode() * 20, source_id=source) for i in ids]
        )
        print(ids[0], ids[-1], flush=True)
        batch += 1
"""


def rows_of(source: str, count: int, size: int = 10) -> list[RowRecord]:
    """Rows with bodies that do not compress to nothing."""
    noise = random.Random(count)
    ids = [digest(b"row %d" % i) for i in range(count)]
    return [RowRecord(id=one, content_id=one, body=noise.randbytes(size), source_id=source) for one in ids]


def test_no_acknowledged_row_is_lost_to_kill_9(tmp_path: Path) -> None:
    """Writers killed at random moments: each acknowledged batch is whole, nothing is half there, writing goes on."""
    moments = random.Random(7)
    acknowledged: list[str] = []
    for round_number in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(round_number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert "ready\n" == writer.stdout.readline()
            time.sleep(moments.uniform(0.05, 0.3))
            writer.send_signal(signal.SIGKILL)
            said = writer.stdout.read().split("\n")[:-1]
        assert -signal.SIGKILL == writer.returncode
        acknowledged += [one for line in said for one in line.split()]
        with Ledger.open(tmp_path) as ledger:
            assert [] == [one for one in acknowledged if ledger.rows.number_of(one) is None]
            numbers = ledger.rows.all_numbers()
            assert 0 == len(numbers) % 40
            assert len(numbers) == sum(1 for _ in ledger.rows.bodies(numbers))
            assert Outcome.PASS == ledger.verify().outcome
    assert len(acknowledged) > 0


def limited(ledger: Ledger, pages: int) -> None:
    """Makes SQLite believe that the disk ends a few pages from here."""

    @event.listens_for(ledger._engine, "checkout")
    def limit(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_refused_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The batch that does not fit is not there at all; what was there before is whole; later writes work again."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append(rows_of(source, 3))
        head = ledger.head()
    with Ledger.open(tmp_path) as ledger:
        limited(ledger, 80)
        with pytest.raises(Refused, match="the disk is full") as refused:
            ledger.rows.append(rows_of(source, 400, size=4_000))
        assert Exit.WRONG_USE == refused.value.exit_code
        assert head == ledger.head()
    with Ledger.open(tmp_path) as ledger:
        assert Outcome.PASS == ledger.verify(head.hash).outcome
        assert BitMap([1, 2, 3]) == ledger.rows.all_numbers()
        assert 397 == ledger.rows.append(rows_of(source, 400, size=4_000)).new


def test_a_transaction_that_fails_stores_none_of_it(place: Any) -> None:
    """Nodes, rows and claims of a block that raises are all gone, and the chain goes on without a gap."""
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        with pytest.raises(ZeroDivisionError), ledger.transaction():
            run = ledger.record("run", "run", {}, edges=[Edge("derived-from", source)])
            ledger.rows.append(rows_of(source, 2))
            ledger.versions.freeze("support", numbers=BitMap([1]), splits={}, manifest={})
            assert ["support@1"] == list(ledger.versions.holding([1]))
            ledger.claims.assert_(run, "price", 1, source="desk", observed_at="2026-01-01")
            _ = 1 / 0
        assert ([], [], BitMap()) == (ledger.find("run"), ledger.versions.names(), ledger.rows.all_numbers())
        ledger.rows.append(rows_of(source, 4))
        assert "support@1" == ledger.versions.freeze("support", numbers=BitMap([3]), splits={}, manifest={})
        assert ({}, ["support@1"]) == (ledger.versions.holding([1]), list(ledger.versions.holding([3])))
        assert Outcome.PASS == ledger.verify().outcome


def test_a_second_writer_waits_and_then_writes(tmp_path: Path) -> None:
    """Two processes at once: both finish, and their entries form one chain."""
    code = (
        "import sys; from headgate.ledger.ledger import Ledger\n"
        "with Ledger.open(sys.argv[1]) as ledger:\n"
        "    for i in range(15): ledger.record('case', sys.argv[2], {'i': i})\n"
    )
    Ledger.open(tmp_path, create=True).close()
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("first", "second")]
    assert [0, 0] == [writer.wait(timeout=60) for writer in writers]
    with Ledger.open(tmp_path) as ledger:
        assert (15, 15) == (len(ledger.find("case", "first")), len(ledger.find("case", "second")))
        assert Outcome.PASS == ledger.verify().outcome


def test_a_writer_that_waits_too_long_is_told_why(tmp_path: Path) -> None:
    """The message says that another process writes; it is both for the user to mend and worth another try."""
    with Ledger.open(tmp_path, create=True) as first, Ledger.open(tmp_path, wait_s=0.05) as second:
        with first.transaction():
            first.record("case", "held", {})
            with pytest.raises(Refused, match="in use by another process") as refused:
                second.record("case", "late", {})
            assert isinstance(refused.value, Retryable)
            assert [] == second.find("case")
        second.record("case", "late", {})
        assert ["held", "late"] == [node.name for node in first.find("case")]


@pytest.mark.parametrize(
    "content", [b"this is no database at all, just text" * 50, b"SQLite format 3\x00" + b"x" * 5000]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Neither other content nor a broken header ends in a traceback."""
    (tmp_path / "ledger.sqlite").write_bytes(content)
    with pytest.raises(Refused) as refused:
        Ledger.open(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert content == (tmp_path / "ledger.sqlite").read_bytes()


def test_text_that_is_none_any_more_is_refused_without_being_shown(tmp_path: Path) -> None:
    """Bytes of a record that rotted on the disk: damage, and no accident; the rest of it is somebody's words."""
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.record("case", "rotten", {"said": "my secret words"})
    file = tmp_path / "ledger.sqlite"
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"said":"my', b'"said":"\xff\xfe'))
    assert sound != file.read_bytes()
    with Ledger.open(tmp_path) as ledger, pytest.raises(Refused, match="the ledger file is damaged") as refused:
        ledger.find("case")
    assert "secret" not in str(refused.value)


def test_what_cannot_be_a_ledger_is_refused(tmp_path: Path) -> None:
    """Absent, empty, a folder in its place, somebody else's database, a URL, a missing folder."""
    with pytest.raises(Refused, match="no ledger here"):
        Ledger.open(tmp_path)
    assert [] == list(tmp_path.iterdir())
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "ledger.sqlite").touch()
    with pytest.raises(Refused, match="an empty file"):
        Ledger.open(tmp_path / "empty")
    (tmp_path / "taken" / "ledger.sqlite").mkdir(parents=True)
    with pytest.raises(Refused, match="a folder stands where"):
        Ledger.open(tmp_path / "taken", create=True)
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE invoices (number INTEGER)")
        connection.commit()
    with pytest.raises(Refused, match="not a headgate ledger"):
        Ledger.open(tmp_path / "other", create=True)
    with pytest.raises(Refused, match="no ledger can be opened there"):
        Ledger.open("mysql://host/ledger")
    with pytest.raises(Refused, match="the folder is not there"):
        Ledger.open(tmp_path / "missing" / "deeper", create=True)


def test_a_read_only_ledger_is_read_and_not_written(tmp_path: Path) -> None:
    """SQLite's own refusal to write is said in our words; reading goes on."""
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.record("case", "one", {})

        @event.listens_for(ledger._engine, "checkout")
        def forbid(connection: sqlite3.Connection, *_: Any) -> None:
            connection.execute("PRAGMA query_only = ON")

        with pytest.raises(Refused, match="cannot be written"):
            ledger.record("case", "two", {})
        assert ["one"] == [node.name for node in ledger.find("case")]


def test_a_ledger_of_the_first_schema_reaches_the_present_one(tmp_path: Path) -> None:
    """What a ledger of schema 1 knows is untouched, and its tables and indexes are those of a new one."""
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    engine = sqlite.engine_for(tmp_path / "old" / "ledger.sqlite")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        assert 1 == migrations.migrate(connection, "2026-01-01T00:00:00.000000Z", to=1)
    engine.dispose()
    shapes = []
    for name in ("old", "new"):
        with Ledger.open(tmp_path / name, create=True) as ledger:
            ledger.record("case", "kept", {})
            assert Outcome.PASS == ledger.verify().outcome
        with closing(sqlite3.connect(tmp_path / name / "ledger.sqlite")) as connection:
            shapes.append(connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall())
            numbers = connection.execute("SELECT number FROM schema_version ORDER BY number").fetchall()
        assert [(one.number,) for one in migrations.MIGRATIONS] == numbers
    assert shapes[0] == shapes[1]


def test_a_newer_ledger_is_refused_untouched(tmp_path: Path) -> None:
    """An older headgate does not write into what it does not understand."""
    with Ledger.open(tmp_path, create=True):
        pass
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, '2030-01-01T00:00:00.000000Z')")
        connection.commit()
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with pytest.raises(Refused, match="newer headgate"):
        Ledger.open(tmp_path)
    assert before == (tmp_path / "ledger.sqlite").read_bytes()


def test_the_tables_in_use_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    """The schema that queries are written against has exactly the columns of the file."""
    from headgate.ledger import schema

    with Ledger.open(tmp_path, create=True):
        pass
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        for table in schema.metadata.tables.values():
            columns = connection.execute(f"SELECT name FROM pragma_table_info('{table.name}')").fetchall()
            assert [(column.name,) for column in table.columns] == columns
