"""What the ledger wants of a database, whichever it is; `sqlite.py` and `postgres.py` give it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headgate.kit.errors import Refused, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

WAIT_S = 30.0  # how long a writer waits for another one


class Busy(Refused, Retryable):
    """Another process holds the ledger; the same command may succeed in a moment."""


class Unreachable(Refused, Retryable):
    """A server that the ledger needs does not answer; what was acknowledged is kept there."""


@dataclass(slots=True)
class Swept:
    """What is left of erased bytes where a sweep could not reach, and what it did not look at."""

    left: list[str] = field(default_factory=list)  # erased bytes may still stand there
    unseen: list[str] = field(default_factory=list)  # done by the book, and not searched byte by byte

    def __ior__(self, other: Swept) -> Swept:
        self.left += [one for one in other.left if one not in self.left]
        self.unseen += [one for one in other.unseen if one not in self.unseen]
        return self


class Database(Protocol):
    """A database that holds one ledger."""

    engine: Engine
    place: str  # as messages name it; no password
    file: Path  # the ledger file, or its stand-in in the folder of work files: the key lies beside it

    def translated(self) -> AbstractContextManager[None]:
        """Says errors of the database in the words of the error tree."""

    def sweep(self) -> Swept:
        """Makes deleted bytes go from the files of the database.

        Raises:
            Busy: a reader holds the old bytes.
        """

    def found_in_files(self, has: Callable[[bytes], bool]) -> tuple[list[str], list[str]]:
        """Files of the database of whose bytes `has` is true, and what could not be read, and why."""
