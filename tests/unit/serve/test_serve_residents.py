"""Adapters in memory: loaded on demand, the longest unused leave, what answers stays."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from headgate.kit.errors import Refused, Retryable
from headgate.serve.names import Directory, Served, Snapshot
from headgate.serve.residents import Residents


def served(name: str) -> Served:
    return Served(name=f"{name}@1", folder=Path(name), digest=name)


class Shelf:
    """Something to load from that counts."""

    def __init__(self, size: int = 10, broken: tuple[str, ...] = ()) -> None:
        self.size, self.broken = size, set(broken)
        self.loaded: list[str] = []
        self.there: set[str] = set()

    def load(self, one: Served) -> int:
        self.loaded.append(one.digest)
        if one.digest in self.broken:
            raise Refused("cut short", found=one.digest)
        self.there.add(one.digest)
        return self.size

    def unload(self, one: Served) -> None:
        self.there.discard(one.digest)


def touch(residents: Residents, name: str) -> None:
    with residents.hold(served(name)):
        pass


def test_the_longest_unused_leaves_first() -> None:
    """Three fit; a fourth takes the place of what was used longest ago, and that is loaded again when asked for."""
    shelf = Shelf()
    residents = Residents(shelf.load, shelf.unload, 30)
    for name in "abcabd":
        touch(residents, name)
    assert {"a", "b", "d"} == shelf.there
    touch(residents, "c")
    assert (["a", "b", "c", "d", "c"], {"b", "d", "c"}) == (shelf.loaded, shelf.there)
    assert (5, 2, 30) == (residents.loads, residents.evictions, residents.standing()["loaded_bytes"])


def test_what_answers_does_not_leave() -> None:
    """A held adapter stays though it is the longest unused; where all are held, there is no room."""
    shelf = Shelf()
    residents = Residents(shelf.load, shelf.unload, 20)
    with residents.hold(served("a")):
        touch(residents, "b")
        touch(residents, "c")
        assert {"a", "c"} == shelf.there
        with residents.hold(served("c")), pytest.raises(Retryable, match="no room"):
            touch(residents, "d")
    assert {"a", "c"} == shelf.there


def test_an_adapter_larger_than_the_budget_is_refused_and_evicts_nothing() -> None:
    """No amount of waiting would make room."""
    shelf = Shelf()
    residents = Residents(shelf.load, shelf.unload, 20)
    touch(residents, "a")
    shelf.size = 21
    with pytest.raises(Refused, match="larger than the budget"):
        touch(residents, "b")
    assert {"a"} == shelf.there


def test_what_was_refused_is_not_read_again_for_a_while() -> None:
    """A broken adapter that is asked for all the time is read once a while; mended, it is loaded."""
    now, shelf = [0.0], Shelf(broken=("a",))
    residents = Residents(shelf.load, shelf.unload, 20, retry=5.0, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(Refused, match="cut short"):
            touch(residents, "a")
    assert (["a"], {"a@1": "cut short: a"}) == (shelf.loaded, residents.refused())
    shelf.broken.clear()
    now[0] = 5.0
    touch(residents, "a")
    assert ({"a"}, {}) == (shelf.there, residents.refused())


def test_many_that_ask_at_once_load_once() -> None:
    """The second waits for the first."""
    shelf, gate = Shelf(), threading.Event()

    def slow(one: Served) -> int:
        gate.wait()
        return shelf.load(one)

    residents = Residents(slow, shelf.unload, 20)
    asking = [threading.Thread(target=touch, args=(residents, "a")) for _ in range(4)]
    for one in asking:
        one.start()
    gate.set()
    for one in asking:
        one.join()
    assert ["a"] == shelf.loaded


def test_what_is_taken_out_of_use_ends_its_answers_and_goes() -> None:
    """Nothing is torn from under an answer; a new one is not held by the old."""
    shelf = Shelf()
    residents = Residents(shelf.load, shelf.unload, 20)
    touch(residents, "b")
    with residents.hold(served("a")):
        residents.keep_only(lambda one: False)
        assert {"a"} == shelf.there
    assert set() == shelf.there


class Book:
    """Names that a test changes."""

    def __init__(self, *names: str, **aliases: str) -> None:
        self.snapshot = Snapshot({f"{name}@1": served(name) for name in names}, aliases)
        self.broken = False

    def read(self) -> Snapshot:
        if self.broken:
            raise Refused("the ledger is locked")
        return self.snapshot


def test_an_alias_falls_back_on_what_it_last_served() -> None:
    """After a move both are candidates, the new one first; a withdrawn one is none."""
    book = Book("a", "b", production="a@1")
    directory = Directory(book, "base")
    (first,) = directory.candidates("production")
    directory.serves("production", first)
    book.snapshot = Book("a", "b", production="b@1").snapshot
    directory.refresh()
    assert ["b@1", "a@1"] == [one.name for one in directory.candidates("production")]
    assert {"production": "a@1"} == directory.behind()
    assert ["b@1"] == [one.name for one in directory.candidates("b@1")]
    book.snapshot = Book("b", production="b@1").snapshot  # a was taken out of use
    directory.refresh()
    assert ["b@1"] == [one.name for one in directory.candidates("production")]
    book.snapshot = Book("b").snapshot
    directory.refresh()
    with pytest.raises(Refused, match="'production' is not served"):
        directory.candidates("production")


def test_names_that_cannot_be_read_leave_those_of_before() -> None:
    """A locked ledger stops nobody who is served, and the trouble is told."""
    book = Book("a")
    directory = Directory(book, "base")
    book.broken = True
    directory.refresh()
    assert (["a@1"], "the ledger is locked") == (
        [one.name for one in directory.candidates("a@1")], directory.trouble,
    )  # fmt: skip
    assert [] == directory.candidates("base")


def test_a_new_name_is_found_without_waiting_for_the_next_reading() -> None:
    """An unknown name makes the directory look again, but not at every request."""
    now, book = [0.0], Book("a")
    directory = Directory(book, "base", clock=lambda: now[0])
    book.snapshot = Book("a", "b").snapshot
    with pytest.raises(Refused):
        directory.candidates("b@1")
    now[0] = 1.0
    assert ["b@1"] == [one.name for one in directory.candidates("b@1")]


def test_no_more_are_held_than_the_engine_holds() -> None:
    """An engine that counts adapters would drop one by itself and read it again unproved."""
    shelf = Shelf()
    residents = Residents(shelf.load, shelf.unload, 1000, most=2)
    for name in "abc":
        touch(residents, name)
    assert ({"b", "c"}, 1) == (shelf.there, residents.evictions)
    with residents.hold(served("b")), residents.hold(served("c")), pytest.raises(Retryable):
        touch(residents, "d")
