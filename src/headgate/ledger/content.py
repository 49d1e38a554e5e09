"""The content store: bytes by their address, in the same database and the same transactions."""

from __future__ import annotations

import zstandard
from sqlalchemy import delete, insert, select

from headgate.kit.errors import Refused
from headgate.kit.hashing import short
from headgate.ledger import schema
from headgate.ledger.nodes import Begin, Reading
from headgate.ledger.sealing import Seal


class Content:
    """The content of one ledger."""

    def __init__(self, reading: Reading, begin: Begin, seal: Seal) -> None:
        self._reading = reading
        self._begin = begin
        self._seal = seal

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
                writing.connection.execute(insert(schema.content_bytes), {"digest": address, "bytes": packed})
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
            packed = connection.scalar(select(table.bytes).where(table.digest == address))
            known = connection.scalar(select(schema.content.c.size).where(schema.content.c.digest == address))
        if packed is None:
            what = "the content was erased" if known is not None else "the ledger has no such content"
            raise Refused(what, found=short(address))
        return zstandard.ZstdDecompressor().decompress(packed)

    def erase(self, address: str) -> bool:
        """Removes bytes for good and keeps their address; False when they were not there."""
        with self._begin() as writing:
            writing.erases = True
            table = schema.content_bytes
            done = writing.connection.execute(delete(table).where(table.c.digest == address))
            if not done.rowcount:
                return False
            writing.append("content-erased", {"digest": address})
        return True
