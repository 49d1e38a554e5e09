"""Everything that is said to SQLite and to no other database.

Write-ahead log; `synchronous=FULL`, so that a commit that returned is on disk; `secure_delete`, so that
deleted bytes are overwritten; temporary tables in memory, so that no sort leaves a copy on disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from headgate.kit.errors import HeadgateError, Refused
from headgate.ledger.database import WAIT_S, Busy, Swept
from headgate.ledger.schema import APPEND_ONLY, ERASABLE

CHUNK, OVERLAP = 1 << 26, 1 << 12  # bytes of a file that are looked through at a time
FILES = ("", "-wal", "-shm")  # endings of the files of a ledger


class SqliteDatabase:
    """A ledger in one file of SQLite."""

    def __init__(self, file: Path, *, wait_s: float = WAIT_S) -> None:
        self.place = str(file)
        self.file = file
        self.engine = engine_for(file, wait_s=wait_s)

    def translated(self) -> contextlib.AbstractContextManager[None]:
        """Says errors of the database in the words of the error tree."""
        return translated(self.file)

    def sweep(self) -> Swept:
        """Empties the write-ahead log, after which no erased byte is left in the files of the ledger.

        Raises:
            Busy: a reader keeps the log alive; what was erased is gone for every query but not from the files.
        """
        with self.translated():
            swept = truncate_wal(self.engine)
        if not swept:
            raise Busy(
                "erased, but a reader still holds the old bytes",
                file=self.place,
                next_step="end the other command, then run this one again",
            )
        return Swept()

    def found_in_files(self, has: Callable[[bytes], bool]) -> tuple[list[str], list[str]]:
        """Files of the ledger of whose bytes `has` is true, and what could not be read, and why."""
        found, unread = [], []
        for path in (self.file.with_name(self.file.name + ending) for ending in FILES):
            try:
                with path.open("rb") as stream:
                    part = tail = stream.read(CHUNK)
                    while part:
                        if has(tail):
                            found.append(path.name)
                            break
                        part = stream.read(CHUNK)
                        tail = tail[-OVERLAP:] + part
            except FileNotFoundError:
                continue
            except OSError as error:
                unread.append(f"{path.name}: {error.strerror}")
        return found, unread


def engine_for(file: Path, *, wait_s: float = WAIT_S) -> Engine:
    """An engine on a ledger file; connects to nothing yet."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": wait_s, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions begin where SQLAlchemy says so, not where the driver guesses.
        connection.isolation_level = None
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: waiting is possible there, and not when a reader turns writer.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def add_guards(connection: Connection) -> None:
    """Triggers that refuse to change or delete what is known; erasable bytes may only be deleted."""
    for table in APPEND_ONLY:
        guard(connection, table)
    for table in ERASABLE:
        guard_bytes(connection, table)


def guard_bytes(connection: Connection, table: str) -> None:
    """Lets what a table holds be deleted, and not changed."""
    _guard(connection, table, "UPDATE")


def guard(connection: Connection, table: str) -> None:
    """Refuses to change or delete what a table holds."""
    _guard(connection, table, "UPDATE")
    _guard(connection, table, "DELETE")


def _guard(connection: Connection, table: str, verb: str) -> None:
    connection.exec_driver_sql(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no {verb} on {table}'); END"
    )


def table_names(connection: Connection) -> set[str]:
    """Names of the tables that the file holds."""
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(name) for (name,) in found}


def truncate_wal(engine: Engine) -> bool:
    """Moves the write-ahead log into the database and empties it; False while a reader keeps it alive."""
    with engine.connect() as connection:
        # A checkpoint runs outside any transaction, and SQLAlchemy would begin one.
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


@contextlib.contextmanager
def translated(file: Path) -> Iterator[None]:
    """Says database errors in the words of the error tree.

    Raises:
        Refused: the disk is full or failing, the file is read-only, no database, or damaged.
        Busy: another process kept the ledger locked for too long.
    """
    try:
        yield
    except DBAPIError as error:
        refusal = _as_refusal(str(error.orig), file)
        if refusal is None:
            raise
        raise refusal from error
    except sqlite3.Error as error:
        refusal = _as_refusal(str(error), file)
        if refusal is None:
            raise
        raise refusal from error


def _as_refusal(said: str, file: Path) -> HeadgateError | None:
    where = str(file)
    if "is full" in said:
        return Refused(
            "the disk is full",
            file=where,
            found="nothing of this step was stored; the ledger is as it was before",
            next_step="free some space and run the same command again",
        )
    if "is locked" in said or "is busy" in said:
        return Busy(
            "the ledger is in use by another process",
            file=where,
            found=said,
            next_step="wait for the other command to end, then run this one again",
        )
    if "readonly" in said or "read-only" in said:
        return Refused(
            "the ledger cannot be written",
            file=where,
            found=said,
            next_step="check the permissions of the folder and of the files in it",
        )
    undecoded = "Could not decode to UTF-8" in said
    if "not a database" in said or "malformed" in said or undecoded:
        return Refused(
            "the ledger file is damaged or no ledger",
            file=where,
            found=said.partition(" with text ")[0] if undecoded else said,  # what was read may be somebody's words
            next_step="restore it from a backup, or name another folder with --ledger",
        )
    if "unable to open" in said:
        return Refused(
            "the ledger cannot be opened",
            file=where,
            found=said,
            next_step="check that the folder exists and that you may write to it",
        )
    if "disk I/O error" in said:
        return Refused(
            "the disk failed while the ledger was read or written",
            file=where,
            found=said,
            next_step="check the disk and any quota, then run the same command again",
        )
    return None
