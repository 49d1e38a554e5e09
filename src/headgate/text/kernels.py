"""Which kernels run: plain numpy, or compiled ones with the same bits.

Compiled kernels cost a fifth of a second to load and, once on each machine, some seconds to compile. Small
work would wait longer than it takes, so a size limit decides: the first large tape of a process
switches them on, and they stay on. Work between small and large is done by them where nearly all are kept on
disk from before, so that it never waits for a compiler. `HEADGATE_KERNELS` forces one or the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TypeVar

from headgate.kit.errors import Refused

SETTING = "HEADGATE_KERNELS"
THREADS = "HEADGATE_THREADS"  # set for worker processes, of which several share the processors
PLAIN, COMPILED = "plain", "compiled"
FEW_TEXTS = 10_000  # up to so many texts are small work ...
FEW_CHARACTERS = 32_000_000  # ... unless they are longer than this together
CHARACTERS = 4_000_000  # from which more texts are large work
SOME_CHARACTERS = 1_000_000  # from which it is done by kernels that are kept already

T = TypeVar("T")
R = TypeVar("R")

# The one state of this module: whether large work was met in this process.
_met: set[str] = set()
_lock = Lock()


def compiled() -> bool:
    """Whether compiled kernels are in use by now.

    Raises:
        Refused: `HEADGATE_KERNELS` has a value of no meaning, or asks for what is not installed.
    """
    asked = os.environ.get(SETTING, "").strip().lower()
    if asked == PLAIN:
        return False
    if asked == COMPILED:
        if not _installed():
            raise Refused(f"{SETTING}={COMPILED} needs numba", next_step="pip install numba")
        return True
    if asked:
        raise Refused(f"{SETTING} has no value {asked!r}", wanted=f"{PLAIN} or {COMPILED}, or nothing")
    return COMPILED in _met


def expect(texts: int, characters: int) -> bool:
    """Says how much work comes; whether compiled kernels do it."""
    if COMPILED not in _met and characters >= SOME_CHARACTERS and _installed():
        small = characters < CHARACTERS or (texts <= FEW_TEXTS and characters < FEW_CHARACTERS)
        if not small or _kept():
            with _lock:
                _met.add(COMPILED)
    return compiled()


def threads() -> int:
    """How many threads kernels run on: one for each processor that this process may use, or what THREADS says."""
    if (asked := os.environ.get(THREADS, "")).isdecimal():
        return max(int(asked), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    """Results of a function for each piece, in order; pieces are worked on by all threads at once."""
    waiting: Sequence[T] = list(pieces)
    if len(waiting) < 2 or threads() < 2:
        yield from map(function, waiting)
        return
    with ThreadPoolExecutor(min(threads(), len(waiting))) as pool:
        yield from pool.map(function, waiting)


def slices(count: int, size: int) -> list[slice]:
    """Consecutive ranges of `size` that cover `count` positions."""
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]


@cache
def _kept() -> bool:
    from headgate.text.compiled.building import nearly_all_kept

    return nearly_all_kept()


def _installed() -> bool:
    if find_spec("numba") is None:
        return False
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
