"""Signing a folder or a release, and verifying it: the signature lies beside the folder, not in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY, atomic_write, must_be_file
from headgate.ledger.ledger import Ledger
from headgate.release.aliases import find_release, must_stand
from headgate.rights.evidence.doors import SIGNATURES

SUFFIX = ".sig"


def signature_of(folder: Path) -> Path:
    """Where the signature of a folder lies: a file in the folder would be part of what it covers."""
    return folder.with_name(folder.name + SUFFIX)


def folder_of(name: str, store: Path, *, whole: bool = True) -> Path:
    """The folder that is meant: a folder, or that of the release of that name.

    `whole`: refuse a release whose files are not those of its record.

    Raises:
        Refused: neither, or the release was changed.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder.resolve()
    if folder.exists():
        raise Refused("not a folder", file=name, wanted="a folder, or the name of a release")
    with Ledger.open(store) as ledger:
        node = find_release(ledger, name)
        project = ledger.file.resolve().parent.parent
        if whole:
            must_stand(node, project)
        return (project / str(node.body["folder"])).resolve()


def sign(folder: Path, key: Path, *, password: bytes | None = None, signature: Path | None = None) -> Path:
    """Signs every file of a folder; returns the place of the signature, which appears in one step.

    Raises:
        Refused: no such key or not one that can sign, an empty folder, or a folder with links.
        Unavailable: the extra `evidence` is not installed.
    """
    engine = open_door(SIGNATURES)
    must_be_file(key)
    if not any(path.is_file() for path in folder.rglob("*")):
        raise Refused("an empty folder has nothing to sign", file=str(folder))
    target = signature or signature_of(folder)
    _must_lie_outside(target, folder)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as room:
        made = Path(room) / "signature"
        engine.sign(folder, made, key, password)
        with atomic_write(target) as stream:
            stream.write(made.read_bytes())
    return target


def verify(folder: Path, key: Path, *, signature: Path | None = None) -> str:
    """Why the signature of a folder does not hold; empty where it holds for every file and no file is besides.

    Raises:
        Refused: no signature, no such key, or not a public one.
        Unavailable: the extra `evidence` is not installed.
    """
    engine = open_door(SIGNATURES)
    must_be_file(key)
    found: str = engine.problem(folder, must_be_file(signature or signature_of(folder)), key)
    return found


def _must_lie_outside(target: Path, folder: Path) -> None:
    if target.resolve().is_relative_to(folder.resolve()):
        raise Refused("a signature in the folder that it covers", file=str(target), wanted="a place beside the folder")
