"""Questions about descent: which rows name parents, and which rows are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from headgate.kit.hashing import PREFIX
from headgate.rows.row import Row
from headgate.rules.corpus import Corpus, key_hash
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.tape import Hashes


@dataclass(frozen=True, slots=True)
class Family:
    """Rows with parents; C of them."""

    children: tuple[int, ...]  # numbers of the rows, ascending
    parents: tuple[tuple[str, ...], ...]  # of each, as the row names them
    written_alone: int  # rows that a model wrote and that name no parent

    @property
    def names(self) -> set[str]:
        """All parents."""
        return {name for names in self.parents for name in names}


@dataclass(frozen=True, slots=True)
class Parents:
    """Which rows name parents, and which."""

    @classmethod
    def of(cls, options: Any) -> Self:  # noqa: ARG003 - the same for all
        """Options change nothing."""
        return cls()

    def find(self, block: Corpus) -> Arrays:
        """Children of a block, and what they name."""
        children = [place for place, row in enumerate(block) if row.side.parents]
        alone = sum(bool(row.side.generator) and not row.side.parents for row in block)
        return {
            "children": np.array(children, dtype=np.uint32),
            "parents": as_bytes([block[place].side.parents for place in children]),
            "alone": np.array([alone], dtype=np.int64),
        }

    def put_together(self, found: Sequence[Found]) -> Family:
        """The children of all blocks."""
        known: dict[str, str] = {}  # each name once in memory, however many rows have it
        parents = [
            tuple(known.setdefault(name, name) for name in names)
            for one in found
            for names in from_bytes(one.arrays["parents"])
        ]
        children = chained(found, "children", np.int64, numbers=True).tolist()
        return Family(tuple(children), tuple(parents), int(chained(found, "alone", np.int64).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Bearers:
    """Which rows bear one of some names: an own id, an address or a content address."""

    own: Hashes  # key hashes of own ids and of addresses, sorted
    addresses: bool  # whether any name may be an address; they are costly, since every row must be hashed

    @classmethod
    def named(cls, names: Iterable[str]) -> Self:
        """The question about these names."""
        wanted = sorted(set(names))
        hashes = np.unique(np.fromiter(map(key_hash, wanted), dtype=np.uint64, count=len(wanted)))
        return cls(hashes, any(name.startswith(PREFIX) for name in wanted))

    def find(self, block: Corpus) -> Arrays:
        """Names and rows of a block."""
        wanted = frozenset(self.own.tolist())
        met = [
            (place, name)
            for place, row in enumerate(block)
            for name in names_of(row, addresses=self.addresses)
            if key_hash(name) in wanted
        ]
        return {
            "rows": np.array([place for place, _ in met], dtype=np.uint32),
            "names": as_bytes([name for _, name in met]),
        }

    def put_together(self, found: Sequence[Found]) -> list[tuple[int, str]]:
        """Numbers of rows, ascending, with a name of each; a row may stand there more than once."""
        names = [name for one in found for name in from_bytes(one.arrays["names"])]
        return list(zip(chained(found, "rows", np.int64, numbers=True).tolist(), names, strict=True))


def names_of(row: Row, *, addresses: bool = True) -> list[str]:
    """Under which names other rows may name a row."""
    made = [row.id, row.content_id] if addresses else []
    return [name for name in (*made, row.side.id) if name]
