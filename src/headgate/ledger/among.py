"""Many row numbers or addresses in one query: they travel as one parameter, and not as a parameter each.

A person's rows are thousands. Writing a place-holder for each and binding it took half of the time of an answer
(`benchmarks/speed/impact.py`); the databases unpack a list by themselves, and use their index as before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import orjson
from sqlalchemy import ColumnElement, LargeBinary, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from headgate.ledger import schema

BLOCK = 10_000  # numbers asked for in one query


def among(column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """Whether a column of numbers has one of these."""
    # Numbers without a gap, as in a scan, are a range: faster than any list.
    low, high = (min(numbers), max(numbers)) if numbers else (0, 0)
    if high - low + 1 == len(numbers) == len(set(numbers)):
        return column.between(low, high)
    return _Among(column, literal(orjson.dumps(list(numbers)).decode(), Text))


def among_addresses(column: ColumnElement[str], addresses: Collection[str]) -> ColumnElement[bool]:
    """Whether a column of addresses has one of these."""
    joined = b"".join(schema.raw(one) for one in addresses)
    places = literal(orjson.dumps(list(range(len(addresses)))).decode(), Text)
    return _AmongAddresses(column, literal(joined, LargeBinary), places)


def parts(numbers: Iterable[int], size: int = BLOCK) -> Iterator[list[int]]:
    """Numbers in ascending order, as many at a time as one query asks for."""
    wanted = sorted(numbers)
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]


class _Among(FunctionElement[bool]):
    """A column, and numbers as JSON text."""

    # Not of type Boolean: SQLite would be asked whether it "= 1", which no index answers.
    inherit_cache = True
    name = "among"


class _AmongAddresses(FunctionElement[bool]):
    """A column, addresses one behind the other, 32 bytes each, and their places as JSON text."""

    inherit_cache = True
    name = "among_addresses"


@compiles(_Among, "sqlite")
def _sqlite(element: _Among, compiler: SQLCompiler, **settings: object) -> str:
    column, numbers = (compiler.process(one, **settings) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"


@compiles(_Among, "postgresql")
def _postgresql(element: _Among, compiler: SQLCompiler, **settings: object) -> str:
    column, numbers = (compiler.process(one, **settings) for one in element.clauses)
    return f"{column} = ANY (CAST(translate({numbers}, '[]', '{{}}') AS bigint[]))"


@compiles(_AmongAddresses, "sqlite")
def _addresses_in_sqlite(element: _AmongAddresses, compiler: SQLCompiler, **settings: object) -> str:
    column, joined, places = (compiler.process(one, **settings) for one in element.clauses)
    return f"{column} IN (SELECT substr({joined}, 32 * value + 1, 32) FROM json_each({places}))"


@compiles(_AmongAddresses, "postgresql")
def _addresses_in_postgresql(element: _AmongAddresses, compiler: SQLCompiler, **settings: object) -> str:
    column, joined, places = (compiler.process(one, **settings) for one in element.clauses)
    place = f"json_array_elements_text(CAST({places} AS json)) AS place"
    return f"{column} = ANY (ARRAY(SELECT substr({joined}, 32 * CAST(place AS integer) + 1, 32) FROM {place}))"
