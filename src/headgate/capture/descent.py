"""Parents that a file names by the ids of its own: which rows they are.

The ledger links rows by address. A row may stand before its parents, so what cannot be told yet waits for the end of
the import. A name means a row of the same file, else of the same import, else of the ledger; where several rows have
it, all of them, for an erasure must rather find too many than miss one. A parent that comes with a later import still
is linked to the rows that named it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headgate.ledger import schema
from headgate.ledger.ledger import Edge, Ledger
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows

Name = tuple[str, str]  # file (empty: any) and own id


@dataclass
class Names:
    """Rows of an import by the ids that their files give them."""

    seen: list[Row]  # everything read so far, which grows; looked through once a name is asked for
    unknown: set[str] = field(default_factory=set)  # names that no row has
    _rows: dict[Name, dict[str, None]] = field(default_factory=dict)
    _learned: int = 0

    def parents_of(self, row: Row) -> tuple[str, ...] | None:
        """Addresses of the parents of a row; None where a name is that of no row so far."""
        if all(map(schema.is_address, row.side.parents)):
            return row.side.parents
        self._learn()
        file = row.place.file if row.place else ""
        found = [self._called(file, parent) for parent in row.side.parents]
        return None if not all(found) else tuple(dict.fromkeys(one for some in found for one in some))

    def parents_at_last(self, row: Row) -> tuple[str, ...]:
        """The same when nothing more is read: names of no row stay names."""
        file = row.place.file if row.place else ""
        found = ((parent, self._called(file, parent)) for parent in row.side.parents)
        self.unknown.update(parent for parent, rows in found if not rows)
        return tuple(one for parent in row.side.parents for one in self._called(file, parent) or (parent,))

    def look_in(self, ledger: Ledger, waiting: Iterable[Row]) -> None:
        """Learns what the ledger has under the names that are of no row of this import."""
        self._learn()
        wanted = {
            parent
            for row in waiting
            for parent in row.side.parents
            if not self._called(row.place.file if row.place else "", parent)
        }
        for _, row in stored_rows(ledger, ledger.rows.all_numbers()) if wanted else ():
            if row.side.id in wanted:
                self._rows.setdefault(("", row.side.id or ""), {})[row.id] = None

    def _called(self, file: str, parent: str) -> tuple[str, ...]:
        if schema.is_address(parent):
            return (parent,)
        return tuple(self._rows.get((file, parent)) or self._rows.get(("", parent)) or ())

    def _learn(self) -> None:
        for row in self._new():
            for file in {row.place.file if row.place else "", ""}:
                self._rows.setdefault((file, row.side.id or ""), {})[row.id] = None

    def _new(self) -> Iterator[Row]:
        start, self._learned = self._learned, len(self.seen)
        return (row for row in self.seen[start:] if row.side.id)


def link_to_earlier(ledger: Ledger, rows: Iterable[Row]) -> int:
    """Links rows of this import to the children that named them before they came; returns how many links are new.

    Whoever captures the same files again, after a crash, makes the links that are missing and no others.
    """
    called: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.side.id:
            called.setdefault(row.side.id, {})[row.id] = None
    links = [
        (child, [Edge("derived-from", parent) for parent in called[name]])
        for child, name in ledger.rows.calling(called)
    ]
    return sum(ledger.link(child, edges) for child, edges in links)
