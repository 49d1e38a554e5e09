"""Many row numbers in one query: they travel as one parameter, and not as a parameter each.

A person's rows are thousands. Writing a place-holder for each and binding it took half of the time of an answer
(`benchmarks/speed/impact.py`); the databases unpack a list by themselves, and use their index as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson
from sqlalchemy import ColumnElement, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

BLOCK = 10_000  # numbers asked for in one query


def among(column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """Whether a column of numbers has one of these."""
    # Numbers without a gap, ascending, as in a scan, are a range: faster than any list.
    if numbers and numbers[-1] - numbers[0] + 1 == len(numbers):
        return column.between(numbers[0], numbers[-1])
    return _Among(column, literal(orjson.dumps(list(numbers)).decode(), Text))


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


@compiles(_Among, "sqlite")
def _sqlite(element: _Among, compiler: SQLCompiler, **settings: object) -> str:
    column, numbers = (compiler.process(one, **settings) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"


@compiles(_Among, "postgresql")
def _postgresql(element: _Among, compiler: SQLCompiler, **settings: object) -> str:
    column, numbers = (compiler.process(one, **settings) for one in element.clauses)
    return f"{column} = ANY (CAST(translate({numbers}, '[]', '{{}}') AS bigint[]))"
