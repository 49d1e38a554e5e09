"""The adapter that a training goes on from, where it does not begin with a fresh one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
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
    node = _adapter(ledger, text)
    if node is None:
        raise Refused(
            "no such adapter to go on from",
            found=repr(text),
            wanted="the name or address of an adapter or a release in the ledger; an alias moves, so it names none",
            next_step="headgate release list, or headgate ledger log --kind adapter",
        )
    folder = work / str(node.body["folder"])
    if not folder.is_dir():
        raise Refused("the adapter to go on from is gone", file=str(folder), next_step="train it again")
    must_belong(folder, base.folder, base.fingerprint)
    mark = adapter_mark(folder)
    if mark.digest != node.body["digest"]:
        raise Refused("the adapter to go on from was changed", file=str(folder), found=mark.digest)
    return Start(node_id=node.id, digest=mark.digest, folder=folder)


def _adapter(ledger: Ledger, text: str) -> Node | None:
    """The adapter of a name or an address, or that of a release, whose name means the same one for ever."""
    node = ledger.latest("adapter", text) or ledger.latest("release", text)
    if node is None:
        try:
            node = ledger.node(text)
        except Refused:
            return None
    if node.kind == "release":
        made_of = (ledger.node(one.target_id) for one in ledger.edges_from(node.id, "derived-from"))
        return next((one for one in made_of if one.kind == "adapter"), None)
    return node if node.kind == "adapter" else None
