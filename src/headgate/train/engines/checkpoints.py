"""Checkpoints that count only when they are whole.

The library writes a checkpoint as many files. A seal with the digest of each is written last and in
one step, so that a kill at any moment leaves checkpoints that are sealed and checkpoints that are not;
the latter are thrown away.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.files import atomic_write
from headgate.kit.hashing import canonical_json, digest_file

SEAL = "headgate-seal.json"
UNUSED = ("training_args.bin", "README.md")  # a pickle nobody reads, and a page for a model hub


def mark_complete(folder: Path, told: Mapping[str, Any]) -> None:
    """Seals a checkpoint with what was measured up to it: from now on it may be resumed from."""
    for name in UNUSED:
        (folder / name).unlink(missing_ok=True)
    files = {str(path.relative_to(folder)): digest_file(path) for path in _files(folder)}
    with atomic_write(folder / SEAL) as stream:
        stream.write(canonical_json({"files": files, "told": dict(told)}))


def newest_complete(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """The newest sealed and undamaged checkpoint with what was measured up to it; removes all that are neither."""
    best: Path | None = None
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("checkpoint-*"), key=lambda one: int(one.name.rpartition("-")[2])):
        found = _sealed(path)
        if found is None:
            shutil.rmtree(path, ignore_errors=True)
        else:
            best, told = path, found
    return best, told


def clear(folder: Path) -> None:
    """Removes the checkpoints of a job that is done."""
    shutil.rmtree(folder, ignore_errors=True)


def _sealed(folder: Path) -> dict[str, Any] | None:
    seal = folder / SEAL
    if not seal.exists():
        return None
    try:
        body = orjson.loads(seal.read_bytes())
    except orjson.JSONDecodeError:
        return None
    files = {str(path.relative_to(folder)): digest_file(path) for path in _files(folder) if path != seal}
    return dict(body["told"]) if files == body["files"] else None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
