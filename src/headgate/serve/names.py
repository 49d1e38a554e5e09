"""What may be served under which name: immutable names, and aliases that move.

A name is `name@digest` and means the same adapter for ever. An alias is read again and again from where it
is kept. When an alias moves to an adapter that cannot be loaded, what it last served goes on being served,
unless that was taken out of use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from headgate.kit.errors import HeadgateError, Refused
from headgate.kit.hashing import short
from headgate.kit.names import must_be_name
from headgate.models.adapter import adapter_mark, must_be_adapter_folder

SHOWN_DIGITS = 12
READ_AGAIN = 0.5  # seconds between two readings that unknown names ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One adapter that may be served."""

    name: str  # name@digest
    folder: Path
    digest: str  # of tensors and settings of the adapter
    created: int = 0  # seconds since 1970
    check: Callable[[], None] | None = field(default=None, compare=False)  # refuses a folder that was changed

    def must_stand(self) -> None:
        """Refuses an adapter that is not, byte by byte, what carries the name.

        Raises:
            Refused: the folder is gone, damaged or changed.
        """
        if not self.folder.is_dir():
            raise Refused("the adapter's folder is not there", file=str(self.folder))
        if self.check is not None:
            self.check()
        found = adapter_mark(self.folder).digest
        if found != self.digest:
            raise Refused(
                f"{self.name} was changed after it got its name", file=str(self.folder), found=found, wanted=self.digest
            )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All names at one moment."""

    served: Mapping[str, Served] = field(default_factory=dict)  # by immutable name
    aliases: Mapping[str, str] = field(default_factory=dict)  # alias -> immutable name


class Names(Protocol):
    """Where names are kept."""

    def read(self) -> Snapshot:
        """All names as they are now."""


class GivenNames:
    """Names given by hand: a folder each, whose alias is the name without its digest.

    Raises:
        Refused: a name is none, or a folder holds no adapter.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        served, aliases = {}, {}
        for alias, folder in folders.items():
            must_be_name(alias, "not a name for an adapter")
            must_be_adapter_folder(folder)
            digest = adapter_mark(folder).digest
            name = f"{alias}@{short(digest, SHOWN_DIGITS)[3:]}"
            created = int(folder.stat().st_mtime)
            served[name], aliases[alias] = Served(name=name, folder=folder, digest=digest, created=created), name
        self._snapshot = Snapshot(served, aliases)

    def read(self) -> Snapshot:
        """The names that were given."""
        return self._snapshot


class Directory:
    """Names as they are now, and what each alias last served."""

    def __init__(self, names: Names, base: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.base = base  # name under which the base alone is served
        self._names, self._clock, self._lock = names, clock, Lock()
        self.snapshot = names.read()
        self.trouble = ""  # why the last reading failed; empty: it did not
        self._read_at = clock()
        self._good: dict[str, str] = {}

    def refresh(self) -> Snapshot:
        """Reads the names again; where that fails, those of before hold."""
        try:
            found = self._names.read()
        except HeadgateError as error:
            self.trouble = f"{error.what}: {error.found}" if error.found else error.what
            return self.snapshot
        with self._lock:
            self.snapshot, self.trouble, self._read_at = found, "", self._clock()
            self._good = {
                alias: name
                for alias, name in self._good.items()
                if alias in found.aliases and name in found.served  # neither withdrawn nor taken out of use
            }
        return found

    def candidates(self, model: str) -> list[Served]:
        """What to serve for a model's name: the first that can be loaded. The base alone: nothing.

        Raises:
            Refused: nothing has that name.
        """
        if model == self.base:
            return []
        if model not in self.snapshot.served and model not in self.snapshot.aliases and self._stale():
            self.refresh()
        now = self.snapshot
        name = now.aliases.get(model, model)
        wanted = [name, self._good.get(model, name)] if model in now.aliases else [name]
        found = [now.served[one] for one in dict.fromkeys(wanted) if one in now.served]
        if not found:
            raise Refused(f"the model {model!r} is not served here", next_step="GET /v1/models")
        return found

    def serves(self, model: str, served: Served) -> None:
        """Notes what an alias came to serve."""
        with self._lock:
            if model in self.snapshot.aliases:
                self._good[model] = served.name

    def behind(self) -> dict[str, str]:
        """Aliases that serve something else than they point at, and what."""
        return {alias: name for alias, name in self._good.items() if self.snapshot.aliases.get(alias) != name}

    def _stale(self) -> bool:
        return self._clock() - self._read_at >= READ_AGAIN
