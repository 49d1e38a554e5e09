"""Doors to heavy libraries.

Engines are ordinary modules in `engines/` folders that import heavy libraries at their top.
Each stage keeps one light table of doors; opening a door checks that the packages are there
without importing them, then imports the engine, or says what the extra is for and how to get it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType

from headgate.kit.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where an engine lives and what must be installed before it can be opened."""

    name: str  # registered name, used in flow files
    reference: str  # module path, such as "headgate.train.engines.transformers_sft"
    extra: str  # extra of the package that installs what is needed
    packages: tuple[str, ...]  # import names
    purpose: str  # completes "needed to ..."


def missing(door: Door) -> list[str]:
    """Packages that the door needs and that are not installed; imports nothing."""
    return [name for name in door.packages if importlib.util.find_spec(name) is None]


def must_be_installed(door: Door) -> None:
    """Refuses where a package that a door needs is missing; imports nothing.

    Raises:
        Unavailable: a package that the engine needs is not installed.
    """
    if absent := missing(door):
        raise Unavailable(
            f"engine {door.name!r} is needed to {door.purpose}",
            found="not installed: " + ", ".join(absent),
            wanted=", ".join(door.packages),
            next_step=f'pip install "headgate[{door.extra}]"',
        )


def open_door(door: Door) -> ModuleType:
    """Imports the engine behind a door.

    Raises:
        Unavailable: a package that the engine needs is not installed.
    """
    must_be_installed(door)
    if (known := sys.modules.get(door.reference)) is not None:
        return known
    with uncollected():
        return importlib.import_module(door.reference)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Inside, no garbage is looked for: an import of a million objects that all stay would be searched nine times."""
    asked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if asked:
            gc.enable()


_disturbed: list[bool] = []  # one for each `undisturbed` that runs, whether it began the freeze


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, garbage is only looked for among what came since: one search of the heavy libraries takes 0.4 s.

    What was there is put back at the end of the outermost, so that nobody's objects are kept for ever.
    """
    # Asked once: counting what is frozen walks through all of it, which inside another takes as long as it saves.
    own = not _disturbed and gc.get_freeze_count() == 0
    _disturbed.append(own)
    gc.freeze()
    try:
        yield
    finally:
        _disturbed.pop()
        if own:
            gc.unfreeze()


def version_of(distribution: str) -> str | None:
    """Installed version of a distribution, or None; imports nothing."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
