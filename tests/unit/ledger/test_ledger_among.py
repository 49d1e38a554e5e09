"""Many row numbers in one query: the rows that are asked for, by the index, on every database that we speak."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from headgate.ledger import schema
from headgate.ledger.among import among, among_addresses, parts

NUMBER, PARENT = schema.row_parents.c.child, schema.row_parents.c.parent_id


def address(number: int) -> str:
    return f"b3:{number:064x}"


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    schema.row_parents.create(engine)
    with engine.connect() as opened:
        rows = [{"child": number, "parent_id": address(number % 10)} for number in range(1, 101)]
        opened.execute(insert(schema.row_parents), rows)
        yield opened


@pytest.mark.parametrize(
    "asked", [[], [7], [3, 4, 5], [100, 101], [2, 50, 99], [200, 300], [99, 2], [4, 8, 6], [7, 5, 6], [1, 1, 3]]
)
def test_the_rows_asked_for_are_found(connection, asked):
    query = select(NUMBER).where(among(NUMBER, asked)).order_by(NUMBER)
    assert sorted(set(asked) & set(range(1, 101))) == list(connection.scalars(query))


def test_conditions_beside_it_hold_as_well(connection):
    query = select(NUMBER).where(among(NUMBER, [1, 5, 60]), NUMBER > 4).order_by(NUMBER)
    assert [5, 60] == list(connection.scalars(query))


def test_the_same_query_is_asked_again_with_other_numbers(connection):
    found = [list(connection.scalars(select(NUMBER).where(among(NUMBER, [1, one])))) for one in (3, 9)]
    assert [[1, 3], [1, 9]] == found


def test_sqlite_answers_by_its_index(connection):
    query = select(NUMBER).where(among(NUMBER, [1, 5, 60]))
    said = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    plan = " ".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}"))
    assert "SEARCH row_parents" in plan


def test_postgresql_is_given_an_array():
    said = str(select(NUMBER).where(among(NUMBER, [1, 5])).compile(dialect=postgresql.dialect()))
    assert "row_parents.child = ANY (CAST(translate(" in said
    assert "'[]', '{}') AS bigint[]))" in said


def test_more_numbers_than_sqlite_binds_go_in_one_query(connection):
    many = range(1, 2 * sqlite3.connect(":memory:").getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER), 2)
    assert 50 == len(list(connection.scalars(select(NUMBER).where(among(NUMBER, many)))))


@pytest.mark.parametrize("asked", [set(), {3}, {3, 4, 77}, set(range(10, 5000))])
def test_the_rows_with_addresses_are_found(connection, asked):
    query = select(NUMBER).where(among_addresses(PARENT, {address(one) for one in asked}), NUMBER <= 10)
    assert sorted(one for one in range(1, 11) if one % 10 in asked) == sorted(connection.scalars(query))


def test_sqlite_answers_about_addresses_by_its_index(connection):
    said = select(NUMBER).where(among_addresses(PARENT, {address(3)})).compile(dialect=sqlite.dialect())
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", (b"\0" * 32, "[0]"))
    assert "row_parents_by_parent" in " ".join(str(row[3]) for row in plan)


def test_parts_are_ascending_and_leave_nothing_out():
    assert [[1, 2, 3], [4, 9]] == list(parts({9, 4, 2, 3, 1}, 3))
    assert [] == list(parts([]))
