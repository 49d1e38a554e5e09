"""What a model's tensors are worth, whichever type they are stored in.

Casting a base from float32 to bfloat16 and back rounds every value and changes every byte, and is still the same
base. So each tensor is also hashed as it would be after rounding to bfloat16 and to float16: two folders that agree
in one of these hold the same values, up to that rounding. Rounding is to the nearest, ties to even, as in IEEE 754.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from headgate.kit.hashing import PREFIX
from headgate.models.fingerprint import TensorMark, canonical_marks, read_json, weight_files, weights_root
from headgate.models.safetensors_header import read_header

PIECE = 1 << 22  # values that are converted at once
Array = np.ndarray[Any, Any]


def value_roots(folder: Path, weights: str) -> dict[str, str]:
    """Addresses of all tensors after rounding to each of the short types; `weights` is the root of the stored bytes.

    Raises:
        Refused: no safetensors weights, or a damaged file.
    """
    return dict(_value_roots(folder.resolve(), weights))


@lru_cache(maxsize=8)
def _value_roots(folder: Path, weights: str) -> Mapping[str, str]:  # noqa: ARG001 - tells one content of a folder from another
    config = read_json(folder / "config.json")
    marks: dict[str, dict[str, TensorMark]] = {name: {} for name in ROUNDED}
    for path in weight_files(folder):
        for short, found in _file_marks(path).items():
            marks[short] |= found
    return {short: weights_root(canonical_marks(found, config)) for short, found in marks.items()}


def same_values(recorded: Mapping[str, str], found: Mapping[str, str]) -> bool:
    """Whether two models agree after rounding to one of the short types."""
    return any(recorded.get(name) == root for name, root in found.items())


def _file_marks(path: Path) -> dict[str, dict[str, TensorMark]]:
    header, start = read_header(path)
    out: dict[str, dict[str, TensorMark]] = {name: {} for name in ROUNDED}
    with path.open("rb") as stream:
        for name, (dtype, shape, begin, end) in header.items():
            hashers = {short: blake3() for short in ROUNDED}
            reader = READERS.get(dtype)
            step = PIECE * (reader[0] if reader else 1)
            for place in range(begin, end, step):
                stream.seek(start + place)
                raw = stream.read(min(step, end - place))
                values = reader[1](raw) if reader else None
                for short, round_to in ROUNDED.items():
                    hashers[short].update(raw if values is None else round_to(values).tobytes())
            kind = "float" if reader else dtype
            for short, hasher in hashers.items():
                out[short][name] = TensorMark(dtype=kind, shape=shape, digest=PREFIX + hasher.hexdigest())
    return out


def _from_bf16(raw: bytes) -> Array:
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)


def to_bf16(values: Array) -> Array:
    """Bits of the nearest bfloat16 of each float32, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = ((bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) >> 16).astype("<u2")
    rounded[np.isnan(values)] = 0x7FC0
    return rounded


def to_f16(values: Array) -> Array:
    """Bits of the nearest float16 of each float32, ties to even; what is too large becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype("<f2")
    rounded[np.isnan(values)] = np.nan
    return rounded.view("<u2")


def _from_f64(raw: bytes) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        return np.frombuffer(raw, "<f8").astype(np.float32)


# Bytes of a value and how it is read, for each type that is rounded; others are hashed as they are.
READERS: dict[str, tuple[int, Callable[[bytes], Array]]] = {
    "F64": (8, _from_f64),
    "F32": (4, lambda raw: np.frombuffer(raw, "<f4")),
    "F16": (2, lambda raw: np.frombuffer(raw, "<f2").astype(np.float32)),
    "BF16": (2, _from_bf16),
}
ROUNDED: dict[str, Callable[[Array], Array]] = {"bfloat16": to_bf16, "float16": to_f16}
