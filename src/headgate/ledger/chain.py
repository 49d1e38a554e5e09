"""The record log and its hash chain.

Every change to the ledger is one entry. `hash = BLAKE3(previous hash || canonical JSON of seq, at, action
and payload digest)`, so an edited, removed, added or moved entry breaks every hash after it, and one hash,
the head, speaks for everything before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from headgate.kit.clock import stamp
from headgate.kit.hashing import PREFIX, canonical_json, digest
from headgate.ledger import schema

GENESIS = PREFIX + "0" * 64  # what the first entry has as its previous hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log."""

    seq: int  # 1, 2, 3, ...
    at: str  # moment of recording, ISO 8601 in UTC
    action: str  # node, edges, rows, rows-erased, rows-restated, claim, version, content, content-erased, node-erased
    payload: Mapping[str, Any]  # what was added, by address; never the content itself
    payload_digest: str
    previous: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """The entry as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the log; speaks for all before it."""

    seq: int
    hash: str


def entry_hash(previous: str, seq: int, at: str, action: str, payload_digest: str) -> str:
    """Hash of an entry, given the hash of the one before it."""
    entry = {"seq": seq, "at": at, "action": action, "payload": payload_digest}
    return digest(schema.raw(previous) + canonical_json(entry))


def head_of(connection: Connection) -> Head:
    """The present head; `Head(0, GENESIS)` for an empty log."""
    found = connection.execute(
        select(schema.log.c.seq, schema.log.c.hash).order_by(schema.log.c.seq.desc()).limit(1)
    ).first()
    return Head(found.seq, found.hash) if found else Head(0, GENESIS)


class Writing:
    """A write transaction: the connection, and the log entries that it adds."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        self.connection = connection
        self.erases = False  # whether bytes were deleted, so that the files must be swept after the commit
        self._clock = clock
        self._head = head_of(connection)

    @property
    def next_seq(self) -> int:
        """Number that the next entry will have."""
        return self._head.seq + 1

    def now(self) -> str:
        """The present moment as text."""
        return stamp(self._clock())

    def append(self, action: str, payload: Mapping[str, Any]) -> int:
        """Adds an entry; returns its number."""
        seq, at = self.next_seq, self.now()
        text = canonical_json(payload)
        payload_digest = digest(text)
        hashed = entry_hash(self._head.hash, seq, at, action, payload_digest)
        self.connection.execute(
            insert(schema.log),
            {
                "seq": seq,
                "at": at,
                "action": action,
                "payload": text.decode(),
                "payload_digest": payload_digest,
                "previous": self._head.hash,
                "hash": hashed,
            },
        )
        self._head = Head(seq, hashed)
        return seq
