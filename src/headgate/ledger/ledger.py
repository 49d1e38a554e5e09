"""The ledger: one append-only, content-addressed record of everything, in one file or one database.

    with Ledger.open(folder) as ledger:
        run = ledger.record("run", "support", body, edges=[Edge("trained-on", version)])

Every change is one transaction and one or more entries of a hash chain. What a call returned is on
disk. `transaction()` groups several calls into one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection

from headgate.kit.clock import now, stamp
from headgate.ledger.chain import Entry, Head, Writing, head_of
from headgate.ledger.claims import Claims
from headgate.ledger.content import Content
from headgate.ledger.database import WAIT_S, Database, Swept
from headgate.ledger.lineage import Lineage, Walker
from headgate.ledger.nodes import Edge, Link, Node, Nodes
from headgate.ledger.opening import database_at, prepared
from headgate.ledger.protection import Protection
from headgate.ledger.rows import Appended, RowRecord, Rows
from headgate.ledger.sealing import Seal
from headgate.ledger.store import InDatabase, Store
from headgate.ledger.versions import DatasetVersion, Versions

if TYPE_CHECKING:
    from headgate.ledger.verifying import Verification

__all__ = ["Appended", "DatasetVersion", "Edge", "Entry", "Head", "Ledger", "Link", "Node", "RowRecord"]


class Ledger:
    """An open ledger. Not for several threads at once; several processes may each open it."""

    def __init__(self, database: Database, clock: Callable[[], datetime], seal: Seal, store: Store) -> None:
        self.database = database
        self.file = database.file
        self.seal = seal
        self.store = store
        self._engine = database.engine
        self._later: Swept | None = None  # what sweeps find, while erasures wait for one sweep
        self._clock = clock
        self._writing: Writing | None = None
        self._snapshot: Connection | None = None
        self.nodes = Nodes(self._reading, self._begin, seal)
        self.rows = Rows(self._reading, self._begin, seal, store)
        self.claims = Claims(self._reading, self._begin)
        self.content = Content(self._reading, self._begin, seal, store)
        self.protection = Protection(self.nodes, self.content, self.claims, clock)
        self.versions = Versions(self._reading, self._begin, self.nodes, self.rows, self.protection)
        self._walker = Walker(self.nodes, self.rows, self.versions)

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        create: bool = False,
        clock: Callable[[], datetime] = now,
        wait_s: float = WAIT_S,
        content: str | None = None,
        beside: Path | None = None,
    ) -> Ledger:
        """Opens the ledger in a folder, a ledger file or a database, and brings its schema up to date.

        `content` is where the content of a new ledger is to lie, such as s3://bucket/prefix; a ledger that is there
        knows its own. `beside` is the folder of what lies beside a ledger in a database (default: .headgate).

        Raises:
            Refused: there is none and `create` is false; no ledger, damaged, read-only, written by a
                newer version; or another process keeps it locked for longer than `wait_s` seconds.
            Unavailable: an extra that this place needs is not installed.
        """
        database = database_at(where, create=create, wait_s=wait_s, beside=beside)
        try:
            with database.translated():
                seal, store = prepared(database, create, clock, content)
        except BaseException:
            database.engine.dispose()
            raise
        return cls(database, clock, seal, store)

    def close(self) -> None:
        """Closes its connections, and lets go of what was read."""
        self._engine.dispose()
        self.versions.forget()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored together or not at all."""
        with self._begin():
            yield

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Writing]:
        if self._writing is not None:
            yield self._writing
            return
        with self.database.translated():
            erases = False
            with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
                self._writing = Writing(connection, self._clock)
                try:
                    yield self._writing
                    erases = self._writing.erases
                finally:
                    self._writing = None
        if erases and self._later is None:
            self.sweep()

    @contextlib.contextmanager
    def erasing(self) -> Iterator[Swept]:
        """Erasures inside are swept once, at the end; then the answer says what no sweep could reach.

        Raises:
            Busy: a reader holds the old bytes.
        """
        if self._later is not None:
            yield self._later
            return
        self._later = swept = Swept()
        try:
            yield swept
        finally:
            self._later = None
        swept |= self.sweep()

    def sweep(self) -> Swept:
        """Makes erased bytes go from the files of the database and from objects beside it.

        Every erasure ends with a sweep, also one that finds nothing left to erase. Objects that an append left
        behind when it was cut off go too.

        Raises:
            Busy: a reader holds the old bytes; what was erased is gone for every query but not from the files.
        """
        swept = self.database.sweep()
        if not isinstance(self.store, InDatabase):
            with self._begin() as writing:
                swept |= self.store.sweep(writing)
        return swept

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._writing is not None:
            yield self._writing.connection
            return
        if self._snapshot is not None:
            yield self._snapshot
            return
        with self.database.translated(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Everything read inside is of one moment, whatever other processes write. Keep it short."""
        with self._reading() as connection:
            before, self._snapshot = self._snapshot, connection
            try:
                yield connection
            finally:
                self._snapshot = before

    def record(
        self, kind: str, name: str, body: Mapping[str, Any], *, edges: Iterable[Edge] = (), at: datetime | None = None
    ) -> str:
        """Records a node with its edges; returns its id. What is known already is not recorded again.

        `at`, where given, goes into the body: the moment of recording is the ledger's own.
        """
        return self.nodes.record(kind, name, {**body, "at": stamp(at)} if at else body, edges)

    def link(self, source_id: str, edges: Iterable[Edge]) -> int:
        """Adds edges to a node or row that is there; returns how many were new."""
        return self.nodes.link(source_id, edges)

    def node(self, name: str) -> Node:
        """A node by id, beginning of id, or name. Raises Refused when there is none."""
        return self.nodes.get(name)

    def find(self, kind: str, name: str | None = None) -> list[Node]:
        """All nodes of a kind (and name), oldest first."""
        return self.nodes.find(kind, name)

    def latest(self, kind: str, name: str) -> Node | None:
        """The newest node of a kind and name."""
        return self.nodes.latest(kind, name)

    def edges_from(self, node_id: str, label: str | None = None) -> list[Link]:
        """Edges to what a node needs."""
        return self.nodes.links(self.seal.either({node_id}), upstream=True, label=label)

    def edges_to(self, node_id: str, label: str | None = None) -> list[Link]:
        """Edges from what needs a node."""
        return self.nodes.links(self.seal.either({node_id}), upstream=False, label=label)

    def impact(self, address: str) -> Lineage:
        """Everything downstream of a node or row."""
        return self._walker.impact(address)

    def impact_of_subject(self, key: str) -> Lineage:
        """Everything downstream of the rows about a person."""
        return self._walker.impact_of_subject(key)

    def impact_of_rows(self, numbers: BitMap) -> Lineage:
        """Some rows and everything downstream of them."""
        return self._walker.impact_of_rows(numbers)

    def closure(self, address: str) -> Lineage:
        """Everything that a node needs."""
        return self._walker.closure(address)

    def head(self) -> Head:
        """The last entry of the chain; keep its hash elsewhere to notice a cut end."""
        with self._reading() as connection:
            return head_of(connection)

    def log(
        self, *, since: int = 0, limit: int | None = None, newest: bool = False, kind: str | None = None
    ) -> list[Entry]:
        """Entries of the record log after number `since`; `newest` takes the last ones of a limit."""
        from headgate.ledger.verifying import entries

        with self._reading() as connection:
            return entries(connection, since=since, limit=limit, newest=newest, kind=kind)

    def verify(self, head: str | None = None) -> Verification:
        """Recomputes the chain and every address; `head` is the hash that is expected to be in the chain."""
        from headgate.ledger.verifying import verify

        with self._reading() as connection:
            return verify(connection, self.seal, self.store, head)

    def export(self, path: Path) -> int:
        """Writes all records, one JSON object a line, in one step; returns the number of lines."""
        from headgate.ledger.exporting import export

        return export(self, path)
