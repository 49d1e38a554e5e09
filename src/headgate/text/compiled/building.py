"""How kernels are built: compiled on first use, for one signature each, and kept on disk as machine code.

Kept beside the package where its folder may be written (or where `NUMBA_CACHE_DIR` says), otherwise in the
user's cache folder or a private temporary one; where none can be written they are compiled anew in each process.
The folder carries a digest of all kernels and of numba's version, because a kernel holds the code of those that it
calls. Each file in it is written under another name and renamed, and has one content whoever writes it: processes
that compile at the same time do not disturb each other. A process that finds its kernels there never imports numba.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import blake3

F = TypeVar("F", bound=Callable[..., Any])
HERE = Path(__file__).resolve().parent
ASKED = "NUMBA_CACHE_DIR"
LACKING = 3  # kernels that may be compiled while somebody waits: one or two serve rules that hardly anybody runs
PARTS: set[Callable[..., Any]] = set()

_building = RLock()


def part(function: F) -> F:
    """A function that kernels call; it becomes part of each of them."""
    PARTS.add(function)
    return function


class Kernel:
    """One compiled function; compiled or read from disk when it is first called."""

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        self.function = function  # in Python, for those who want to read or step through it
        self.signature = signature
        self._built: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Runs it, without the lock of the interpreter."""
        return (self._built or self._build())(*arguments)

    def _build(self) -> Callable[..., Any]:
        from headgate.text.compiled import keeping

        with _building:
            if self._built is None:
                folder = cache_folder()
                self._built = keeping.read(self, folder)
            if self._built is None:
                from headgate.text.compiled import compiling

                self._built = compiling.compiled(self, folder)
            return self._built


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Makes a kernel of a function; `signature` in the words of numba."""
    return lambda function: Kernel(function, signature)


def read_only(kind: str, dimensions: int = 1) -> str:
    """A contiguous array that a kernel reads, in the words of numba; writable ones may be passed too."""
    return f"Array({kind}, {dimensions}, 'C', readonly=True)"


@cache
def cache_folder() -> str:
    """Where compiled kernels are kept; empty where no folder can be written."""
    digest = blake3.blake3()
    for path in (*sorted(HERE.glob("*.py")), numba_folder() / "_version.py"):
        digest.update(path.read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    own = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    asked = os.environ.get(ASKED)
    for folder in [Path(asked)] if asked else [HERE / "__pycache__", Path(own) / "headgate"]:
        if _can_write(folder / name):
            return str(folder / name)
    return _temporary(name)


def nearly_all_kept() -> bool:
    """Whether so many kernels are kept on disk that hardly any work waits for a compiler."""
    if not (folder := cache_folder()):
        return False
    defined = sum(path.read_bytes().count(b"\n@kernel(") for path in HERE.glob("*.py"))
    return len(list(Path(folder).glob("*.kernel"))) >= defined - LACKING


def numba_folder() -> Path:
    """Where numba is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    found = find_spec("numba")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("numba")
    return Path(found.origin).parent


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _temporary(name: str) -> str:
    """A folder of this user only: what lies in it is run, so nobody else may write there."""
    if not hasattr(os, "getuid"):
        return ""
    folder = Path(tempfile.gettempdir()) / f"headgate-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        stat = folder.lstat()
    except OSError:
        return ""
    private = stat.st_uid == os.getuid() and not stat.st_mode & 0o077 and folder.is_dir() and not folder.is_symlink()
    return str(folder / name) if private and _can_write(folder / name) else ""
