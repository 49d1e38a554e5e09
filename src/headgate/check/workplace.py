"""Where the scans of shards are kept while an audit goes on, and after one that was ended half-way."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal

CACHE = "HEADGATE_CACHE"
KEPT_DAYS = 7  # for which the scans of an unfinished audit wait to be taken up again
MARK = "audit-"  # begins the name of every entry; nothing else is ever removed


def work_folder(asked: Path | None, key: str) -> Path:
    """The folder of one audit, made if need be; entries of others that nobody came back to are removed.

    It stands in the folder that was asked for, in HEADGATE_CACHE, in the work folder of the project of the
    present folder, or in the user's cache, in that order; never beside the user's file.

    Raises:
        Refused: it cannot be made.
    """
    place = work_place(asked)
    folder = place / (MARK + key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        _forget_old(place)
    except OSError as error:
        raise as_refusal(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise Refused("the work folder cannot be written", file=str(folder), next_step="--cache FOLDER names another")
    return folder


def remove(folder: Path) -> None:
    """Removes the folder of an audit that is done."""
    if folder.name.startswith(MARK):
        shutil.rmtree(folder, ignore_errors=True)


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
