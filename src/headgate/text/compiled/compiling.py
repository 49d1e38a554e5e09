"""Kernels compiled by numba, which is imported here and nowhere else."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import FunctionType
from typing import Any

import numba
from numba.core.errors import NumbaWarning
from numba.np import linalg

from headgate.text.compiled import keeping
from headgate.text.compiled.building import PARTS, Kernel

PACKAGE = __name__.rpartition(".")[0]
OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}
FLOAT = re.compile(r"\.(?:v\d+)?f\d+$")  # at the end of the name of an intrinsic function
BARE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # nothing but the function itself


def compiled(kernel: Kernel, folder: str) -> Callable[..., Any]:
    """The kernel, kept in a folder (empty: nowhere)."""
    _arrays_without_blas()
    _parts_ready()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaWarning)
        if keeping.possible() and (found := _code(kernel)) and (loaded := keeping.loaded(found, kernel.signature)):
            if folder:
                keeping.keep(kernel, found, folder)
            return loaded
        return _kept_by_numba(kernel, folder)


def _code(kernel: Kernel) -> keeping.Code | None:
    """The machine code of a kernel; None where it asks for more than memory."""
    dispatcher = numba.njit(kernel.signature, **OPTIONS, **BARE)(kernel.function)
    (result,) = dispatcher.overloads.values()
    library = result.library
    module = library._final_module
    declared = [one.name for one in (*module.functions, *module.global_variables) if one.is_declaration]
    asked = {name for one in declared if (name := _called(one))}
    if not asked <= keeping.WANTED:
        return None
    return keeping.Code(result.fndesc.llvm_func_name, tuple(sorted(asked)), library._get_compiled_object())


def _called(declared: str) -> str:
    """The function that something declared becomes a call of; empty for what LLVM does itself."""
    if not declared.startswith("llvm."):
        return declared
    # Of numbers that are not whole, functions such as a sine are calls.
    return declared.split(".")[1] if FLOAT.search(declared) else ""


def _kept_by_numba(kernel: Kernel, folder: str) -> Callable[..., Any]:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = folder
    try:
        made: Callable[..., Any] = numba.njit(kernel.signature, cache=bool(folder), **OPTIONS)(kernel.function)
    finally:
        numba.config.CACHE_DIR = before
    return made


@cache
def _part(function: Callable[..., Any]) -> Any:
    return numba.njit(**OPTIONS)(function)


def _parts_ready() -> None:
    """Puts what numba knows how to call in the place of each part, in all modules of kernels."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE):
            for known, value in list(vars(module).items()):
                if isinstance(value, FunctionType) and value in PARTS:
                    setattr(module, known, _part(value))


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
