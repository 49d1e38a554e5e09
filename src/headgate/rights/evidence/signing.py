"""Signing a folder or a release, and verifying it: the signature lies beside the folder, not in it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY, atomic_write, must_be_file
from headgate.ledger.ledger import Ledger, Node
from headgate.release.aliases import find_release, history, must_stand
from headgate.rights.evidence.doors import SIGNATURES

SUFFIX = ".sig"


def signature_of(folder: Path) -> Path:
    """Where the signature of a folder lies: a file in the folder would be part of what it covers."""
    return folder.with_name(folder.name + SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is signed or verified: a folder, and the release whose folder it is where that was named."""

    folder: Path
    release: Node | None = None
    project: Path = Path()

    def must_stand(self) -> None:
        """Refuses a release whose files are not those of its record.

        Raises:
            Refused: the release was changed, or another lies in its place.
        """
        if self.release is not None:
            must_stand(self.release, self.project)


def target_of(name: str, store: Path) -> Target:
    """What is meant: a release by its name, digest or alias, or a folder.

    Raises:
        Refused: neither or both, nothing, or a whole file system.
    """
    folder = Path(name)
    if not name.strip() or folder.resolve() == Path(folder.resolve().anchor):
        raise Refused("nothing that can be signed", found=repr(name), wanted="a folder, or the name of a release")
    if name != folder.name and folder.is_dir():
        return Target(folder=folder.resolve())
    if folder.exists() and not folder.is_dir():
        raise Refused("not a folder", file=name, wanted="a folder, or the name of a release")
    there = folder.is_dir()
    named = _named(name, store, there=there)
    if named is None:
        return Target(folder=folder.resolve())
    if there and folder.resolve() != named.folder:
        # A folder that somebody put there must not answer for a release, nor the other way round.
        raise Refused(
            "both a folder and a release have this name", found=name, wanted=f"./{name} for the folder",
            next_step=f"the release by its full name: {named.release.name}" if named.release else "",
        )  # fmt: skip
    return named


def _named(name: str, store: Path, *, there: bool) -> Target | None:
    """The release of a name; None where there is none and a folder is `there` instead."""
    try:
        ledger = Ledger.open(store)
    except Refused as error:
        if there and error.what == "no ledger here":
            return None
        raise
    with ledger:
        try:
            node = find_release(ledger, name)
        except Refused:
            if there and not history(ledger, name):
                return None
            raise
        project = ledger.file.resolve().parent.parent
        return Target(folder=(project / str(node.body["folder"])).resolve(), release=node, project=project)


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


def verify_target(target: Target, key: Path, *, signature: Path | None = None) -> str:
    """Why a signature does not hold for a folder, or for the very release that was named; empty where it holds.

    A signature covers files and no name: with the folder of another release it may be copied into this one's place,
    so the files of a release must also be those of its record.

    Raises:
        Refused: no signature, no such key, or not a public one.
        Unavailable: the extra `evidence` is not installed.
    """
    found = verify(target.folder, key, signature=signature) if target.folder.is_dir() else ""
    if found:
        return found
    try:
        target.must_stand()
    except Refused as error:
        assert target.release is not None
        where = f" ({Path(error.file).name})" if error.file else ""
        return f"the files are not those of release {target.release.name}: {error.what}{where}"
    return ""


def _must_lie_outside(target: Path, folder: Path) -> None:
    if target.resolve().is_relative_to(folder.resolve()):
        raise Refused("a signature in the folder that it covers", file=str(target), wanted="a place beside the folder")
