"""Kernels on disk: machine code that numba made once, read and called without numba.

To import numba and have it read its own files takes longer than kernels need for a hundred thousand rows. A kept kernel
is an object file as LLVM writes it, for this very processor. What it asks of others is memory, from the functions of
numba's runtime (an extension module that needs nothing else of numba), and a few functions of C; a kernel that asks
for more is not kept. Numba's convention for calls: where to put the result, where to put what went wrong, then the
arguments, an array as owner, parent, size, bytes of an item, address, shape and strides; 0 says that all went well.
"""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import blake3
import numpy as np
import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.text.compiled.building import Kernel, numba_folder

SYSTEMS = ("Linux",)  # where this was tried; elsewhere numba keeps and reads kernels its own way
RUNTIME = "numba.core.runtime._nrt_python"
GIVEN = ("MemInfo_alloc", "MemInfo_alloc_aligned", "MemInfo_call_dtor", "Allocate", "Free")  # NRT_... of the runtime
WANTED = frozenset([*(f"NRT_{name}" for name in GIVEN), "memset", "memcpy", "memmove", "sqrt"])
ARGUMENT = re.compile(r"Array\((\w+), (\d), 'C', readonly=True\)|(\w+)(\[[:,1]+\])?")


class Argument(NamedTuple):
    """What a kernel takes."""

    kind: np.dtype[Any]
    dimensions: int  # 0: a whole number
    writes: bool


class Code(NamedTuple):
    """One kernel as machine code."""

    symbol: str  # of its function
    asks: tuple[str, ...]  # functions that it calls
    code: bytes  # an object file


class Loaded:
    """A kernel that can be called."""

    def __init__(self, found: Code, signature: str) -> None:
        self.name = found.symbol
        returns, _, rest = signature.partition("(")
        self._takes = arguments_of(rest.removesuffix(")"))
        self._returns = returns != "void"
        count = 2 + sum(5 + 2 * one.dimensions if one.dimensions else 1 for one in self._takes)
        kinds = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * (count - 2)]
        self._function = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(_address(found))

    def __call__(self, *arguments: Any) -> Any:
        """Runs it, without the lock of the interpreter."""
        flat: list[int] = []
        for given, (kind, dimensions, writes) in zip(arguments, self._takes, strict=True):
            if not dimensions:
                flat.append(int(given))
                continue
            flags = given.flags
            if given.dtype != kind or given.ndim != dimensions or not flags.c_contiguous:
                raise TypeError(f"{given.dtype} array of {given.ndim} dimensions, not {kind} of {dimensions}")
            if writes and not flags.writeable:
                raise TypeError("an array that cannot be written")
            address = given.__array_interface__["data"][0]
            flat += (0, 0, given.size, given.itemsize, address, *given.shape, *given.strides)
        result, failure = ctypes.c_int64(), ctypes.c_void_p()
        if self._function(ctypes.byref(result), ctypes.byref(failure), *flat):
            raise MemoryError(self.name)
        return result.value if self._returns else None


def arguments_of(signature: str) -> list[Argument]:
    """What a kernel takes, from the words of numba without the name of the result.

    Raises:
        ValueError: a number that is not whole.
    """
    found = []
    for read, dimensions, kind, index in ARGUMENT.findall(signature):
        depth = int(dimensions) if read else index.count(":") - 1 if index else 0
        one = Argument(np.dtype(read or kind), depth, bool(index))
        if not depth and one.kind.kind not in "iu":
            raise ValueError(f"kernels take whole numbers and arrays, not {kind}")
        found.append(one)
    return found


def possible() -> bool:
    """Whether kernels are kept this way on this machine."""
    return platform.system() in SYSTEMS and ctypes.sizeof(ctypes.c_void_p) == ctypes.sizeof(ctypes.c_int64)


def read(kernel: Kernel, folder: str) -> Callable[..., Any] | None:
    """The kernel, if it was kept in a folder whole."""
    if not folder or not possible():
        return None
    try:
        head, _, code = _path(kernel, folder).read_bytes().partition(b"\n")
        told = orjson.loads(head)
    except (OSError, orjson.JSONDecodeError):
        return None
    if told.get("digest") != blake3.blake3(code).hexdigest():
        return None
    return loaded(Code(told["symbol"], tuple(told["asks"]), code), kernel.signature)


def loaded(found: Code, signature: str) -> Loaded | None:
    """The kernel of some code; None where something that it calls is not there."""
    from llvmlite import binding

    _give_memory()
    there = all(binding.address_of_symbol(name) is not None for name in found.asks)
    return Loaded(found, signature) if there else None


def keep(kernel: Kernel, found: Code, folder: str) -> None:
    """Writes a kernel; where that cannot be done it is compiled again some day."""
    head = {"symbol": found.symbol, "asks": list(found.asks), "digest": blake3.blake3(found.code).hexdigest()}
    try:
        with atomic_write(_path(kernel, folder)) as stream:
            stream.write(orjson.dumps(head) + b"\n" + found.code)
    except Refused:
        return


def _path(kernel: Kernel, folder: str) -> Path:
    function = kernel.function
    told = blake3.blake3(f"{kernel.signature} {_machine()}".encode()).hexdigest()[:16]
    return Path(folder) / f"{function.__module__.rpartition('.')[2]}.{function.__name__}-{told}.kernel"


@cache
def _machine() -> str:
    """What machine code is made for."""
    import llvmlite
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    return " ".join((llvmlite.__version__, binding.get_process_triple(), binding.get_host_cpu_name(), features))


_engines: list[Any] = []  # hold the code of kernels


def _address(found: Code) -> int:
    from llvmlite import binding

    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(found.code))
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address(found.symbol)
    return address


@cache
def _give_memory() -> None:
    """Tells the linker where the runtime's functions are."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    helpers = _runtime().c_helpers
    for name in GIVEN:
        binding.add_symbol(f"NRT_{name}", helpers[name])


def _runtime() -> Any:
    if RUNTIME in sys.modules:
        return sys.modules[RUNTIME]
    base = numba_folder().joinpath(*RUNTIME.split(".")[1:])
    paths: Sequence[Path] = [path for suffix in EXTENSION_SUFFIXES if (path := Path(f"{base}{suffix}")).is_file()]
    spec = spec_from_file_location(RUNTIME, paths[0])
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(RUNTIME)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
