"""Dataset versions: frozen bitmaps over row numbers, named `support@3`, with a manifest and its digest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection, LargeBinary, func, insert, select, type_coerce

from headgate.kit.errors import Broken, Refused
from headgate.kit.hashing import digest_json
from headgate.ledger import schema
from headgate.ledger.among import among
from headgate.ledger.nodes import Begin, Edge, Nodes, Reading
from headgate.ledger.protection import Protection
from headgate.ledger.rows import Rows

KIND = "dataset-version"
KEPT_BYTES = 256 << 20  # of bitmaps that were read, kept while the ledger is open


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """One frozen version. `manifest` is the body of its node."""

    name: str  # such as "support@3"
    node_id: str
    numbers: BitMap
    splits: Mapping[str, BitMap]
    manifest: Mapping[str, Any]
    manifest_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of some rows stand in one version."""

    name: str
    node_id: str
    rows: int
    splits: Mapping[str, int]  # of those that hold any
    newest: bool  # no later version of the dataset is there


class Versions:
    """The dataset versions of one ledger."""

    def __init__(self, reading: Reading, begin: Begin, nodes: Nodes, rows: Rows, protection: Protection) -> None:
        self._reading = reading
        self._begin = begin
        self._nodes = nodes
        self._rows = rows
        self._protection = protection
        self._kept: dict[int, tuple[bytes, BitMap]] = {}  # ids and rows of versions that were read, by log entry
        self._kept_bytes = 0

    def freeze(
        self,
        name: str,
        *,
        numbers: BitMap,
        splits: Mapping[str, BitMap],
        manifest: Mapping[str, Any],
        parents: Iterable[str] = (),
        held_out: Iterable[str] = (),
    ) -> str:
        """Freezes rows under the next free `name@N`; the same content again gives the name it has.

        The manifest of the version is what the caller says (settings, counts, proofs) and the number
        and digest of the ordered row ids, in all and for each split. `held_out` are splits that are
        never trained on: their rows may match protected items.

        Raises:
            Refused: the name has an `@`, there are no rows, or a row was not admitted by the firewall.
            Broken: a split holds rows that the version does not, or rows are not in the ledger.
        """
        _must_be_whole(name, numbers, splits)
        trained = numbers - BitMap.union(BitMap(), *(splits[split] for split in held_out if split in splits))
        self._protection.must_be_admitted(numbers, trained, name)
        full = {
            "dataset": name,
            "rows": len(numbers),
            "ids": self._ids_digest(numbers),
            "splits": {
                split: {"rows": len(inside), "ids": self._ids_digest(inside)}
                for split, inside in sorted(splits.items())
            },
            "manifest": dict(manifest),
        }
        address = digest_json(full)
        table = schema.versions
        with self._begin() as writing:
            known = writing.connection.scalar(
                select(table.c.number).where(table.c.name == name, table.c.manifest_digest == address)
            )
            if known is not None:
                return f"{name}@{known}"
            number = (writing.connection.scalar(select(func.max(table.c.number)).where(table.c.name == name)) or 0) + 1
            edges = [Edge("derived-from", parent) for parent in dict.fromkeys(parents)]
            node = self._nodes.record(KIND, f"{name}@{number}", full, edges)
            seq = writing.connection.execute(select(schema.nodes.c.seq).where(schema.nodes.c.id == node)).scalar_one()
            writing.append("version", {"name": f"{name}@{number}", "node": node, "manifest": address})
            writing.connection.execute(
                insert(table),
                {"seq": seq, "name": name, "number": number, "manifest_digest": address, "numbers": packed(numbers)},
            )
            for split, inside in splits.items():
                writing.connection.execute(
                    insert(schema.version_splits), {"seq": seq, "split": split, "numbers": packed(inside)}
                )
        return f"{name}@{number}"

    def get(self, name: str) -> DatasetVersion:
        """A version by `name@N`, or the newest of a name.

        Raises:
            Refused: there is none.
        """
        base, at, number = name.partition("@")
        table = schema.versions
        query = select(table).where(table.c.name == base).order_by(table.c.number.desc()).limit(1)
        if at:
            if not number.isdigit():
                raise Refused("not a dataset version", found=name, wanted="NAME@NUMBER, such as support@3")
            query = query.where(table.c.number == int(number))
        with self._reading() as connection:
            row = connection.execute(query).first()
            if row is None:
                known = sorted({f"{n}@{k}" for n, k in connection.execute(select(table.c.name, table.c.number))})
                raise Refused(
                    "no such dataset version", found=name, wanted=", ".join(known[-8:]) or "there are none yet"
                )
            splits = connection.execute(
                select(schema.version_splits).where(schema.version_splits.c.seq == row.seq)
            ).all()
            node = connection.scalar(select(schema.nodes.c.id).where(schema.nodes.c.seq == row.seq))
        found = self._nodes.get(str(node))
        return DatasetVersion(
            name=found.name,
            node_id=found.id,
            numbers=BitMap.deserialize(row.numbers),
            splits={one.split: BitMap.deserialize(one.numbers) for one in splits},
            manifest=found.body,
            manifest_digest=row.manifest_digest,
        )

    def names(self) -> list[str]:
        """All versions, in order of freezing."""
        table = schema.versions.c
        with self._reading() as connection:
            rows = connection.execute(select(table.name, table.number).order_by(table.seq)).all()
        return [f"{name}@{number}" for name, number in rows]

    def holding(self, numbers: BitMap | Iterable[int]) -> dict[str, BitMap]:
        """Versions that hold any of the rows, each with the rows that it holds."""
        wanted = BitMap(numbers)
        table = schema.versions.c
        with self._reading() as connection:
            rows = connection.execute(select(table.name, table.number, table.numbers).order_by(table.seq)).all()
        shared = {f"{row.name}@{row.number}": BitMap.deserialize(row.numbers) & wanted for row in rows}
        return {name: inside for name, inside in shared.items() if inside}

    def nodes_holding(self, numbers: BitMap) -> dict[str, int]:
        """Node ids of the versions that hold any of the rows, with how many they hold."""
        with self._reading() as connection:
            named = self._named(connection)
            counts = _counts(self._each(connection, named), numbers)
        return {schema.address(named[seq]): count for seq, count in counts.items()}

    def counts(self, numbers: BitMap) -> dict[int, int]:
        """Log entries of the versions that hold any of the rows, with how many they hold."""
        with self._reading() as connection:
            return _counts(self._each(connection, self._named(connection)), numbers)

    def numbers_of(self, seqs: Collection[int]) -> BitMap:
        """Numbers of the rows of some versions, by the log entries of these.

        Raises:
            Refused: the ledger has the record of a version and not its rows.
        """
        out = BitMap()
        if not seqs:
            return out
        with self._reading() as connection:
            named = self._named(connection, seqs)
            for _, held in self._each(connection, named):
                out |= held
        if left := set(seqs) - set(named):
            raise Refused(
                "the rows of a dataset version are not in the ledger",
                found=f"log entry {min(left)}",
                next_step="headgate ledger verify",
            )
        return out

    def _named(self, connection: Connection, seqs: Collection[int] | None = None) -> dict[int, bytes]:
        """Node ids of all versions, or of some, by log entry. Asked each time: others may have frozen some since."""
        table, nodes = schema.versions.c, schema.nodes.c
        query = select(table.seq, type_coerce(nodes.id, LargeBinary)).where(nodes.seq == table.seq)
        if seqs is not None:
            query = query.where(among(table.seq, sorted(seqs)))
        return {int(seq): bytes(node) for seq, node in connection.execute(query).all()}

    def _each(self, connection: Connection, named: Mapping[int, bytes]) -> Iterable[tuple[int, BitMap]]:
        """The rows of versions by log entry. What was read is kept, up to a limit."""
        kept = self._kept
        known = [(seq, kept[seq][1]) for seq, node in named.items() if seq in kept and kept[seq][0] == node]
        read = {seq for seq, _ in known}
        rest = {seq: node for seq, node in named.items() if seq not in read} if len(read) < len(named) else {}
        return chain(known, self._read(connection, rest)) if rest else known

    def _read(self, connection: Connection, named: Mapping[int, bytes]) -> Iterator[tuple[int, BitMap]]:
        # What a transaction wrote may be undone, and its log entries and row numbers given to others.
        lasting = not connection.get_execution_options().get("writing", False)
        table = schema.versions.c
        query = select(table.seq, table.numbers).where(among(table.seq, sorted(named)))
        # One at a time: a thousand versions of scattered rows would not fit into memory.
        for seq, packed_numbers in connection.execute(query.execution_options(yield_per=64)):
            held = BitMap.deserialize(packed_numbers)
            if lasting and self._kept_bytes + len(packed_numbers) <= KEPT_BYTES:
                self._kept[seq] = (named[seq], held)
                self._kept_bytes += len(packed_numbers)
            yield seq, held

    def forget(self) -> None:
        """Lets go of what was read and kept."""
        self._kept.clear()
        self._kept_bytes = 0

    def shares(self, numbers: BitMap, held: Mapping[int, tuple[str, int]]) -> list[Share]:
        """Where the rows stand in some versions, in order of freezing.

        `held` says of each version, by its log entry, its id and how many of the rows it holds.
        """
        table, splits, asked = schema.versions.c, schema.version_splits, sorted(held)
        query = select(table.seq, table.name, table.number).where(among(table.seq, asked)).order_by(table.seq)
        newest = select(table.name, func.max(table.number)).group_by(table.name)
        inside: dict[int, dict[str, int]] = {}
        with self._reading() as connection:
            last = {str(name): int(number) for name, number in connection.execute(newest)}
            found = connection.execute(query).all()
            cut = select(splits).where(among(splits.c.seq, asked)).execution_options(yield_per=64)
            for seq, split, packed_numbers in connection.execute(cut.order_by(splits.c.seq, splits.c.split)):
                if count := BitMap.deserialize(packed_numbers).intersection_cardinality(numbers):
                    inside.setdefault(seq, {})[split] = count
        return [
            Share(
                name=f"{name}@{number}",
                node_id=held[seq][0],
                rows=held[seq][1],
                splits=inside.get(seq, {}),
                newest=number == last[name],
            )
            for seq, name, number in found
        ]

    def _ids_digest(self, numbers: BitMap) -> str:
        ids = [row_id for _, row_id in self._rows.kept(numbers)]
        if len(ids) != len(numbers):
            raise Broken(
                "a version of rows that are not in the ledger", found=f"{len(numbers) - len(ids)} unknown rows"
            )
        return ids_digest(ids)


def _counts(each: Iterable[tuple[int, BitMap]], numbers: BitMap) -> dict[int, int]:
    return {seq: count for seq, held in each if (count := held.intersection_cardinality(numbers))}


def _must_be_whole(name: str, numbers: BitMap, splits: Mapping[str, BitMap]) -> None:
    if "@" in name or not name:
        raise Refused("not a name for a dataset", found=repr(name), wanted="a name without @")
    if not numbers:
        raise Refused(
            f"dataset {name!r} would have no rows", next_step="loosen the filter, or look at what was removed"
        )
    for split, inside in splits.items():
        if inside - numbers:
            raise Broken(f"split {split!r} has rows that the version lacks", found=f"{len(inside - numbers)} rows")


def ids_digest(ids: Sequence[str]) -> str:
    """Digest of row ids in order of their numbers."""
    return digest_json(list(ids))


def packed(numbers: BitMap) -> bytes:
    """A bitmap as bytes; runs of consecutive numbers take a few bytes."""
    small = numbers.copy()
    small.run_optimize()
    return bytes(small.serialize())
