"""What a training used that no lock names: code from elsewhere, variables that nobody declared, loose dependencies.

Three ways in which a closure is less complete than it looks. They are looked for after the training, when what it
loaded is loaded: a module that belongs to no installed distribution, to no standard library and to no checkout of
the project; an environment variable that was set and read (or that libraries of arithmetic read) and whose value the
plan does not hold; a distribution that cannot be fetched again because it was installed from a folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import headgate
from headgate.kit.hashing import digest_file
from headgate.train.environment import HARMLESS, computing, digest_of_record, untracked
from headgate.train.installed import Installed, installed

LOADED = ("LD_PRELOAD", "LD_AUDIT")  # nobody sees them read, and what they load is in no lock
STARTED = ("__main__", "__mp_main__")  # the script that was started, and what libraries of processes call it
BESIDE = frozenset({"headgate"})  # travels as source, not as a distribution


MANY = 12  # names read by one line of code: it copies the environment and asks for nothing


class Reads:
    """Names of variables that were read, by the line of code that read them."""

    def __init__(self) -> None:
        self._by_line: dict[tuple[str, int], set[str]] = {}

    def note(self, key: str, frame: FrameType | None) -> None:
        """Takes down that a line asked for a name."""
        while frame is not None and frame.f_code.co_filename.endswith(("_collections_abc.py", "/os.py")):
            frame = frame.f_back
        if frame is not None:
            self._by_line.setdefault((frame.f_code.co_filename, frame.f_lineno), set()).add(key)

    @property
    def names(self) -> set[str]:
        """Names that some line asked for, without lines that took everything there is."""
        return {name for names in self._by_line.values() if len(names) <= MANY for name in names}


@contextlib.contextmanager
def watched() -> Iterator[Reads]:
    """Inside, the names of environment variables that Python code reads are collected."""
    kind: Any = type(os.environ)
    plain = kind.__getitem__
    read = Reads()

    def noting(self: Any, key: str) -> Any:
        value = plain(self, key)
        read.note(key, sys._getframe(1))  # only what is set: a variable that is not there had no say
        return value

    kind.__getitem__ = noting
    try:
        yield read
    finally:
        kind.__getitem__ = plain


def surroundings(project: Path, read: Reads, declared: Iterable[str] = ()) -> dict[str, Any]:
    """What a training used that the plan does not hold; to be asked when it is over.

    `declared` are variables that the settings name and whose values the plan therefore holds.
    """
    return {
        "outside_code": outside_code(project),
        "undeclared_variables": undeclared(read.names, declared),
        "lock": lock(),
    }


def undeclared(read: Iterable[str], declared: Iterable[str] = ()) -> list[str]:
    """Names of variables that were read, or with which something is loaded first, and that no plan holds. No values."""
    asked = {name for name in (*read, *LOADED) if name in os.environ}
    known = {*computing(), *declared}
    return sorted(name for name in asked if name not in known and not HARMLESS.match(name))


def outside_code(project: Path) -> list[dict[str, str]]:
    """Modules that came from no distribution, no standard library and no committed file of the project."""
    homes = [os.path.realpath(one) for one in _homes()]
    checkout = checkout_of(project)
    loose = {str(checkout / name) for name in untracked(checkout)} if checkout else set()
    inside = tuple(f"{one}{os.sep}" for one in (*homes, *([str(checkout)] if checkout else [])))
    folders: dict[str, str] = {}  # resolved once each: a training has thousands of modules in a few hundred folders
    found = {}
    for name, module in list(sys.modules.items()):
        text = getattr(module, "__file__", None)
        if not isinstance(text, str) or name in STARTED or not text.endswith((".py", ".so")):
            continue
        folder, _, base = text.rpartition(os.sep)
        path = f"{_real(folder, folders)}{os.sep}{base}"
        if (path in loose or not path.startswith(inside)) and Path(path).is_file():
            real = os.path.realpath(path)
            if real in loose or not real.startswith(inside):
                found[name] = digest_file(Path(path))
    return [{"module": name, "digest": address} for name, address in sorted(found.items())]


def _real(folder: str, known: dict[str, str]) -> str:
    """A folder without links in it; each folder above it is looked at once."""
    if folder not in known:
        above, mark, name = folder.rpartition(os.sep)
        plain = mark and above and name not in ("", ".", "..")
        path = f"{_real(above, known)}{os.sep}{name}" if plain else ""
        known[folder] = path if plain and not Path(path).is_symlink() else os.path.realpath(folder)
    return known[folder]


def checkout_of(folder: Path) -> Path | None:
    """The top of the git checkout that a folder is in."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = ["git", "-C", str(folder), "rev-parse", "--show-toplevel"]
        done = subprocess.run(asked, capture_output=True, timeout=20, check=False)
        if done.returncode == 0:
            return Path(done.stdout.decode().strip()).resolve()
    return None


def lock() -> dict[str, dict[str, str]]:
    """The distributions whose code is loaded, and those that they require: version, files, and where from.

    `from` is "index" for what an installer can fetch again by name and version, "folder" for what it cannot.
    """
    known = {normal(one.name): one for one in installed()}
    loaded = {name.partition(".")[0] for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)}
    # What headgate itself asks for and no training loads (tables, web pages) is no part of a rebuild.
    wanted = {name for name, one in known.items() if one.tops & loaded} - BESIDE
    queue = sorted(wanted)
    while queue:
        for needed in _requires(known[queue.pop()]):
            if needed in known and needed not in wanted | BESIDE:
                wanted.add(needed)
                queue.append(needed)
    return {name: _locked(known[name]) for name in sorted(wanted)}


def _locked(one: Installed) -> dict[str, str]:
    return {"version": one.version, "files": digest_of_record(one.record), "from": _from(one.origin)}


def _from(origin: str) -> str:
    if not origin:
        return "index"
    body = json.loads(origin)
    if "vcs_info" in body:
        return "index" if body["vcs_info"].get("commit_id") else "folder"
    fetched = body.get("archive_info", {}).get("hashes") and body.get("url", "").startswith("http")
    return "index" if fetched else "folder"


def _requires(one: Installed) -> list[str]:
    """Names that a distribution requires without an extra; a marker that speaks of another system is harmless here."""
    out = []
    for text in one.requires:
        name, _, marker = text.partition(";")
        if "extra" not in marker:
            out.append(normal(re.split(r"[\s\[<>=!~(@]", name.strip())[0]))
    return out


def _homes() -> list[str]:
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [*paths, *site.getsitepackages(), str(Path(headgate.__file__).parent), str(Path(os.__file__).parent)]


def normal(name: str) -> str:
    """The name of a distribution as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
