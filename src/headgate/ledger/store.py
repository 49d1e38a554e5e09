"""Where the packed bytes of rows and of content lie: in the database itself, or in objects beside it.

Tables and queries are the same for both: what stands in a column of bytes is either the bytes or, where they lie in
an object, the place of them there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import Connection

from headgate.ledger.chain import Writing
from headgate.ledger.database import Swept


class Store(Protocol):
    """Keeps bytes within a transaction of the ledger."""

    def keep(self, writing: Writing, packed: Sequence[bytes], numbers: Sequence[int] = ()) -> list[bytes]:
        """What the database is to hold in place of each; `numbers`, ascending, where the bytes are bodies of rows."""

    def fetch(self, connection: Connection, kept: Sequence[bytes]) -> list[bytes | None]:
        """The bytes again; None where they are lost or were changed."""

    def release(self, writing: Writing, kept: Iterable[bytes]) -> None:
        """Lets go of bytes whose entries in the database were deleted in this transaction."""

    def sweep(self, writing: Writing) -> Swept:
        """Removes what no entry of the database names; nobody else writes meanwhile."""


class InDatabase:
    """The bytes are the entry."""

    def keep(self, writing: Writing, packed: Sequence[bytes], numbers: Sequence[int] = ()) -> list[bytes]:  # noqa: ARG002
        """The bytes themselves."""
        return list(packed)

    def fetch(self, connection: Connection, kept: Sequence[bytes]) -> list[bytes | None]:  # noqa: ARG002
        """The bytes themselves."""
        return list(kept)

    def release(self, writing: Writing, kept: Iterable[bytes]) -> None:
        """Nothing lies elsewhere."""

    def sweep(self, writing: Writing) -> Swept:  # noqa: ARG002
        """Nothing lies elsewhere."""
        return Swept()
