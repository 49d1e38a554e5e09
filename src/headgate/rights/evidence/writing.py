"""Writes documents of evidence: one by one into a folder, or all of them as one bundle with a manifest of digests."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY, as_refusal, atomic_write, flush_folder, write_flushed
from headgate.kit.hashing import digest
from headgate.rights.evidence.facts import Facts
from headgate.rights.evidence.formats import FORMATS, OPTIONS

ALL = "all"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, and what could not be made."""

    folder: Path
    files: Mapping[str, str]  # by format: name of the file
    left_out: Mapping[str, str]  # by format: why

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {"folder": str(self.folder), "files": dict(self.files), "left_out": dict(self.left_out)}


def made(facts: Facts, wanted: Iterable[str] = (ALL,)) -> tuple[dict[str, bytes], dict[str, str]]:
    """The documents by format, and why others cannot be made; what is asked for by name must be possible.

    Raises:
        Refused: an unknown format, or one that cannot be made of these facts.
    """
    asked = list(dict.fromkeys(wanted))
    if unknown := [name for name in asked if name not in FORMATS and name != ALL]:
        raise Refused("unknown format", found=", ".join(unknown), wanted=", ".join([*FORMATS, ALL]))
    out: dict[str, bytes] = {}
    left: dict[str, str] = {}
    for name, one in FORMATS.items():
        if name not in asked and ALL not in asked:
            continue
        if why := one.lacks(facts):
            if name in asked:
                raise Refused(f"{name} cannot be written", found=why)
            left[name] = why
            continue
        out[name] = one.make(facts)
    return out, left


def export(facts: Facts, folder: Path, wanted: Iterable[str]) -> Written:
    """Writes documents into a folder, each in one step; those that lie there already are replaced.

    Raises:
        Refused: an unknown format, one that cannot be made, or a folder that cannot be written.
    """
    documents, left = made(facts, wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise as_refusal(error, folder) from error
    for name, content in documents.items():
        with atomic_write(folder / FORMATS[name].file) as stream:
            stream.write(content)
    return Written(folder=folder, files={name: FORMATS[name].file for name in documents}, left_out=left)


def bundle(facts: Facts, folder: Path, head: str) -> Written:
    """Writes every document that can be made with a manifest of digests: the whole folder, or nothing.

    `head`: the hash of the ledger's last entry, so that a reader can hold the bundle against the ledger.

    Raises:
        Refused: something lies at the folder already, or it cannot be written.
    """
    try:
        taken = folder.exists() or folder.is_symlink()
    except OSError as error:  # such as a name that is too long
        raise as_refusal(error, folder) from error
    if taken:
        raise Refused("something is there already", file=str(folder), wanted="a folder that is not there yet")
    documents, left = made(facts)
    files = {FORMATS[name].file: content for name, content in documents.items()}
    files[MANIFEST] = orjson.dumps(_manifest(facts, head, files, left), option=OPTIONS)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
        try:
            for name, content in files.items():
                write_flushed(temporary / name, content)
            temporary.chmod(0o755)
            flush_folder(temporary)
            temporary.rename(folder)
            flush_folder(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise as_refusal(error, folder) from error
    return Written(folder=folder, files={name: FORMATS[name].file for name in documents}, left_out=left)


def _manifest(facts: Facts, head: str, files: Mapping[str, bytes], left: Mapping[str, str]) -> dict[str, Any]:
    return {
        "form": 1,
        "of": facts.name,
        "id": facts.id,
        "at": facts.second,
        "headgate": facts.made_by,
        "ledger_head": head,
        "files": {
            name: {"bytes": len(content), "blake3": digest(content)[3:], "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(files.items())
        },
        "left_out": dict(left),
    }
