"""Rules that read all rows again wait for each other, so that one look at the rows answers them all.

Rows that are read in shards are in no memory, and a rule that asks more of them than the first scan told has them
read again. Each rule is a thread, and one thread works at a time, in the order of the rules. A rule that wants
another look waits; when every rule is done or waits, one look is taken for all that wait. The rows are then read as
often as the rule that looks most often needs it, and not as often as all rules together.
A look is taken by other processes, so rules that want none (`Rule.once`) work meanwhile.
Answers do not depend on who else waits: a question is answered by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from threading import Event, Semaphore, Thread
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
Look = Callable[[tuple[str, ...]], Any]  # takes questions as they are written down


class _Ended(BaseException):
    """Nobody waits for this rule any more."""


@dataclass(eq=False)
class _Guest(Generic[T]):
    """One rule."""

    work: Callable[[], T]
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    look: Look | None = None  # what it waits for
    questions: tuple[str, ...] = ()  # of that look
    found: Any = None  # by that look
    failed: BaseException | None = None  # why that look, or the work, came to nothing
    done: bool = False
    ended: bool = False
    result: T | None = None


_guest: ContextVar[tuple[_Guest[Any], Semaphore] | None] = ContextVar("_guest", default=None)


def look_together(look: Look, questions: tuple[str, ...]) -> Any:
    """What a look at all rows finds for some questions, and for those of all rules that wait for the same rows."""
    here = _guest.get()
    if here is None:
        return look(questions)
    guest, desk = here
    guest.look, guest.questions = look, questions
    desk.release()
    guest.turn.acquire()
    if guest.ended:
        raise _Ended
    if guest.failed is not None:
        failed, guest.failed = guest.failed, None
        raise failed
    found, guest.found = guest.found, None
    return found


def met(works: Sequence[Callable[[], T]], finished: Callable[[], None], later: Collection[int] = ()) -> list[T]:
    """The results of some works, in their order; `finished` is called as each ends.

    `later`: places of works that want no look. They are done while others wait for one, or after them.

    Raises:
        BaseException: what a work raised. Those before it in order are done or wait; none goes on.
    """
    guests = [_Guest(work) for work in works]
    put_off = deque(guest for place, guest in enumerate(guests) if place in later)
    desk = Semaphore(0)
    try:
        for guest in guests:
            token = _guest.set((guest, desk))
            context = copy_context()
            _guest.reset(token)
            Thread(target=context.run, args=(_attended, guest, desk), daemon=True).start()
            if guest not in put_off:
                _let_on(guest, desk, finished)
        while (waiting := [guest for guest in guests if guest.look]) or put_off:
            if waiting:
                _looked_meanwhile(waiting, put_off, desk, finished)
            else:
                _let_on(put_off.popleft(), desk, finished)
            for guest in waiting:
                _let_on(guest, desk, finished)
    finally:
        for guest in guests:
            guest.ended = True
            guest.turn.release()
    return [cast(T, guest.result) for guest in guests]


def _attended(guest: _Guest[Any], desk: Semaphore) -> None:
    guest.turn.acquire()
    try:
        if not guest.ended:
            guest.result = guest.work()
    except _Ended:
        return
    except BaseException as error:  # noqa: BLE001 - goes on in the thread that waits for the result
        guest.failed = error
    guest.done = True
    desk.release()


def _let_on(guest: _Guest[Any], desk: Semaphore, finished: Callable[[], None]) -> None:
    """One rule works until it is done or wants a look."""
    guest.turn.release()
    desk.acquire()
    if guest.done and guest.failed is not None:
        raise guest.failed
    if guest.done:
        finished()


def _looked_meanwhile(
    waiting: Sequence[_Guest[Any]], put_off: deque[_Guest[Any]], desk: Semaphore, finished: Callable[[], None]
) -> None:
    """One look, during which works that were put off are done, one after the other."""
    looked, failed = Event(), list[BaseException]()

    def others() -> None:
        try:
            while put_off and not looked.is_set():
                _let_on(put_off.popleft(), desk, finished)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    meanwhile = Thread(target=others, daemon=True)
    meanwhile.start()
    try:
        _looked(waiting)
    finally:
        looked.set()
    meanwhile.join()
    if failed:
        raise failed[0]


def _looked(waiting: Sequence[_Guest[Any]]) -> None:
    """One look for all that want the same rows."""
    for look in dict.fromkeys(guest.look for guest in waiting if guest.look):
        guests = [guest for guest in waiting if guest.look is look]
        found, failed = None, None
        try:
            found = look(tuple(dict.fromkeys(one for guest in guests for one in guest.questions)))
        except Exception as error:  # noqa: BLE001 - told to each rule that asked, which may know what to do
            failed = error
        for guest in guests:
            guest.found, guest.failed, guest.look = found, failed, None
