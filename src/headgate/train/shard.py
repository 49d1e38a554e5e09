"""The shard: what the trainer reads, and nothing else.

Token ids and a loss weight for each token, row after row, in a fixed order. Its bytes are canonical,
so its content address says exactly what was trained on; the closure of a run holds that address.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, must_be_file
from headgate.kit.hashing import canonical_json, digest

MAGIC = b"headgate shard 1\n"
Ints = np.ndarray[tuple[int], np.dtype[np.int32]]
Offsets = np.ndarray[tuple[int], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shard:
    """Tokenised rows in a fixed order."""

    row_ids: tuple[str, ...]  # content addresses of the rows
    offsets: Offsets  # (rows * each + 1,): text i has tokens offsets[i] to offsets[i + 1]
    tokens: Ints  # (tokens,)
    weights: Floats  # (tokens,): share of the loss of each token; 0: not learned
    each: int = 1  # texts of a row: 2 of a pair, the preferred one first
    labels: tuple[bool, ...] = ()  # (rows,) of rows that are good or bad: which; empty for others

    def __len__(self) -> int:
        return len(self.row_ids)

    def row(self, i: int, text: int = 0) -> tuple[Ints, Floats]:
        """Tokens and weights of one row, or of one of its texts."""
        at = i * self.each + text
        begin, end = self.offsets[at], self.offsets[at + 1]
        return self.tokens[begin:end], self.weights[begin:end]

    @property
    def supervised(self) -> int:
        """Tokens that reach the loss."""
        return int(np.count_nonzero(self.weights))

    def to_bytes(self) -> bytes:
        """The canonical form: a line, a JSON header with its length, and little-endian arrays."""
        told: dict[str, Any] = {"rows": list(self.row_ids), "tokens": len(self.tokens)}
        if self.each != 1:
            told["each"] = self.each
        if self.labels:
            told["labels"] = list(self.labels)
        header = canonical_json(told)
        arrays = (self.offsets.astype("<i8"), self.tokens.astype("<i4"), self.weights.astype("<f4"))
        return MAGIC + struct.pack("<Q", len(header)) + header + b"".join(array.tobytes() for array in arrays)

    @property
    def digest(self) -> str:
        """Content address."""
        return digest(self.to_bytes())


def shard_of(
    row_ids: Sequence[str],
    tokens: Sequence[Sequence[int]],
    weights: Sequence[Sequence[float]],
    *,
    each: int = 1,
    labels: Sequence[bool] = (),
) -> Shard:
    """Lays rows out flat; `each` texts after another belong to one row."""
    lengths = np.fromiter((len(one) for one in tokens), dtype=np.int64, count=len(tokens))
    return Shard(
        row_ids=tuple(row_ids),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        tokens=np.fromiter((t for one in tokens for t in one), dtype=np.int32, count=int(lengths.sum())),
        weights=np.fromiter((w for one in weights for w in one), dtype=np.float32, count=int(lengths.sum())),
        each=each,
        labels=tuple(labels),
    )


def keep(shard: Shard, folder: Path) -> Path:
    """Writes a shard under its address; a shard that is there already is left alone."""
    data = shard.to_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest(data).removeprefix('b3:')}.shard"
    if not path.exists():
        with atomic_write(path) as stream:
            stream.write(data)
    return path


def read(path: Path) -> Shard:
    """Reads a shard and proves that it is the one its name says.

    Raises:
        Refused: missing, damaged, or another content than its name.
    """
    data = must_be_file(path).read_bytes()
    if digest(data).removeprefix("b3:") != path.stem or not data.startswith(MAGIC):
        raise Refused("a shard is damaged", file=str(path), next_step="delete it; the next run writes it again")
    start = len(MAGIC) + 8
    (length,) = struct.unpack("<Q", data[len(MAGIC) : start])
    header = orjson.loads(data[start : start + length])
    rows, count, start = tuple(header["rows"]), int(header["tokens"]), start + length
    each = int(header.get("each", 1))
    offsets = np.frombuffer(data, "<i8", len(rows) * each + 1, start)
    tokens = np.frombuffer(data, "<i4", count, start + offsets.nbytes)
    weights = np.frombuffer(data, "<f4", count, start + offsets.nbytes + tokens.nbytes)
    return Shard(
        row_ids=rows,
        offsets=offsets.astype(np.int64),
        tokens=tokens.astype(np.int32),
        weights=weights.astype(np.float32),
        each=each,
        labels=tuple(header.get("labels", ())),
    )
