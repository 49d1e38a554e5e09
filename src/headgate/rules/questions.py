"""Questions to all rows that are answered block by block: a pure function over a block, and a merge.

Rows in memory are one block. Rows that are read in shards are many, and what a block gave is kept as flat
arrays; the same two functions answer both, so that the answer cannot depend on how rows were read.
A question is a frozen dataclass, made of numbers, texts, tuples of them and arrays.
"""

from __future__ import annotations

import base64
import importlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.text.tape import Bytes

if TYPE_CHECKING:
    from headgate.rules.corpus import Corpus

Arrays = Mapping[str, NDArray[Any]]
ARRAY = "array"  # key under which the bytes of an array stand in a question that is written down


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a question found in one block; rows are counted from its beginning."""

    first: int  # number of its first row
    rows: int
    arrays: Arrays


class Question(Protocol):
    """A question that is asked of blocks of rows."""

    def find(self, block: Corpus) -> Arrays:
        """What one block gives; nothing is known of the others."""
        ...

    def put_together(self, found: Sequence[Found]) -> Any:
        """The answer from what all blocks gave, in their order."""
        ...


class Asked(Question, Protocol):
    """A question that a rule always asks, so that it is looked at while rows are read for the first time."""

    @classmethod
    def of(cls, options: Any) -> Self:
        """The question as options of the rule have it."""
        ...


def written(question: Any) -> str:
    """A question as text that any process understands; equal questions have equal texts."""
    told = {field.name: _plain(getattr(question, field.name)) for field in fields(question)}
    cls = type(question)
    return orjson.dumps([f"{cls.__module__}:{cls.__qualname__}", told], option=orjson.OPT_SORT_KEYS).decode()


def asked_by(asks: Iterable[Any], options: Any) -> list[str]:
    """The questions among what a rule asks, with these options, written down."""
    return [written(cast(Any, ask).of(options)) for ask in asks if isinstance(ask, type)]


@lru_cache(maxsize=16)
def read(text: str) -> Question:
    """The question that `written` wrote."""
    reference, told = orjson.loads(text)
    module, _, name = reference.partition(":")
    made: Question = getattr(importlib.import_module(module), name)(
        **{name: _unfolded(value) for name, value in told.items()}
    )
    return made


def as_bytes(value: Any) -> Bytes:
    """A JSON value as an array of bytes."""
    return np.frombuffer(orjson.dumps(value), dtype=np.uint8)


def from_bytes(array: Bytes) -> Any:
    """The JSON value of `as_bytes`."""
    return orjson.loads(array.tobytes())


def chained(found: Sequence[Found], name: str, kind: Any, *, numbers: bool = False) -> NDArray[Any]:
    """One array of all blocks in a row; `numbers` are those of rows, which then count from the first of all rows."""
    parts = [np.zeros(0, dtype=kind)]
    for one in found:
        part = one.arrays[name].astype(kind, copy=False)
        parts.append(part + one.first if numbers else part)
    return np.concatenate(parts)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        data = zlib.compress(np.ascontiguousarray(value).tobytes(), 1)
        return {ARRAY: [value.dtype.str, base64.b64encode(data).decode()]}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


def _unfolded(value: Any) -> Any:
    if isinstance(value, dict):
        kind, data = value[ARRAY]
        return np.frombuffer(zlib.decompress(base64.b64decode(data)), dtype=kind)
    return tuple(map(_unfolded, value)) if isinstance(value, list) else value
