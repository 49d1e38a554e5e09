"""The adapter that a training goes on from, where it does not begin with a fresh one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark, must_belong
from headgate.train.closure import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An adapter of the ledger, found whole on disk."""

    node_id: str
    digest: str
    folder: Path


def find_start(ledger: Ledger, text: str, base: Base, work: Path) -> Start | None:
    """The adapter that a setting names; None: a fresh one is wanted.

    Raises:
        Refused: no such adapter, one that is gone or was changed, or one of another base.
    """
    if not text:
        return None
    node = ledger.latest("adapter", text)
    if node is None:
        try:
            node = ledger.node(text)
        except Refused:
            node = None
    if node is None or node.kind != "adapter":
        raise Refused(
            "no such adapter to go on from",
            found=repr(text),
            wanted="the name or address of an adapter in the ledger",
            next_step="headgate ledger log --kind adapter",
        )
    folder = work / str(node.body["folder"])
    if not folder.is_dir():
        raise Refused("the adapter to go on from is gone", file=str(folder), next_step="train it again")
    must_belong(folder, base.folder, base.fingerprint)
    mark = adapter_mark(folder)
    if mark.digest != node.body["digest"]:
        raise Refused("the adapter to go on from was changed", file=str(folder), found=mark.digest)
    return Start(node_id=node.id, digest=mark.digest, folder=folder)
