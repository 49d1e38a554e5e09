"""Everything that is said to PostgreSQL and to no other database.

A writer takes one lock for its transaction, so that the chain has one writer at a time; readers work on a
snapshot of one moment and take no lock. A commit that returned is on the disk of the server.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Text, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from headgate.kit.doors import must_be_installed
from headgate.kit.errors import HeadgateError, Refused
from headgate.ledger.database import WAIT_S, Busy, Swept, Unreachable
from headgate.ledger.doors import POSTGRES
from headgate.ledger.schema import APPEND_ONLY, BESIDE, ERASABLE, metadata
from headgate.ledger.turnover import turn_over, unreachable_copies, wal_files

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
LOCK = 0x6865616467617465  # "headgate": what writers of a database take in turn
OLDEST = 140000  # server version
CHUNK = 1 << 24  # bytes of a server file that are read at a time
OVERLAP = 1 << 12
PAUSE_S = 0.2

# By the five characters that PostgreSQL names an error with.
BUSY = ("55P03", "40001", "40P01", "53300", "57014", "55006")
DOWN = ("57P01", "57P02", "57P03", "57P05", "08000", "08001", "08003", "08004", "08006", "25P03")


class PostgresDatabase:
    """A ledger in a database of PostgreSQL. `folder` holds what lies beside a ledger: its key, work files, reports."""

    def __init__(self, address: str, folder: Path, *, wait_s: float = WAIT_S) -> None:
        must_be_installed(POSTGRES)
        url = _url(address)
        self.place = shown(url)
        self.file = folder / "ledger.postgresql"
        self.engine = _engine(url, wait_s)
        self._wait_s = wait_s

    def must_keep_promises(self) -> None:
        """Refuses a server that could lose what it acknowledged, or that cannot hold every text.

        Raises:
            Refused: too old, not UTF-8, or set to lose data in a power cut.
        """
        with self.engine.connect() as connection:
            said = {name: _setting(connection, name) for name in ("server_encoding", "fsync", "full_page_writes")}
            version = int(_setting(connection, "server_version_num"))
        wanted = {"server_encoding": "UTF8", "fsync": "on", "full_page_writes": "on"}
        wrong = {name: value for name, value in said.items() if value != wanted[name]}
        if version < OLDEST:
            raise Refused("the database server is too old", file=self.place, found=str(version), wanted="PostgreSQL 14")
        if wrong:
            raise Refused(
                "the database server does not keep what a ledger promises",
                file=self.place,
                found=", ".join(f"{name} = {value}" for name, value in wrong.items()),
                wanted=", ".join(f"{name} = {wanted[name]}" for name in wrong),
                next_step="change the settings of the server, or make the database with encoding UTF8",
            )

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Says errors of the database in the words of the error tree.

        Raises:
            Refused: the disk is full or failing, the database cannot be written, is none of ours, or damaged.
            Unreachable: the server does not answer, or ended meanwhile.
            Busy: another process kept the ledger locked for too long.
        """
        try:
            yield
        except DBAPIError as error:
            refusal = _as_refusal(error, self.place)
            if refusal is None:
                raise
            # Not "from error": its text may quote the words that were written.
            raise refusal from None

    def sweep(self) -> Swept:
        """Rewrites the tables without deleted rows, then writes over the write-ahead log.

        Raises:
            Busy: a reader keeps the old rows alive.
        """
        swept = Swept()
        with self.translated(), self.engine.connect() as connection:
            mark = int(connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one())
            connection.commit()
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outside:
                self._rewrite(outside, mark, swept)
                turn_over(outside, swept)
                unreachable_copies(outside, swept)
        return swept

    def _rewrite(self, connection: Connection, mark: int, swept: Swept) -> None:
        until = time.monotonic() + self._wait_s
        connection.execute(
            text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": _milliseconds(self._wait_s)}
        )
        for table in (*ERASABLE, *BESIDE):
            if not connection.scalar(text(OWNED), {"name": table}):
                swept.left.append(f"table {table}: only its owner may rewrite it (VACUUM FULL {table})")
                continue
            while True:
                connection.exec_driver_sql(f"VACUUM FULL {table}")
                frozen = int(connection.execute(text(FROZEN), {"name": table}).scalar_one())
                # Everything older than the oldest snapshot is gone; the mark is younger than any deletion.
                if (frozen - mark) % (1 << 32) < (1 << 31) and frozen != mark % (1 << 32):
                    break
                if time.monotonic() > until:
                    raise Busy(
                        "erased, but a reader still holds the old bytes",
                        file=self.place,
                        next_step="end the other command or transaction, then run this one again",
                    )
                time.sleep(PAUSE_S)

    def found_in_files(self, has: Callable[[bytes], bool]) -> tuple[list[str], list[str]]:
        """Tables, indexes and write-ahead log of the server that have the bytes; read by the server for us."""
        with self.translated(), self.engine.connect() as connection:
            may = connection.scalar(
                text("SELECT has_function_privilege('pg_read_binary_file(text,bigint,bigint,boolean)', 'execute')")
            )
            wal = wal_files(connection)
            if not may or wal is None:
                return [], ["files of the database server (their reader needs pg_read_binary_file and pg_ls_waldir)"]
            tables = connection.execute(text(FILES), {"names": [*ERASABLE, *BESIDE]}).scalars().all()
            every = [*tables, *(f"pg_wal/{name}" for name in wal)]
            found = [path for path in every if self._in_file(connection, path, has)]
        return found, []

    def _in_file(self, connection: Connection, path: str, has: Callable[[bytes], bool]) -> bool:
        query = text("SELECT pg_read_binary_file(:path, :start, :size, true)")
        for segment in ("", *(f".{number}" for number in range(1, 1 << 15))):
            start, tail = 0, b""
            while part := connection.scalar(query, {"path": path + segment, "start": start, "size": CHUNK}):
                if has(tail + bytes(part)):
                    return True
                start, tail = start + len(part), bytes(part)[-OVERLAP:]
            if not start:
                return False  # tables go on in files of their own after each gigabyte
        return False


OWNED = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:name)"
# The oldest transaction that the rewrite could not be sure about; 32 bits of it.
FROZEN = "SELECT relfrozenxid::text FROM pg_class WHERE oid = to_regclass(:name)"
FILES = """
SELECT pg_relation_filepath(one.oid) FROM pg_class held
JOIN pg_class one ON one.oid = held.oid OR one.oid = held.reltoastrelid
  OR one.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (held.oid, held.reltoastrelid))
WHERE held.oid IN (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) name)
"""


def is_address(where: object) -> bool:
    """Whether something names a database of PostgreSQL."""
    return isinstance(where, str) and where.partition("://")[0] in SCHEMES


def shown(url: URL | str) -> str:
    """An address as it may be printed and stored: no password, no options."""
    if isinstance(url, str):
        url = _url(url)
    host = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    return f"postgresql://{f'{url.username}@' if url.username else ''}{host}/{url.database or ''}"


def has_password(address: str) -> bool:
    """Whether an address holds a password."""
    url = _url(address)
    return bool(url.password) or any("password" in name.lower() for name in url.query)


def _url(address: str) -> URL:
    scheme, _, rest = address.partition("://")
    try:
        return make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise Refused(
            "not the address of a database", found=f"{scheme}://...", wanted="postgresql://USER@HOST/DATABASE"
        ) from None


def _engine(url: URL, wait_s: float) -> Engine:
    # Readers see one moment. A connection is asked whether it is alive before it is used: servers are restarted.
    engine = create_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        pool_size=2,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "headgate"},
    )
    wait = _milliseconds(wait_s)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writing", False):
            return
        # What was committed while the lock was waited for must be seen, so each statement looks anew.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{wait}', true), set_config('synchronous_commit', "
            "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
            "ELSE current_setting('synchronous_commit') END, true)"
        )
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    return engine


def _milliseconds(wait_s: float) -> str:
    return f"{max(1, int(wait_s * 1000))}ms"


def _setting(connection: Connection, name: str) -> str:
    return str(connection.scalar(text("SELECT current_setting(:name)"), {"name": name}))


def add_guards(connection: Connection) -> None:
    """Triggers that refuse to change or delete what is known; erasable bytes may only be deleted.

    Texts compare by their bytes, as in SQLite. Bytes that may be erased are kept out of the statistics of the
    planner, which would quote them, and packed bytes are not packed again.
    """
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION headgate_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION USING MESSAGE = 'the ledger is append-only: no ' || TG_OP || ' on ' || TG_TABLE_NAME; "
        "END $$"
    )
    for name in table_names(connection):
        compare_by_bytes(connection, name)
    for name in APPEND_ONLY:
        guard(connection, name)
    for name in ERASABLE:
        guard_bytes(connection, name)


def compare_by_bytes(connection: Connection, table: str) -> None:
    """Makes the texts of a table compare as they do in SQLite, whatever the language of the database."""
    for column in metadata.tables[table].columns:
        if isinstance(column.type, Text):
            connection.exec_driver_sql(f'ALTER TABLE {table} ALTER COLUMN "{column.name}" TYPE text COLLATE "C"')


def guard(connection: Connection, table: str) -> None:
    """Refuses to change or delete what a table holds."""
    for verb in ("UPDATE", "DELETE", "TRUNCATE"):
        _guard(connection, table, verb)


def guard_bytes(connection: Connection, table: str) -> None:
    """Lets the bytes of a table be deleted, and nothing else; no copy of them goes into the planner's statistics."""
    _guard(connection, table, "UPDATE")
    query = text(
        "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0"
    )
    for name, kind in connection.execute(query, {"name": table}).all():
        connection.exec_driver_sql(f'ALTER TABLE {table} ALTER COLUMN "{name}" SET STATISTICS 0')
        if kind == "bytea":
            connection.exec_driver_sql(f'ALTER TABLE {table} ALTER COLUMN "{name}" SET STORAGE EXTERNAL')


def _guard(connection: Connection, table: str, verb: str) -> None:
    connection.exec_driver_sql(
        f"CREATE OR REPLACE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION headgate_append_only()"
    )


def table_names(connection: Connection) -> set[str]:
    """Names of the tables in the schema that names are looked up in."""
    found = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {str(name) for (name,) in found}


def _as_refusal(error: DBAPIError, place: str) -> HeadgateError | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    again = "run the same command again: it goes on where it ended"
    if state in BUSY:
        return Busy("the ledger is in use by another process", file=place, found=said, next_step=again)
    if state in DOWN or error.connection_invalidated or (state is None and _is_connection(error.orig)):
        return Unreachable(
            "the database server does not answer, or turned us away",
            file=place,
            found=said,
            wanted="a running server, a database of that name, a password in PGPASSWORD or ~/.pgpass",
            next_step=again,
        )
    told = {
        "53100": ("the disk is full", "free some space and run the same command again"),
        "58030": ("the disk failed while the ledger was read or written", "look at the log of the server"),
        "XX001": ("the ledger is damaged", "restore it from a backup"),
        "XX002": ("the ledger is damaged", "restore it from a backup"),
        "42501": ("the ledger cannot be written", "ask its owner for the right, or use another role"),
        "25006": ("the ledger cannot be written", "this server takes no writes: name the one that does"),
        "22021": ("the database cannot hold this text", "take NUL characters out of names and keys"),
        "3F000": ("no schema to make the ledger in", "create it, or change the search_path"),
    }
    if state in told:
        what, step = told[state]
        return Refused(what, file=place, found=said, next_step=step)
    if state is None and "NUL" in said:
        return Refused(told["22021"][0], file=place, next_step=told["22021"][1])
    return None


def _is_connection(error: Any) -> bool:
    return type(error).__name__ in ("OperationalError", "ConnectionTimeout", "InternalError")
