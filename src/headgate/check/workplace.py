"""Where the scans of shards are kept while an audit goes on, and after one that was ended half-way."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from itertools import count
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal

CACHE = "HEADGATE_CACHE"
KEPT_DAYS = 7  # for which the scans of an unfinished audit wait to be taken up again
MARK = "audit-"  # begins the name of every entry; nothing else is ever removed
LOCK = "in-use"  # file in it, which the process that works there holds for as long as it lives
_own: dict[Path, int] = {}  # folders of this process, and its hold of each


def work_folder(asked: Path | None, key: str) -> Path:
    """The folder of one audit, made if need be; entries of others that nobody came back to are removed.

    It stands in the folder that was asked for, in HEADGATE_CACHE, in the work folder of the project of the
    present folder, or in the user's cache, in that order; never beside the user's file. Where another process
    is at the same audit, this one gets a folder of its own: whoever ends first removes what it worked in.

    Raises:
        Refused: it cannot be made.
    """
    place = work_place(asked)
    names = (f"{MARK}{key}" + (f"-{number}" if number > 1 else "") for number in count(1))
    folder = place / f"{MARK}{key}"
    try:
        folder = next(place / name for name in names if _taken(place / name))
        os.utime(folder)
        _forget_old(place)
    except OSError as error:
        raise as_refusal(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise Refused("the work folder cannot be written", file=str(folder), next_step="--cache FOLDER names another")
    return folder


def remove(folder: Path) -> None:
    """Removes the folder of an audit that is done."""
    if not folder.name.startswith(MARK):
        return
    # In one step, so that nobody begins to work in a folder of which half is gone.
    gone = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        folder.rename(gone)
    except OSError:
        gone = folder
    shutil.rmtree(gone, ignore_errors=True)
    if (hold := _own.pop(folder, None)) is not None:
        os.close(hold)


def _taken(folder: Path) -> bool:
    """Whether this process may work in a folder: it holds it already, or nobody else does."""
    if (before := _own.get(folder)) is not None:
        if (folder / LOCK).exists():
            return True
        os.close(before)
        del _own[folder]
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            hold = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # it was removed in between
            continue
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(hold)
            return False
        try:
            same = os.fstat(hold).st_ino == (folder / LOCK).stat().st_ino
        except FileNotFoundError:
            same = False
        if same:
            _own[folder] = hold
            return True
        os.close(hold)


def work_place(asked: Path | None) -> Path:
    """Where the folders of audits stand; `asked` is where somebody wants them."""
    return asked or _usual()


def _usual() -> Path:
    if named := os.environ.get(CACHE):
        return Path(named)
    project = Path(".headgate")
    if project.is_dir():
        return project / "work" / "check"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "headgate" / "check"


def _forget_old(place: Path) -> None:
    oldest = time.time() - KEPT_DAYS * 86_400
    for entry in place.iterdir():
        if entry.name.startswith(MARK) and not entry.is_symlink() and entry.stat().st_mtime < oldest:
            remove(entry)
