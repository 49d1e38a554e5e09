"""The folder of a release: written in one step, and checked against its own list of digests.

A release is put together in a temporary folder, flushed to disk and renamed. A kill at any moment
leaves either no folder of that name or the whole of it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY, as_refusal, flush_folder, must_be_file, write_flushed
from headgate.kit.hashing import canonical_json, digest_file
from headgate.models.adapter import CONFIG, adapter_mark, canonical_bytes, read_config

CARD, RECORD = "README.md", "release.json"


def must_be_adapter(folder: Path, expected: str) -> None:
    """Refuses an adapter folder that is not the one that was trained and judged.

    Raises:
        Refused: the folder is missing, damaged, or has another digest.
    """
    if not folder.is_dir():
        raise Refused("the adapter's folder is not there", file=str(folder), next_step="headgate train")
    found = adapter_mark(folder).digest
    if found != expected:
        raise Refused(
            "the adapter was changed after it was judged",
            file=str(folder),
            found=found,
            wanted=expected,
            next_step="headgate train, then headgate evaluate: a changed adapter is another candidate",
        )


def build(adapter: Path, target: Path, *, expected: str, base_name: str, card: str, record: Mapping[str, Any]) -> None:
    """Makes the folder of a release from an adapter folder, in one step; an equal one is left as it is.

    Raises:
        Refused: the adapter is not the expected one, the target is occupied by something else, or it
            cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(target.parent)
    must_be_adapter(adapter, expected)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent))
        try:
            _fill(temporary, adapter, base_name, card)
            must_be_adapter(temporary, expected)
            write_flushed(temporary / RECORD, canonical_json({**record, "files": files_of(temporary)}))
            flush_folder(temporary)
            temporary.chmod(0o755)
            if target.exists():
                must_be_same(target, files_of(temporary))
                return
            temporary.rename(target)
            flush_folder(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise as_refusal(error, target) from error


def files_of(folder: Path) -> dict[str, str]:
    """Digest of every file of a release but its own record."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {str(path.relative_to(folder)): digest_file(path) for path in files}


def must_be_same(folder: Path, files: Mapping[str, str]) -> None:
    """Refuses a release folder whose files are not those of its record.

    Raises:
        Refused: the folder is missing, or a file was changed, added or removed.
    """
    if not folder.is_dir():
        raise Refused("the release's folder is not there", file=str(folder), next_step="headgate release list")
    now = files_of(folder)
    differing = sorted(name for name in now.keys() | dict(files).keys() if now.get(name) != files.get(name))
    if differing:
        raise Refused(
            "the release was changed after it was made",
            file=str(folder / differing[0]),
            found=", ".join(differing[:3]),
            wanted="the files of its record, byte by byte",
            next_step="move the folder away, then: headgate release",
        )


def read_record(folder: Path) -> dict[str, Any]:
    """The record that lies in a release folder.

    Raises:
        Refused: it is not there, or not readable.
    """
    path = must_be_file(folder / RECORD)
    try:
        body: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Refused("the record of the release is damaged", file=str(path), found=str(error)) from None
    return body


def clear_leftovers(folder: Path) -> None:
    """Removes temporary folders that a killed release left behind."""
    for path in folder.glob(TEMPORARY + "*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def _fill(folder: Path, adapter: Path, base_name: str, card: str) -> None:
    for path in sorted(adapter.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise Refused("an adapter folder holds plain files only", file=str(path))
        if path.name == CONFIG:
            write_flushed(folder / CONFIG, canonical_bytes(read_config(adapter), base_name))
        elif path.name != CARD:
            shutil.copyfile(path, folder / path.name)
            flush_folder(folder / path.name)
    write_flushed(folder / CARD, card.encode())
