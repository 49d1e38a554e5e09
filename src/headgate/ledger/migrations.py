"""How a ledger file gets from the schema it has to the present one.

A migration is never edited once released; a change of schema is a new entry at the end of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Index, func, insert, select

from headgate.kit.errors import Refused
from headgate.ledger import first_schema, postgres, schema, sqlite
from headgate.ledger.sealing import fingerprint


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from schema `number - 1` to schema `number`."""

    number: int
    what: str
    apply: Callable[[Connection], None]


def _first(connection: Connection) -> None:
    first_schema.metadata.create_all(connection)
    if _on_postgres(connection):
        postgres.add_guards(connection)
    else:
        sqlite.add_guards(connection)


def _expiry(connection: Connection) -> None:
    # Asking what runs out before a date must not read every claim.
    Index("claims_by_expiry", schema.claims.c.what, schema.claims.c.valid_to).create(connection)


def _sealed(connection: Connection) -> None:
    # Beside the words of a row stands its plain address, which goes with them; what stays is keyed.
    kind = schema.Address().compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE row_bodies ADD COLUMN id {kind}")
    schema.sealing.create(connection)
    _guard(connection, schema.sealing.name)
    _guard_bytes(connection, schema.row_bodies.name)


def _objects(connection: Connection) -> None:
    # Content may lie in objects beside the database.
    for table in (schema.content_store, schema.objects):
        table.create(connection)
        if _on_postgres(connection):
            postgres.compare_by_bytes(connection, table.name)
    _guard(connection, schema.content_store.name)
    _guard_bytes(connection, schema.objects.name)


def _guard(connection: Connection, table: str) -> None:
    (postgres if _on_postgres(connection) else sqlite).guard(connection, table)


def _guard_bytes(connection: Connection, table: str) -> None:
    (postgres if _on_postgres(connection) else sqlite).guard_bytes(connection, table)


def _on_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


MIGRATIONS = (
    Migration(1, "log, graph, rows, versions, claims, content", _first),
    Migration(2, "claims by expiry", _expiry),
    Migration(3, "keyed addresses", _sealed),
    Migration(4, "content in objects", _objects),
)
PRESENT = MIGRATIONS[-1].number


def schema_number(connection: Connection) -> int:
    """Number of the schema that the file has; 0 for an empty file.

    Raises:
        Refused: a database of something else.
    """
    tables = (postgres if _on_postgres(connection) else sqlite).table_names(connection)
    if not tables:
        return 0
    if schema.schema_version.name not in tables or schema.log.name not in tables:
        raise Refused(
            "a database, but not a headgate ledger",
            found="tables " + ", ".join(sorted(tables)[:5]),
            next_step="name another place with --ledger",
        )
    return connection.execute(select(func.max(schema.schema_version.c.number))).scalar_one() or 0


def fingerprint_of(connection: Connection) -> str | None:
    """Fingerprint of the key of a ledger; None for one whose addresses are plain, as they were before schema 3."""
    return connection.scalar(select(schema.sealing.c.fingerprint))


def migrate(connection: Connection, at: str, *, to: int = PRESENT, key: bytes | None = None) -> int:
    """Applies what is missing, inside the caller's transaction; returns the number reached.

    A new ledger is sealed with `key`; the addresses of one that has records stay as they are.

    Raises:
        Refused: the file was written by a newer headgate.
    """
    number = schema_number(connection)
    if number > PRESENT:
        raise Refused(
            "the ledger was written by a newer headgate",
            found=f"schema {number}",
            wanted=f"schema {PRESENT} or older",
            next_step="pip install --upgrade headgate",
        )
    for migration in MIGRATIONS[number:to]:
        migration.apply(connection)
        connection.execute(insert(schema.schema_version), {"number": migration.number, "at": at})
    if number == 0 and key is not None:
        connection.execute(insert(schema.sealing), {"fingerprint": fingerprint(key)})
    return max(number, to)
