"""Adapters in memory: loaded when first asked for, the longest unused leave when the budget is full.

An adapter that answers a request is held and cannot leave. What was refused is not tried again for a while,
so that a broken adapter that is asked for a thousand times a second is read a few times a minute.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition
from typing import Any

from headgate.kit.errors import HeadgateError, Refused, Retryable
from headgate.serve.names import Served


@dataclass
class Resident:
    """One loaded adapter."""

    served: Served
    bytes: int
    load_s: float
    holds: int = 0
    leaving: bool = False  # taken out of use while it answers: it goes when the last answer ends


class Residents:
    """The loaded adapters, by immutable name."""

    def __init__(
        self,
        load: Callable[[Served], int],
        unload: Callable[[Served], None],
        budget: int,
        *,
        most: int | None = None,
        retry: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._unload, self._clock = load, unload, clock
        self.budget, self._most, self._retry = budget, most, retry  # bytes, adapters, seconds
        self._loaded: OrderedDict[str, Resident] = OrderedDict()  # the longest unused first
        self._loading: set[str] = set()
        self._refused: dict[str, tuple[float, HeadgateError]] = {}
        self._changed = Condition()
        self.loads = self.evictions = 0

    @contextlib.contextmanager
    def hold(self, served: Served) -> Iterator[Resident]:
        """Loads an adapter where it is not there yet and keeps it until the block ends.

        Raises:
            Refused: it cannot be loaded, or is larger than the whole budget.
            Retryable: everything that is loaded answers at the moment, and there is no room.
        """
        resident = self._taken(served)
        try:
            yield resident
        finally:
            with self._changed:
                resident.holds -= 1
                if resident.leaving and not resident.holds:
                    self._drop(resident)

    def keep_only(self, wanted: Callable[[Served], bool]) -> None:
        """Lets go of what is not to be served any more; what answers now ends first."""
        with self._changed:
            for resident in [one for one in self._loaded.values() if not wanted(one.served)]:
                if resident.holds:
                    resident.leaving = True
                else:
                    self._drop(resident)

    def refused(self) -> dict[str, str]:
        """Adapters that could not be loaded of late, and why."""
        with self._changed:
            return {name: reason(error) for name, (_, error) in self._refused.items()}

    def standing(self) -> dict[str, Any]:
        """What is loaded, as JSON."""
        with self._changed:
            loaded = [
                {"name": name, "bytes": one.bytes, "load_ms": round(one.load_s * 1e3, 1), "answering": one.holds}
                for name, one in self._loaded.items()
            ]
            return {
                "budget_bytes": self.budget,
                "loaded_bytes": self._bytes(),
                "loaded": loaded,
                "loads": self.loads,
                "evictions": self.evictions,
            }

    def _taken(self, served: Served) -> Resident:
        with self._changed:
            while served.name in self._loading:
                self._changed.wait()
            known = self._loaded.get(served.name)
            if known is not None and not known.leaving:
                self._loaded.move_to_end(served.name)
                known.holds += 1
                return known
            when, error = self._refused.get(served.name, (0.0, None))
            if error is not None and self._clock() - when < self._retry:
                raise error
            self._loading.add(served.name)
        try:
            return self._fetched(served)
        except Refused as refusal:
            with self._changed:
                self._refused[served.name] = (self._clock(), refusal)
            raise
        finally:
            with self._changed:
                self._loading.discard(served.name)
                self._changed.notify_all()

    def _fetched(self, served: Served) -> Resident:
        began = time.perf_counter()
        size = self._load(served)
        resident = Resident(served, size, time.perf_counter() - began, holds=1)
        with self._changed:
            try:
                self._make_room(size, served.name)
            except HeadgateError:
                self._unload(served)
                raise
            self._refused.pop(served.name, None)
            self._loaded[served.name] = resident
            self.loads += 1
        return resident

    def _make_room(self, size: int, name: str) -> None:
        if size > self.budget:
            raise Refused(
                f"{name} is larger than the budget for adapters",
                found=f"{size:,} bytes",
                wanted=f"{self.budget:,} bytes at most",
                next_step="headgate serve --budget MB",
            )
        for resident in [one for one in self._loaded.values() if not one.holds]:
            if self._fits(size):
                return
            self._drop(resident)
            self.evictions += 1
        if not self._fits(size):
            raise Retryable("every loaded adapter is answering, and there is no room for another", found=name)

    def _fits(self, size: int) -> bool:
        return self._bytes() + size <= self.budget and (self._most is None or len(self._loaded) < self._most)

    def _drop(self, resident: Resident) -> None:
        if self._loaded.get(resident.served.name) is resident:
            del self._loaded[resident.served.name]
            self._unload(resident.served)

    def _bytes(self) -> int:
        return sum(one.bytes for one in self._loaded.values())


def reason(error: HeadgateError) -> str:
    """Why something was refused, in one line and without the place on this machine."""
    return f"{error.what}: {error.found}" if error.found else error.what
