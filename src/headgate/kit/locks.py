"""One process at a time. The lock goes with the process, however it ends, so none is ever left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal


@contextlib.contextmanager
def only_one(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock file at `path` while the block runs; `busy` says what another holder is doing.

    Raises:
        Refused: another process holds it, or the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise as_refusal(error, path) from error
    try:
        take(handle, path, busy)
        yield
    finally:
        os.close(handle)


def take(handle: int, path: Path, busy: str) -> None:
    """Locks an open file until it is closed.

    Raises:
        Refused: another process holds it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(
            busy, file=str(path), next_step="wait until it ends, or end it, and run the same command again"
        ) from None
