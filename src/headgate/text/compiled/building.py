"""How kernels are compiled: on first use, for one signature each, and kept on disk.

Kept beside the package where its folder may be written (or where `NUMBA_CACHE_DIR` says), otherwise in the
user's cache folder or a private temporary one; where none can be written they are compiled anew in each process.
The folder carries a digest of all kernels, because a kernel holds the code of those that it calls. Each file in
it is written under another name and renamed, and has one content whoever writes it: processes that compile at
the same time do not disturb each other.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

import blake3
import numba
from numba.core.errors import NumbaWarning
from numba.np import linalg

F = TypeVar("F", bound=Callable[..., Any])
HERE = Path(__file__).resolve().parent
OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}

_building = RLock()


def part(function: F) -> F:
    """A function that kernels call; it becomes part of each of them."""
    return cast(F, numba.njit(**OPTIONS)(function))


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
        with _building:
            if self._built is None:
                _arrays_without_blas()
                folder = cache_folder()
                before = numba.config.CACHE_DIR
                numba.config.CACHE_DIR = folder
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", NumbaWarning)
                        self._built = numba.njit(self.signature, cache=bool(folder), **OPTIONS)(self.function)
                finally:
                    numba.config.CACHE_DIR = before
            return cast(Callable[..., Any], self._built)


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Makes a kernel of a function; `signature` in the words of numba."""
    return lambda function: Kernel(function, signature)


def read_only(kind: str, dimensions: int = 1) -> str:
    """A contiguous array that a kernel reads, in the words of numba; writable ones may be passed too."""
    return f"Array({kind}, {dimensions}, 'C', readonly=True)"


@cache
def _arrays_without_blas() -> None:
    """Loads numba's functions of arrays, which by themselves would load SciPy's linear algebra to see that it is there.

    That takes longer than everything else before the first kernel, and no kernel asks for it.
    """
    asked: Any = linalg

    def absent() -> None:
        raise ImportError

    ensured, asked.ensure_blas = asked.ensure_blas, absent
    try:
        from numba.np import arraymath
    finally:
        asked.ensure_blas = ensured
    found: Any = arraymath
    found.ensure_blas, found._HAVE_BLAS = ensured, find_spec("scipy") is not None


@cache
def cache_folder() -> str:
    """Where compiled kernels are kept; empty where no folder can be written."""
    digest = blake3.blake3()
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.read_bytes())
    name = f"kernels-{numba.__version__}-{digest.hexdigest()[:12]}"
    own = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    asked = [Path(numba.config.CACHE_DIR)] if numba.config.CACHE_DIR else [HERE / "__pycache__", Path(own) / "headgate"]
    for folder in asked:
        if _can_write(folder / name):
            return str(folder / name)
    return _temporary(name)


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
