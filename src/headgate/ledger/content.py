"""The content store: bytes by their address, in the same transactions as the records."""

from __future__ import annotations

import zstandard
from sqlalchemy import delete, insert, select

from headgate.kit.errors import Refused
from headgate.kit.hashing import short
from headgate.ledger import schema
from headgate.ledger.nodes import Begin, Reading
from headgate.ledger.sealing import Seal
from headgate.ledger.store import Store


class Content:
    """The content of one ledger."""

    def __init__(self, reading: Reading, begin: Begin, seal: Seal, store: Store) -> None:
        self._reading = reading
        self._begin = begin
        self._seal = seal
        self._store = store

    def put(self, data: bytes) -> str:
        """Stores bytes and returns their address; known bytes are not stored again.

        Raises:
            Refused: the same bytes were erased on purpose.
        """
        address = self._seal.address(data)
        table = schema.content
        with self._begin() as writing:
            seq = writing.connection.scalar(select(table.c.seq).where(table.c.digest == address))
            if seq is None:
                seq = writing.append("content", {"digest": address, "size": len(data)})
                writing.connection.execute(insert(table), {"digest": address, "seq": seq, "size": len(data)})
                packed = zstandard.ZstdCompressor(level=3).compress(data)
                (kept,) = self._store.keep(writing, [packed])
                writing.connection.execute(insert(schema.content_bytes), {"digest": address, "bytes": kept})
            elif not self.has(address):
                raise Refused("this content was erased and is not stored again", found=short(address))
        return address

    def has(self, address: str) -> bool:
        """Whether the bytes are there."""
        table = schema.content_bytes.c
        with self._reading() as connection:
            return connection.scalar(select(table.digest).where(table.digest == address)) is not None

    def get(self, address: str) -> bytes:
        """Bytes by their address.

        Raises:
            Refused: they are not there, or were erased.
        """
        table = schema.content_bytes.c
        with self._reading() as connection:
            kept = connection.scalar(select(table.bytes).where(table.digest == address))
            packed = self._store.fetch(connection, [kept])[0] if kept is not None else None
            known = connection.scalar(select(schema.content.c.size).where(schema.content.c.digest == address))
        if kept is None:
            what = "the content was erased" if known is not None else "the ledger has no such content"
            raise Refused(what, found=short(address))
        if packed is None:
            raise Refused(
                "the content is lost or was changed", found=short(address), next_step="headgate ledger verify"
            )
        return zstandard.ZstdDecompressor().decompress(packed)

    def addresses(self) -> list[str]:
        """Addresses of all bytes that are there."""
        with self._reading() as connection:
            return list(connection.scalars(select(schema.content_bytes.c.digest)))

    def erase(self, address: str) -> bool:
        """Removes bytes for good and keeps their address; False when they were not there."""
        with self._begin() as writing:
            writing.erases = True
            table = schema.content_bytes
            kept = writing.connection.scalar(select(table.c.bytes).where(table.c.digest == address))
            if kept is None:
                return False
            writing.connection.execute(delete(table).where(table.c.digest == address))
            self._store.release(writing, [kept])
            writing.append("content-erased", {"digest": address})
        return True
