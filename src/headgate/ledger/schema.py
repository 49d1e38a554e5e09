"""The tables of a ledger, in types that SQLite and PostgreSQL both have.

What is known is append-only: `log`, `nodes`, `edges`, `claims`, `rows`, `row_parents`, `versions`,
`version_splits` and `content` are never updated or deleted from. What may be erased lies apart, in
`node_bodies`, `row_bodies` and `content_bytes`, so that erasing leaves every hash and edge in place. The
addresses in what is known are keyed (`sealing`). Where content lies in objects beside the database
(`content_store`), these tables hold places in them, and `objects` their names and keys.
Each table of knowledge carries the number of the log entry that speaks for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from headgate.kit.hashing import PREFIX

APPEND_ONLY = (
    "log",
    "nodes",
    "edges",
    "claims",
    "rows",
    "row_parents",
    "versions",
    "version_splits",
    "content",
)
ERASABLE = ("node_bodies", "row_bodies", "content_bytes")
BESIDE = ("objects",)  # names and keys of objects beside the database; deleted with the bytes in them


class Address(TypeDecorator[str]):
    """A content address: `b3:` and 64 hex digits in Python, 32 bytes on disk."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """To 32 bytes."""
        return None if value is None else raw(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Back to text."""
        return None if value is None else address(value)


def raw(address: str) -> bytes:
    """The 32 bytes of an address.

    Raises:
        ValueError: not `b3:` and 64 hex digits.
    """
    data = bytes.fromhex(address.removeprefix(PREFIX))
    if len(data) != 32 or not address.startswith(PREFIX):
        raise ValueError(f"not a content address: {address!r}")
    return data


def address(data: bytes) -> str:
    """The address of 32 bytes."""
    return PREFIX + bytes(data).hex()


def is_address(text: str) -> bool:
    """Whether a text is a whole content address."""
    try:
        raw(text)
    except ValueError:
        return False
    return True


metadata = MetaData()

schema_version = Table(
    "schema_version",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
)

log = Table(
    "log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_digest", Address, nullable=False),
    Column("previous", Address, nullable=False),
    Column("hash", Address, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("seq", Integer, ForeignKey("log.seq"), primary_key=True, autoincrement=False),
    Column("id", Address, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("nodes_by_kind", "kind", "name", "seq"),
    Index("nodes_by_name", "name"),
)

node_bodies = Table(
    "node_bodies",
    metadata,
    Column("seq", Integer, ForeignKey("nodes.seq"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

edges = Table(
    "edges",
    metadata,
    Column("source_id", Address, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("target_id", Address, primary_key=True),
    Column("seq", Integer, ForeignKey("log.seq"), nullable=False),
    Index("edges_by_target", "target_id", "label"),
    Index("edges_by_seq", "seq"),
)

rows = Table(
    "rows",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Address, nullable=False, unique=True),
    Column("content_id", Address, nullable=False),
    Column("body_digest", Address, nullable=False),
    Column("size", Integer, nullable=False),
    Column("source", Integer, ForeignKey("nodes.seq"), nullable=False),
    Column("subject", Text),
    Index("rows_by_content", "content_id"),
    Index("rows_by_source", "source"),
    Index("rows_by_subject", "subject"),
)

row_bodies = Table(
    "row_bodies",
    metadata,
    Column("number", Integer, ForeignKey("rows.number"), primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("id", Address),  # the plain address; empty where the addresses of the ledger are plain
)

# At most one row: what the key of the ledger is known by.
sealing = Table("sealing", metadata, Column("fingerprint", Address, primary_key=True))

# The parent may be a row that is not in the ledger yet, so it is an address and no foreign key.
row_parents = Table(
    "row_parents",
    metadata,
    Column("child", Integer, ForeignKey("rows.number"), primary_key=True, autoincrement=False),
    Column("parent_id", Address, primary_key=True),
    Index("row_parents_by_parent", "parent_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("seq", Integer, ForeignKey("nodes.seq"), primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("manifest_digest", Address, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    UniqueConstraint("name", "number"),
    UniqueConstraint("name", "manifest_digest"),
)

version_splits = Table(
    "version_splits",
    metadata,
    Column("seq", Integer, ForeignKey("versions.seq"), primary_key=True, autoincrement=False),
    Column("split", Text, primary_key=True),
    Column("numbers", LargeBinary, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("seq", Integer, ForeignKey("log.seq"), primary_key=True, autoincrement=False),
    Column("id", Address, nullable=False, unique=True),
    Column("about", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("observed_at", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("valid_from", Text),
    Column("valid_to", Text),
    Column("evidence", Address),
    Column("supersedes", Address),
    Index("claims_by_about", "about", "what", "seq"),
)

content = Table(
    "content",
    metadata,
    Column("digest", Address, primary_key=True),
    Column("seq", Integer, ForeignKey("log.seq"), nullable=False),
    Column("size", Integer, nullable=False),
    Index("content_by_seq", "seq"),
)

content_bytes = Table(
    "content_bytes",
    metadata,
    Column("digest", Address, ForeignKey("content.digest"), primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

# At most one row: where content lies, if not here.
content_store = Table(
    "content_store",
    metadata,
    Column("place", Text, primary_key=True),  # such as s3://bucket/prefix
    Column("folder", Text, nullable=False),  # of this ledger alone
    Column("seq", Integer, ForeignKey("log.seq"), nullable=False),
)

objects = Table(
    "objects",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("key", LargeBinary, nullable=False),
    Column("first", Integer),  # rows whose bodies may lie in it; empty for other content
    Column("last", Integer),
)
