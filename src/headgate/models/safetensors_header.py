"""The header of a safetensors file, believed only after it was held against the file.

A header says where each tensor lies. One that lies itself (a length beyond the file, ranges that overlap or leave
holes, a shape of more bytes than its range) is refused before a byte of a tensor is read. Format:
https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file

MAX_HEADER_BYTES = 100 << 20  # a safetensors header of more is not one
MAX_DIMENSIONS = 32
# Bits of one value of each type that the format knows.
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip

Entry = tuple[str, tuple[int, ...], int, int]  # type, shape, begin and end in the data


def read_header(path: Path) -> tuple[dict[str, Entry], int]:
    """Tensor name -> (type, shape, begin, end), and where the bytes begin; reads only the header.

    Raises:
        Refused: not safetensors, cut short, or a header that the file does not bear out.
    """
    size = must_be_file(path).stat().st_size
    with path.open("rb") as stream:
        first = stream.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 2 <= length <= MAX_HEADER_BYTES or length > size - 8:
            raise _not(path, f"its header claims {length:,} bytes, the file has {size:,}")
        raw = stream.read(length)
    try:
        body = json.loads(raw, object_pairs_hook=_once)
        body.pop("__metadata__", None)
        entries = {name: _entry(one) for name, one in body.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise _not(path, "its header is not readable") from None
    _must_hold(path, entries, size - 8 - length)
    return entries, 8 + length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice")
    return out


def _entry(one: Mapping[str, Any]) -> Entry:
    begin, end = one["data_offsets"]
    numbers = [*one["shape"], begin, end]
    if not isinstance(one["dtype"], str) or any(type(n) is not int for n in numbers):
        raise TypeError("not a whole number")
    return one["dtype"], tuple(one["shape"]), begin, end


def _must_hold(path: Path, entries: Mapping[str, Entry], data: int) -> None:
    """Refuses unless the tensors fill the data one after the other, each with as many bytes as its shape takes."""
    place = 0
    for name, (dtype, shape, begin, end) in sorted(entries.items(), key=lambda one: (one[1][2], one[1][3])):
        shown = name if len(name) <= 80 else name[:77] + "..."
        if dtype not in BITS:
            raise _not(path, f"tensor {shown} has the unknown type {dtype[:20]!r}")
        if len(shape) > MAX_DIMENSIONS or any(n < 0 for n in shape):
            raise _not(path, f"tensor {shown} has an impossible shape")
        wanted, left = divmod(math.prod(shape) * BITS[dtype], 8)
        if left or end - begin != wanted:
            raise _not(path, f"tensor {shown} of shape {list(shape)} takes {wanted:,} bytes, its range {end - begin:,}")
        if begin != place:
            how = "overlaps the one before it" if begin < place else "leaves a hole before it"
            raise _not(path, f"the range of tensor {shown} {how}")
        if end > data:
            raise Refused(
                "a safetensors file is cut short", file=str(path), found=f"tensor {shown} is incomplete",
                next_step="fetch or save the file again",
            )  # fmt: skip
        place = end
    if place != data:
        raise _not(path, f"{data - place:,} bytes after the last tensor belong to none")


def _not(path: Path, found: str) -> Refused:
    return Refused("not a safetensors file", file=str(path), found=found, next_step="fetch or save the file again")
