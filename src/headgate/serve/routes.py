"""Names that are routers: each request goes to one adapter, by its words; every decision can be traced.

A router is what `headgate fleet compose --plan route` wrote: weights of hashes, no text. It is asked under a name of
its own, and sends a request on to an adapter by the name that the adapter is served under, or to the base where too
few of its words are known. What was decided is kept by request: never the request's words.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.clock import now
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.hashing import canonical_json, short
from headgate.kit.names import must_be_name
from headgate.models.routing import Router, read_router

FILE = "router.json"  # in the folder of a composition
SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Where one request went, and why."""

    router: str  # name@digest
    adapter: str  # as the router names it; empty: the base
    margin: float  # score above the next
    known: float  # share of its words that some example has

    def as_json(self) -> dict[str, Any]:
        """As kept."""
        return {
            "router": self.router,
            "adapter": self.adapter,
            "margin": round(self.margin, 4),
            "known": round(self.known, 4),
        }


class Routes:
    """The routers of a server, and the file that says what they decided."""

    def __init__(self, routers: Mapping[str, Router], log: Path | None = None) -> None:
        self._routers = dict(routers)
        self.marks = {name: f"{name}@{short(one.digest, SHOWN_DIGITS)[3:]}" for name, one in routers.items()}
        self.counts: dict[str, dict[str, int]] = {name: {} for name in routers}
        self.lost = 0  # decisions that could not be kept
        self._log, self._lock = log, threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._routers

    def choose(self, name: str, text: str) -> Routed:
        """Where a request goes."""
        found = self._routers[name].choose(text)
        with self._lock:
            counts = self.counts[name]
            counts[found.adapter] = counts.get(found.adapter, 0) + 1
        return Routed(router=self.marks[name], adapter=found.adapter, margin=found.margin, known=found.known)

    def keep(self, routed: Routed, request: str, model: str) -> None:
        """Adds a decision to the file: one that cannot be kept is counted and holds up no answer."""
        if self._log is None:
            return
        line = canonical_json({"at": now().isoformat(), "request": request, "model": model, **routed.as_json()})
        with self._lock:
            try:
                with self._log.open("ab") as stream:
                    stream.write(line + b"\n")
            except OSError:
                self.lost += 1

    def must_be_served(self, names: Iterable[str]) -> None:
        """Refuses routers of a server that does not serve what they choose among, or that take another's name.

        Raises:
            Refused: such a router.
        """
        served = set(names)
        for name, router in self._routers.items():
            if name in served:
                raise Refused("a router takes the name of an adapter", found=name, next_step="--router OTHER=FOLDER")
            if lacking := sorted(set(router.weights) - served):
                raise Refused(
                    f"the router {name} chooses among adapters that are not served",
                    found=", ".join(lacking),
                    wanted="an adapter or an alias of each of these names",
                )


def read_routes(given: Mapping[str, Path], log: Path | None = None) -> Routes:
    """Routers by name, each a file or the folder of a composition.

    Raises:
        Refused: no router, no name for one, or a file of decisions that cannot be written.
    """
    found = {}
    for name, path in given.items():
        must_be_name(name, "not a name for a router")
        found[name] = read_router(path / FILE if path.is_dir() else path)
    if log is not None:
        try:
            log.open("ab").close()
        except OSError as error:
            raise Refused("routing decisions cannot be kept", file=str(log), found=error.strerror) from None
        must_be_file(log)
    return Routes(found, log)
