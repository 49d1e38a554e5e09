"""Whether a file is still the one that was looked at."""

from __future__ import annotations

from pathlib import Path

from headgate.kit.errors import Refused


def must_be_unchanged(stamp: tuple[int, int, int], path: Path) -> None:
    """Stops where a file is no longer the one whose lines were counted.

    Raises:
        Refused: it was changed.
    """
    if stamp != stamp_of(path):
        raise Refused("the file was changed while it was looked at", file=str(path), next_step="run it again")


def stamp_of(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written over or replaced: inode, size in bytes, time in nanoseconds."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
