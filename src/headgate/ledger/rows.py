"""Rows of the ledger: dense numbers in ingest order, bodies compressed.

One append is one transaction: when it returns, its rows are on disk. Numbers are dense so that a
dataset version is a small bitmap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard
from pyroaring import BitMap
from sqlalchemy import Select, delete, func, insert, select

from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import digest, digest_json
from headgate.ledger import schema
from headgate.ledger.among import among, among_addresses, parts
from headgate.ledger.nodes import Begin, Reading
from headgate.ledger.sealing import Seal
from headgate.ledger.store import Store

BLOCK = 500  # addresses, or bodies, asked for in one query
NAMES = 10_000  # names of parents that are looked for in one query


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRecord:
    """A row as the ledger stores it: addresses, canonical bytes, and what lineage needs."""

    id: str
    content_id: str
    body: bytes  # canonical bytes; the ledger does not look inside
    source_id: str  # node of kind `source`
    subject: str | None = None
    parents: tuple[str, ...] = ()  # ids or content ids of the rows that this one was made from


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What an append did."""

    numbers: BitMap  # of all rows given, known ones included
    new: int
    known: int


def facts_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Digest of everything that is known of rows beside their bodies, in order of number."""
    return digest_json([[row[column.name] for column in schema.rows.c] for row in rows])


def parents_digest(parents: Iterable[Mapping[str, Any]]) -> str:
    """Digest of the parents of rows, whatever their order."""
    return digest_json(sorted([one["child"], one["parent_id"]] for one in parents))


class Rows:
    """The rows of one ledger."""

    def __init__(self, reading: Reading, begin: Begin, seal: Seal, store: Store) -> None:
        self._reading = reading
        self._begin = begin
        self._seal = seal
        self._store = store

    def append(self, records: Sequence[RowRecord]) -> Appended:
        """Stores rows in one transaction; rows whose id is known are not stored again.

        Raises:
            Broken: a source is not in the ledger.
        """
        numbers = BitMap()
        if not records:
            return Appended(numbers=numbers, new=0, known=0)
        compress = zstandard.ZstdCompressor(level=3).compress
        with self._begin() as writing:
            sources = self._sources(writing.connection, records)
            kept = {record.id: self._seal.of(record.id) for record in records}
            above = self._above(writing.connection, records)
            known = self._known(writing.connection, list(kept.values()))
            following = (writing.connection.scalar(select(func.max(schema.rows.c.number))) or 0) + 1
            rows: list[dict[str, Any]] = []
            bodies: list[dict[str, Any]] = []
            parents: list[dict[str, Any]] = []
            for record in records:
                address = kept[record.id]
                number = known.get(address)
                if number is None:
                    number = known[address] = following + len(rows)
                    rows.append(
                        {
                            "number": number,
                            "id": address,
                            "content_id": self._seal.of(record.content_id),
                            "body_digest": self._seal.address(record.body),
                            "size": len(record.body),
                            "source": sources[record.source_id],
                            "subject": record.subject,
                        }
                    )
                    plain = record.id if address != record.id else None
                    bodies.append({"number": number, "body": compress(record.body), "id": plain})
                    made_from = dict.fromkeys(above[parent] for parent in record.parents)
                    parents += [{"child": number, "parent_id": parent} for parent in made_from]
                numbers.add(number)
            if rows:
                said = {"first": following, "rows": len(rows), "digest": facts_digest(rows), "parents": len(parents)}
                writing.append("rows", {**said, "parents_digest": parents_digest(parents)})
                writing.connection.execute(insert(schema.rows), rows)
                places = self._store.keep(writing, [one["body"] for one in bodies], [one["number"] for one in bodies])
                kept_bodies = [one | {"body": place} for one, place in zip(bodies, places, strict=True)]
                writing.connection.execute(insert(schema.row_bodies), kept_bodies)
                if parents:
                    writing.connection.execute(insert(schema.row_parents), parents)
        return Appended(numbers=numbers, new=len(rows), known=len(records) - len(rows))

    def _sources(self, connection: Any, records: Sequence[RowRecord]) -> dict[str, int]:
        wanted = {record.source_id for record in records}
        table = schema.nodes.c
        found = {row.id: row.seq for row in connection.execute(select(table.id, table.seq).where(table.id.in_(wanted)))}
        if wanted - set(found):
            raise Broken("rows of a source that is not in the ledger", found=", ".join(sorted(wanted - set(found))[:3]))
        return found

    def _above(self, connection: Any, records: Sequence[RowRecord]) -> dict[str, str]:
        """What is kept of each parent; a restated row is named by the address that is kept of it already."""
        called = {parent for record in records for parent in record.parents}
        named = {parent: parent if schema.is_address(parent) else digest(parent.encode()) for parent in called}
        if not named or not self._seal.keyed:
            return named
        known = self._known(connection, list(named.values()))
        return {parent: one if one in known else self._seal.of(one) for parent, one in named.items()}

    def _known(self, connection: Any, ids: Sequence[str]) -> dict[str, int]:
        table = schema.rows.c
        found: dict[str, int] = {}
        for start in range(0, len(ids), BLOCK):
            query = select(table.id, table.number).where(table.id.in_(ids[start : start + BLOCK]))
            found |= {row.id: row.number for row in connection.execute(query)}
        return found

    def calling(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(row, name) of rows that call one of their parents by a name which was that of no row when they came."""
        table, made = schema.rows.c, schema.row_parents.c
        if not self._numbers(select(made.child).limit(1)):
            return
        named = list(names)
        for start in range(0, len(named), NAMES):
            plain = {digest(name.encode()): name for name in named[start : start + NAMES]}
            called = {form: name for one, name in plain.items() for form in self._seal.either({one})}
            query = select(table.id, made.parent_id).where(table.number == made.child)
            query = query.where(among_addresses(made.parent_id, called)).order_by(table.number)
            with self._reading() as connection:
                found = connection.execute(query).all()
            yield from ((row_id, called[parent]) for row_id, parent in found)

    def bodies(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str, bytes]]:
        """(number, id, canonical bytes) in order of number; erased rows are left out."""
        decompress = zstandard.ZstdDecompressor().decompress
        for part in parts(set(numbers), BLOCK):
            # An erasure may have moved rows between the look for them and the reading: then they are elsewhere.
            found = self._packed(part)
            if any(body is None for _, _, body in found):
                found = self._packed(part)
            for number, row_id, body in found:
                if body is None:
                    raise Refused(
                        f"the body of row {number} is lost or was changed", next_step="headgate ledger verify"
                    )
                yield number, row_id, decompress(body)

    def _packed(self, numbers: Sequence[int]) -> list[tuple[int, str, bytes | None]]:
        rows, bodies = schema.rows, schema.row_bodies
        query = (
            select(rows.c.number, func.coalesce(bodies.c.id, rows.c.id, type_=schema.Address()), bodies.c.body)
            .join(bodies, bodies.c.number == rows.c.number)
            .where(among(rows.c.number, numbers))
            .order_by(rows.c.number)
        )
        with self._reading() as connection:
            found = connection.execute(query).all()
            packed = self._store.fetch(connection, [kept for _, _, kept in found])
        return [(number, row_id, body) for (number, row_id, _), body in zip(found, packed, strict=True)]

    def ids(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str]]:
        """(number, id) in order of number; of an erased row, what the ledger keeps in place of its id."""
        rows, bodies = schema.rows, schema.row_bodies
        plain = func.coalesce(bodies.c.id, rows.c.id, type_=schema.Address())
        query = select(rows.c.number, plain).outerjoin(bodies, bodies.c.number == rows.c.number)
        return self._each(query, numbers)

    def kept(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str]]:
        """(number, address that stays when the row is erased) in order of number."""
        return self._each(select(schema.rows.c.number, schema.rows.c.id), numbers)

    def erased_among(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str | None, str]]:
        """(number, subject, name of its source) of those whose words were erased."""
        rows, bodies, nodes = schema.rows.c, schema.row_bodies.c, schema.nodes.c
        query = (
            select(rows.number, rows.subject, nodes.name)
            .join(schema.nodes, nodes.seq == rows.source)
            .outerjoin(schema.row_bodies, bodies.number == rows.number)
            .where(bodies.number.is_(None))
        )
        for part in parts(numbers):
            with self._reading() as connection:
                found = connection.execute(query.where(among(rows.number, part))).all()
            yield from ((int(number), subject, str(source)) for number, subject, source in found)

    def contents(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str]]:
        """(number, address of its words that stays when the row is erased) in order of number."""
        return self._each(select(schema.rows.c.number, schema.rows.c.content_id), numbers)

    def _each(self, query: Select[Any], numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, str]]:
        number = schema.rows.c.number
        for part in parts(set(numbers)):
            with self._reading() as connection:
                found = connection.execute(query.where(among(number, part)).order_by(number)).all()
            yield from ((one, address) for one, address in found)

    def all_numbers(self) -> BitMap:
        """Numbers of all rows, erased ones included."""
        return self._numbers(select(schema.rows.c.number))

    def numbers_of_subject(self, key: str) -> BitMap:
        """Numbers of the rows about a person."""
        return self._numbers(select(schema.rows.c.number).where(schema.rows.c.subject == key))

    def subjects_of(self, numbers: BitMap) -> int:
        """How many people some rows are about."""
        table, found = schema.rows.c, set[str]()
        for part in parts(numbers):
            query = select(table.subject).where(among(table.number, part)).distinct()
            with self._reading() as connection:
                found.update(one for one in connection.scalars(query) if one)
        return len(found)

    def numbers_of_source(self, source_id: str) -> BitMap:
        """Numbers of the rows of a source."""
        source = select(schema.nodes.c.seq).where(schema.nodes.c.id == source_id).scalar_subquery()
        return self._numbers(select(schema.rows.c.number).where(schema.rows.c.source == source))

    def numbers_of_sources(self, seqs: Iterable[int]) -> BitMap:
        """Numbers of the rows of sources, by the log entries of these."""
        return self._numbers(select(schema.rows.c.number).where(among(schema.rows.c.source, sorted(seqs))))

    def numbers_of_content(self, content_id: str) -> BitMap:
        """Numbers of the rows with the same words."""
        return self._numbers(select(schema.rows.c.number).where(schema.rows.c.content_id == self._seal.of(content_id)))

    def said_elsewhere(self, numbers: BitMap) -> BitMap:
        """Those of some rows whose content stands in other rows too."""
        table, out = schema.rows.c, BitMap()
        others = schema.rows.alias("others").c
        beside = (others.content_id == table.content_id) & (others.number != table.number)
        for part in parts(numbers):
            query = select(table.number, others.number).where(among(table.number, part), beside)
            with self._reading() as connection:
                out |= BitMap(own for own, other in connection.execute(query) if other not in numbers)
        return out

    def number_of(self, row_id: str) -> int | None:
        """Number of a row, or None."""
        if not schema.is_address(row_id):
            return None
        with self._reading() as connection:
            query = select(schema.rows.c.number).where(schema.rows.c.id.in_(self._seal.either({row_id})))
            found = connection.scalar(query)
        return int(found) if found is not None else None

    def numbers_of(self, ids: Iterable[str]) -> BitMap:
        """Numbers of rows; ids that are no rows of this ledger are left out."""
        wanted = self._seal.either(set(ids))
        return self._numbers(select(schema.rows.c.number).where(among_addresses(schema.rows.c.id, wanted)))

    def parents_of(self, numbers: BitMap | Iterable[int]) -> BitMap:
        """Numbers of the rows that these were made from, one step up; parents never captured are left out."""
        out = BitMap()
        rows, made = schema.rows, schema.row_parents
        if not self._numbers(select(made.c.child).limit(1)):
            return out
        for address in (rows.c.id, rows.c.content_id):  # a parent may be called by what it says
            query = select(rows.c.number).join(made, made.c.parent_id == address)
            for part in parts(numbers):
                out |= self._numbers(query.where(among(made.c.child, part)))
        return out

    def links_up(self, numbers: BitMap | Iterable[int]) -> Iterator[tuple[int, int]]:
        """(row, a row that it was made from), by number; parents never captured are left out."""
        rows, made = schema.rows, schema.row_parents
        for part in parts(numbers):
            for address in (rows.c.id, rows.c.content_id):  # a parent may be called by what it says
                query = select(made.c.child, rows.c.number).join(rows, made.c.parent_id == address)
                with self._reading() as connection:
                    found = connection.execute(query.where(among(made.c.child, part))).all()
                yield from ((int(child), int(parent)) for child, parent in found)

    def children_of(self, numbers: BitMap | Iterable[int]) -> BitMap:
        """Numbers of the rows that were made from any of these rows, one step down."""
        out = BitMap()
        rows, made = schema.rows, schema.row_parents
        if not self._numbers(select(made.c.child).limit(1)):
            return out
        # A parent may be called by what it says.
        query = select(made.c.child).join(rows, made.c.parent_id.in_((rows.c.id, rows.c.content_id)))
        for part in parts(numbers):
            out |= self._numbers(query.where(among(rows.c.number, part)))
        return out

    def sources_of(self, numbers: BitMap | Iterable[int]) -> set[str]:
        """Ids of the source nodes of rows."""
        table = schema.nodes.c
        query = select(table.id).where(among(table.seq, sorted(self.source_seqs(numbers))))
        with self._reading() as connection:
            return set(connection.scalars(query))

    def source_seqs(self, numbers: BitMap | Iterable[int]) -> set[int]:
        """Log entries of the source nodes of rows."""
        table, out = schema.rows.c, set[int]()
        with self._reading() as connection:
            for part in parts(numbers):
                out.update(connection.scalars(select(table.source).where(among(table.number, part)).distinct()))
        return out

    def erase(self, numbers: BitMap | Iterable[int]) -> int:
        """Removes the bodies of rows for good; ids, numbers and edges stay. Returns how many were there."""
        wanted = sorted(numbers)
        erased: dict[int, bytes] = {}
        bodies = schema.row_bodies
        with self._begin() as writing:
            for start in range(0, len(wanted), BLOCK):
                part = wanted[start : start + BLOCK]
                query = select(bodies.c.number, bodies.c.body).where(bodies.c.number.in_(part))
                erased.update((row.number, row.body) for row in writing.connection.execute(query))
                writing.connection.execute(delete(bodies).where(bodies.c.number.in_(part)))
            writing.erases = True
            if erased:
                self._store.release(writing, erased.values())
                writing.append("rows-erased", {"numbers": sorted(erased)})
        return len(erased)

    def restate(self, bodies: Mapping[int, bytes]) -> None:
        """Puts other bodies in the place of those of rows that stay, and takes their plain addresses away.

        For rows that name erased ones: whoever knows the rest of such a row could try texts against its own address
        too. The address that the ledger keeps stays, and so do versions and edges; the log has the new digests.
        """
        wanted, table = sorted(bodies), schema.row_bodies
        if not wanted:
            return
        compress = zstandard.ZstdCompressor(level=3).compress
        with self._begin() as writing:
            old = list[bytes]()
            for start in range(0, len(wanted), BLOCK):
                part = wanted[start : start + BLOCK]
                old += writing.connection.scalars(select(table.c.body).where(table.c.number.in_(part)))
                writing.connection.execute(delete(table).where(table.c.number.in_(part)))
            writing.erases = True
            self._store.release(writing, old)
            places = self._store.keep(writing, [compress(bodies[number]) for number in wanted], wanted)
            new = [{"number": number, "body": place, "id": None} for number, place in zip(wanted, places, strict=True)]
            writing.connection.execute(insert(table), new)
            said = [[number, self._seal.address(bodies[number])] for number in wanted]
            writing.append("rows-restated", {"rows": said})

    def restated(self, numbers: BitMap) -> BitMap:
        """Those of some rows whose bodies were put in other words of their lineage: the address is no digest of it."""
        if not self._seal.keyed:
            return BitMap()
        bodies = schema.row_bodies.c
        return self._numbers(select(bodies.number).where(bodies.id.is_(None))) & numbers

    def _numbers(self, query: Any) -> BitMap:
        with self._reading() as connection:
            return BitMap(connection.scalars(query).all())
