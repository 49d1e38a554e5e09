"""Files that lie: every refusal comes before a byte of a tensor is read, and names what does not hold."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.kit.errors import Refused
from headgate.models.safetensors_header import read_header

Header = dict[str, Any]
GOOD: Header = {
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
    "__metadata__": {"format": "pt"},
}


def written(path: Path, header: Any, data: int = 32, length: int | None = None) -> Path:
    """A file with that header and so many bytes of data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data)
    return path


def with_a(**changes: Any) -> Header:
    """The good header with another first tensor."""
    return {**GOOD, "a": {**GOOD["a"], **changes}}


def test_an_honest_file_is_read(tmp_path: Path) -> None:
    """Types, shapes, ranges, and where the data begins; an empty tensor is honest too."""
    empty = {**GOOD, "c": {"dtype": "F32", "shape": [0, 4], "data_offsets": [32, 32]}}
    entries, start = read_header(written(tmp_path / "x.safetensors", empty))
    assert {"a": ("F32", (2, 3), 0, 24), "b": ("BF16", (4,), 24, 32), "c": ("F32", (0, 4), 32, 32)} == entries
    assert start == (tmp_path / "x.safetensors").stat().st_size - 32


LIES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a header longer than the file": (lambda p: written(p, GOOD, length=1 << 20), "its header claims"),
    "a header of 2 to the 63": (lambda p: written(p, GOOD, length=1 << 63), "its header claims"),
    "ranges that overlap": (
        lambda p: written(p, {**GOOD, "b": {"dtype": "BF16", "shape": [4], "data_offsets": [20, 28]}}, 28),
        "overlaps the one before it",
    ),
    "a hole between ranges": (
        lambda p: written(p, {**GOOD, "b": {"dtype": "BF16", "shape": [4], "data_offsets": [28, 36]}}, 36),
        "leaves a hole before it",
    ),
    "a shape of more bytes than its range": (lambda p: written(p, with_a(shape=[1 << 40, 1 << 40])), "takes"),
    "a shape of fewer bytes": (lambda p: written(p, with_a(shape=[1])), "takes 4 bytes, its range 24"),
    "a negative size": (lambda p: written(p, with_a(shape=[-2, -3])), "impossible shape"),
    "too many dimensions": (lambda p: written(p, with_a(shape=[1] * 64 + [6])), "impossible shape"),
    "a size that is no whole number": (lambda p: written(p, with_a(shape=[2.0, 3])), "not readable"),
    "a size that is a truth value": (lambda p: written(p, with_a(shape=[True, 6])), "not readable"),
    "a range that runs backwards": (lambda p: written(p, with_a(data_offsets=[24, 0])), "range"),
    "a type that is none": (lambda p: written(p, with_a(dtype="OBJECT")), "unknown type 'OBJECT'"),
    "bytes that belong to no tensor": (lambda p: written(p, GOOD, 40), "8 bytes after the last tensor"),
    "a name that stands twice": (
        lambda p: written(p, b'{"a":' + json.dumps(GOOD["a"]).encode() + b',"a":{"dtype":"F32"}}'), "not readable"
    ),
    "brackets without end": (lambda p: written(p, b"[" * 200_000), "not readable"),
    "no object": (lambda p: written(p, [1, 2]), "not readable"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused(tmp_path: Path, lie: str) -> None:
    """Refused with the reason, and no memory is asked for by a number from the file."""
    make, said = LIES[lie]
    with pytest.raises(Refused, match="not a safetensors file") as refused:
        read_header(make(tmp_path / "x.safetensors"))
    assert said in str(refused.value.found)


def test_a_download_that_broke_off_is_told_apart(tmp_path: Path) -> None:
    """A cut file is not a hostile one: it is to be fetched again."""
    with pytest.raises(Refused, match="cut short") as refused:
        read_header(written(tmp_path / "x.safetensors", GOOD, data=30))
    assert "tensor b is incomplete" == refused.value.found
