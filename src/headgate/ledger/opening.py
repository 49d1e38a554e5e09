"""Finding the database of a ledger, bringing its schema up to date, and finding its key and its content."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

from headgate.kit.clock import stamp
from headgate.kit.errors import Refused
from headgate.ledger import migrations, postgres, schema
from headgate.ledger.chain import Writing
from headgate.ledger.database import Database
from headgate.ledger.objects import ObjectStore, content_store, open_store, split
from headgate.ledger.sealing import SUFFIX, VARIABLE, Seal, key_of, must_fit, read_key
from headgate.ledger.sqlite import SqliteDatabase
from headgate.ledger.store import Store

FILE_NAME = "ledger.sqlite"
BESIDE = Path(".headgate")  # what lies beside a ledger in a database elsewhere
CONTENT = "content-store"  # action of the log


def database_at(where: str | Path, *, create: bool, wait_s: float, beside: Path | None) -> Database:
    """The database that a folder, a ledger file or an address names.

    Raises:
        Refused: there is none and `create` is false, or none can be there.
        Unavailable: the extra `postgres` is not installed.
    """
    if postgres.is_address(where):
        folder = beside or BESIDE
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        return postgres.PostgresDatabase(str(where), folder, wait_s=wait_s)
    if "://" in str(where):
        found = str(where).split("://")[0] + "://"
        wanted = "a folder, or postgresql://USER@HOST/DATABASE"
        raise Refused("no ledger can be opened there", found=found, wanted=wanted)
    file = Path(where)
    if file.is_dir() or not file.suffix:
        file = file / FILE_NAME
    if not file.exists():
        if not create:
            raise Refused("no ledger here", file=str(file), next_step="headgate init, or name its place with --ledger")
        if not file.parent.is_dir():
            raise Refused("the folder is not there", file=str(file.parent), next_step=f"mkdir -p {file.parent}")
    elif file.is_dir():
        raise Refused("a folder stands where the ledger file is to be", file=str(file))
    return SqliteDatabase(file, wait_s=wait_s)


def prepared(
    database: Database, create: bool, clock: Callable[[], datetime], content: str | None
) -> tuple[Seal, Store]:
    """Brings the schema up to date; returns the seal of the ledger and where its content lies.

    Raises:
        Refused: no ledger, of a newer version, without its key, or with its content elsewhere.
    """
    if isinstance(database, postgres.PostgresDatabase):
        database.must_keep_promises()
    engine = database.engine
    with engine.connect() as connection:
        number = migrations.schema_number(connection)
    if number == 0 and not create:
        kind = "database" if isinstance(database, postgres.PostgresDatabase) else "file"
        raise Refused(f"an empty {kind}, not a ledger", file=database.place, next_step="headgate init")
    if number != migrations.PRESENT:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            new = migrations.schema_number(connection) == 0  # another process may have been first
            key = key_of(database.file, create=True) if new else None
            migrations.migrate(connection, stamp(clock()), key=key)
            if new and content is not None:
                _lay_content(connection, clock, content, key)
    with engine.connect() as connection:
        _must_agree(connection, content, database.place)
        wanted = migrations.fingerprint_of(connection)
        store = content_store(connection)
    if wanted is None:
        return Seal(None), store
    key = _key(database, store)
    must_fit(key, wanted, database.file)
    return Seal(key), store


def _key(database: Database, store: Store) -> bytes:
    """The key from the environment, from the file beside the ledger, or from the store that a team shares."""
    here = os.environ.get(VARIABLE) or database.file.with_suffix(SUFFIX).exists()
    if isinstance(store, ObjectStore) and not here and (text := store.key()) is not None:
        return read_key(text, "the object store")
    return key_of(database.file)


def _lay_content(connection: Connection, clock: Callable[[], datetime], content: str, key: bytes | None) -> None:
    """Says for good where the content of a new ledger lies: in a folder that no other ledger sweeps.

    The key goes there too, for everybody who may read the content; a copy of the database does not have it.
    """
    split(content)
    place, folder = content.rstrip("/"), "ledger-" + secrets.token_hex(8)
    writing = Writing(connection, clock)
    store = open_store(place, folder)
    store.sweep(writing)  # whether the bucket is there and may be used
    if key is not None:
        store.lay_key(key.hex())
    seq = writing.append(CONTENT, {"place": place, "folder": folder})
    connection.execute(insert(schema.content_store), {"place": place, "folder": folder, "seq": seq})


def _must_agree(connection: Connection, content: str | None, place: str) -> None:
    if content is None:
        return
    there = connection.scalar(select(schema.content_store.c.place))
    if there != content.rstrip("/"):
        raise Refused(
            "the content of this ledger lies elsewhere",
            file=place,
            found=there or "in the database itself",
            wanted=content,
            next_step="take the other place out of the settings; the ledger knows its own",
        )
