"""Rows and content in sealed objects of an S3-compatible store.

An append writes its rows into objects of bounded size, each piece sealed (AES-256-GCM) under a key that this object
alone has. Names are random. Keys and names stand in the database: who holds the bucket, a replica of it or an old
version of an object holds nothing that can be read or guessed, and deleting the key takes the words out of all of
them. An object is written before the transaction that names it is committed, so that an acknowledged row is never
without its bytes; what an interrupted append leaves behind is named nowhere and goes with the next sweep.
"""

from __future__ import annotations

import secrets
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, delete, func, insert, select

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.ledger import schema
from headgate.ledger.among import among, parts
from headgate.ledger.chain import Writing
from headgate.ledger.database import Swept
from headgate.ledger.doors import S3
from headgate.ledger.store import InDatabase, Store

SCHEME = "s3://"
SEGMENT = 8 << 20  # bytes of an object, if one piece alone is not larger
GAP = 64 << 10  # bytes between two pieces that are rather read than left out
AT_ONCE = 8  # reads
MARK = b"@"  # no packed piece begins with it: zstd begins with its own
PLACE = struct.Struct(">III")  # object, start, size


class Bucket(Protocol):
    """What is wanted of an object store; every error is a refusal that says which store."""

    def put(self, name: str, data: bytes) -> None:
        """Stores an object that must not be there."""

    def get(self, name: str, start: int, size: int) -> bytes | None:
        """A part of an object; None where there is no such object."""

    def versions(self, folder: str) -> Iterator[tuple[str, str]]:
        """(name, version) of everything under a folder, marks of deletion included."""

    def delete(self, found: Sequence[tuple[str, str]]) -> list[str]:
        """Deletes versions for good; names those that are still there, and why."""

    def abort_uploads(self, folder: str) -> None:
        """Ends uploads that were begun under a folder, and frees their parts."""

    def copies(self) -> Swept:
        """Copies that the store makes elsewhere."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a piece lies."""

    number: int
    start: int
    size: int

    @classmethod
    def of(cls, kept: bytes) -> _Place:
        return cls(*PLACE.unpack(kept[len(MARK) :]))

    def as_bytes(self) -> bytes:
        return MARK + PLACE.pack(self.number, self.start, self.size)


class ObjectStore:
    """The objects of one ledger, in a folder of their own."""

    def __init__(self, bucket: Bucket, folder: str, sealer: Any) -> None:
        self._bucket = bucket
        self._folder = folder
        self._sealer = sealer  # AESGCM

    def keep(self, writing: Writing, packed: Sequence[bytes], numbers: Sequence[int] = ()) -> list[bytes]:
        """Writes the pieces into new objects; returns their places."""
        table, out = schema.objects, list[bytes]()
        following = (writing.connection.scalar(select(func.max(table.c.number))) or 0) + 1
        for number, (begin, end) in enumerate(_segments(packed), start=following):
            key, name = secrets.token_bytes(32), f"{self._folder}/{secrets.token_hex(16)}"
            sealer, parts, start = self._sealer(key), list[bytes](), 0
            for piece in packed[begin:end]:
                sealed = sealer.encrypt(_nonce(start), piece, name.encode())
                out.append(_Place(number, start, len(sealed)).as_bytes())
                parts.append(sealed)
                start += len(sealed)
            self._bucket.put(name, b"".join(parts))
            span = {"first": numbers[begin], "last": numbers[end - 1]} if numbers else {"first": None, "last": None}
            writing.connection.execute(insert(table), {"number": number, "name": name, "key": key, **span})
        return out

    def fetch(self, connection: Connection, kept: Sequence[bytes]) -> list[bytes | None]:
        """Reads the pieces, those that lie near each other at once."""
        out: list[bytes | None] = [None if one.startswith(MARK) else one for one in kept]
        by_object: dict[int, list[tuple[_Place, int]]] = defaultdict(list)
        for index, one in enumerate(kept):
            if one.startswith(MARK):
                place = _Place.of(one)
                by_object[place.number].append((place, index))
        if not by_object:
            return out
        table = schema.objects.c
        query = select(table.number, table.name, table.key).where(table.number.in_(by_object))
        named = {row.number: (row.name, row.key) for row in connection.execute(query)}
        reads = [
            (*named[number], run)
            for number, places in by_object.items()
            if number in named
            for run in _runs(sorted(places, key=lambda one: one[0].start))
        ]
        for found in self._each(reads):
            for index, piece in found:
                out[index] = piece
        return out

    def _each(self, reads: list[Any]) -> Iterator[list[tuple[int, bytes | None]]]:
        if len(reads) == 1:
            yield self._read(*reads[0])
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(lambda one: self._read(*one), reads)

    def _read(self, name: str, key: bytes, run: list[tuple[_Place, int]]) -> list[tuple[int, bytes | None]]:
        begin = run[0][0].start
        data = self._bucket.get(name, begin, run[-1][0].start + run[-1][0].size - begin)
        if data is None:
            return [(index, None) for _, index in run]
        sealer, out = self._sealer(key), list[tuple[int, bytes | None]]()
        for place, index in run:
            part = data[place.start - begin :][: place.size]
            try:
                out.append((index, sealer.decrypt(_nonce(place.start), part, name.encode())))
            except Exception as error:
                if type(error).__name__ not in ("InvalidTag", "ValueError"):
                    raise
                out.append((index, None))
        return out

    def release(self, writing: Writing, kept: Iterable[bytes]) -> None:
        """Writes what stays of the objects into new ones; the old ones are named nowhere afterwards."""
        touched = sorted({_Place.of(one).number for one in kept if one.startswith(MARK)})
        table = schema.objects
        for number in touched:
            row = writing.connection.execute(select(table).where(table.c.number == number)).first()
            if row is None:
                continue
            if row.first is not None:
                self._rewrite(writing, number, row.first, row.last)
            writing.connection.execute(delete(table).where(table.c.number == number))

    def _rewrite(self, writing: Writing, number: int, first: int, last: int) -> None:
        bodies = schema.row_bodies
        query = select(bodies).where(bodies.c.number.between(first, last)).order_by(bodies.c.number)
        here = MARK + number.to_bytes(4, "big")
        stay = [row for row in writing.connection.execute(query) if row.body.startswith(here)]
        if not stay:
            return
        pieces = [piece for piece in self.fetch(writing.connection, [row.body for row in stay]) if piece is not None]
        if len(pieces) != len(stay):
            raise Refused(
                "rows that are to stay cannot be read, and nothing was erased",
                found=f"{len(stay) - len(pieces)} rows between {first} and {last}",
                next_step="headgate ledger verify",
            )
        numbers = [row.number for row in stay]
        places = self.keep(writing, pieces, numbers)
        for part in parts(numbers):
            writing.connection.execute(delete(bodies).where(among(bodies.c.number, part)))
        moved = [{"number": row.number, "id": row.id, "body": place} for row, place in zip(stay, places, strict=True)]
        writing.connection.execute(insert(bodies), moved)

    def lay_key(self, text: str) -> None:
        """Stores the key of the ledger beside its folder, where no sweep looks."""
        self._bucket.put(f"{self._folder}.key", text.encode())

    def key(self) -> str | None:
        """The key of the ledger; None where it is not here."""
        data = self._bucket.get(f"{self._folder}.key", 0, 1 << 10)
        return data.decode("ascii", "replace") if data is not None else None

    def sweep(self, writing: Writing) -> Swept:
        """Deletes every version of every object that the database does not name, and uploads that never ended."""
        known = set(writing.connection.scalars(select(schema.objects.c.name)))
        swept = self._bucket.copies()
        self._bucket.abort_uploads(self._folder + "/")
        strays = [found for found in self._bucket.versions(self._folder + "/") if found[0] not in known]
        swept.left += self._bucket.delete(strays)
        return swept


def content_store(connection: Connection) -> Store:
    """Where the content of a ledger lies, as it was said when the ledger was made.

    Raises:
        Refused: the store cannot be reached, or the address is none.
        Unavailable: the extra `s3` is not installed.
    """
    row = connection.execute(select(schema.content_store)).first()
    return InDatabase() if row is None else open_store(row.place, row.folder)


def open_store(place: str, folder: str) -> ObjectStore:
    """The objects of a ledger in a bucket; connects to nothing yet.

    Raises:
        Refused: the address is none.
        Unavailable: the extra `s3` is not installed.
    """
    name, prefix = split(place)
    engine = open_door(S3)
    return ObjectStore(engine.S3Bucket(name), f"{prefix}/{folder}".lstrip("/"), engine.AESGCM)


def split(place: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`.

    Raises:
        Refused: the address is none.
    """
    name, _, prefix = place.removeprefix(SCHEME).partition("/")
    if not place.startswith(SCHEME) or not name or "@" in name or "?" in place:
        raise Refused("not a place for content", found=place.partition("?")[0], wanted="s3://BUCKET/PREFIX")
    return name, prefix.strip("/")


def _segments(packed: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Runs of pieces, as (first, behind the last), of bounded size."""
    begin, size = 0, 0
    for index, piece in enumerate(packed):
        if index > begin and size + len(piece) > SEGMENT:
            yield begin, index
            begin, size = index, 0
        size += len(piece)
    if packed:
        yield begin, len(packed)


def _runs(places: Sequence[tuple[_Place, int]]) -> Iterator[list[tuple[_Place, int]]]:
    """Places of one object, in order, that are read at once."""
    run: list[tuple[_Place, int]] = []
    for one in places:
        if run and one[0].start - (run[-1][0].start + run[-1][0].size) > GAP:
            yield run
            run = []
        run.append(one)
    yield run


def _nonce(start: int) -> bytes:
    # Unique under the key of an object, which is used for these pieces once and for nothing else.
    return start.to_bytes(12, "big")
