"""Rules that wait for one look at all rows: how often is looked, what each is told, and what an error leaves."""

from __future__ import annotations

import threading

import pytest

from headgate.kit.errors import Refused
from headgate.rules.meeting import look_together, met


class Rows:
    """Rows that remember every look at them."""

    def __init__(self, broken: str = "") -> None:
        self.looks: list[tuple[str, ...]] = []
        self.broken = broken

    def look(self, questions: tuple[str, ...]) -> dict[str, str]:
        """Answers all questions in capitals."""
        self.looks.append(questions)
        if self.broken in questions:
            raise Refused("no such rows")
        return {question: question.upper() for question in questions}


def asker(rows: Rows, look, *questions: str):
    """A work that asks one question after the other."""
    return lambda: [look_together(look, (one,))[one] for one in questions]


def test_rows_are_looked_at_as_often_as_the_one_that_looks_most_needs() -> None:
    """Two looks for four questions of three works, equal questions once, results in the order of the works."""
    rows, done = Rows(), []
    look = rows.look
    works = [asker(rows, look, "a", "b"), list, asker(rows, look, "a"), asker(rows, look, "c", "b")]
    assert [["A", "B"], [], ["A"], ["C", "B"]] == met(works, lambda: done.append(1))
    assert [("a", "c"), ("b",)] == rows.looks
    assert 4 == len(done)


def test_other_rows_are_looked_at_apart() -> None:
    """Two sets of rows are two looks."""
    first, second = Rows(), Rows()
    works = [asker(first, first.look, "a"), asker(second, second.look, "b")]
    assert [["A"], ["B"]] == met(works, lambda: None)
    assert ([("a",)], [("b",)]) == (first.looks, second.looks)


def test_one_work_at_a_time() -> None:
    """No two works are ever awake together."""
    rows, awake, most = Rows(), set(), []
    look = rows.look

    def work() -> None:
        for one in "ab":
            awake.add(threading.get_ident())
            most.append(len(awake))
            awake.discard(threading.get_ident())
            look_together(look, (one,))

    met([work] * 8, lambda: None)
    assert {1} == set(most)
    assert [("a",), ("b",)] == rows.looks


def test_works_that_want_no_look_are_done_while_others_wait_for_one() -> None:
    """One is done during the look, which waits for it here; one that looks all the same gets a look of its own."""
    rows, seen, done = Rows(), [], threading.Event()

    def slowly(questions: tuple[str, ...]) -> dict[str, str]:
        seen.append(done.wait(60))
        return rows.look(questions)

    def late() -> str:
        done.set()
        return "late"

    look, other = slowly, rows.look
    works = [late, asker(rows, look, "a", "b"), asker(rows, other, "c")]
    assert ["late", ["A", "B"], ["C"]] == met(works, lambda: None, later={0, 2})
    assert [True, True] == seen
    assert {("a",), ("b",), ("c",)} == set(rows.looks)
    assert [["late"], "late"] == met([lambda: ["late"], lambda: "late"], lambda: None, later={1})


def test_an_error_of_a_work_that_was_put_off_comes_out() -> None:
    """After the look during which it happened."""
    rows = Rows()

    def crash() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        met([asker(rows, rows.look, "a", "b"), crash], lambda: None, later={1})
    assert [("a",)] == rows.looks


def test_an_error_ends_all_of_them() -> None:
    """What a work raises comes out, and no thread is left waiting."""
    rows = Rows()
    look = rows.look

    def crash() -> None:
        look_together(look, ("b",))
        raise ZeroDivisionError

    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError):
        met([asker(rows, look, "a", "c"), crash], lambda: None)
    begun = set(threading.enumerate()) - before
    for thread in begun:
        thread.join(10)
    assert ([], [("a", "b")]) == ([thread for thread in begun if thread.is_alive()], rows.looks)


def test_a_look_that_fails_is_told_to_each_that_asked() -> None:
    """One handles it and goes on; if none does, it comes out."""
    rows = Rows(broken="x")
    look = rows.look

    def careful() -> str:
        try:
            look_together(look, ("x",))
        except Refused as error:
            return error.what
        return ""

    assert ["no such rows"] == met([careful], lambda: None)
    with pytest.raises(Refused, match="no such rows"):
        met([careful, asker(rows, look, "x")], lambda: None)


def test_alone_a_look_is_taken_at_once() -> None:
    """Outside of a meeting nobody is waited for."""
    rows = Rows()
    assert {"a": "A"} == look_together(rows.look, ("a",))
    assert [("a",)] == rows.looks
