"""A warm start: the old adapter's tensors, put on the new base, as what a distillation goes on from.

Near versions of a base leave most of an adapter's directions useful even where the copy alone answers nothing right,
so that less has to be learned anew. Only where every tensor fits; text and acceptance are asked as ever.
"""

from __future__ import annotations

from pathlib import Path

from headgate.fleet.migration.copying import copied
from headgate.kit.errors import Refused
from headgate.kit.hashing import short
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext
from headgate.models.adapter import adapter_mark, must_fit, read_record
from headgate.models.fingerprint import fingerprint_of

FOLDER, DIGITS = "warm", 12


def fits(adapter: Path, new: Path) -> bool:
    """Whether every tensor of an adapter has its module in the new base."""
    try:
        must_fit(adapter, new)
    except Refused:
        return False
    return True


def warm(ledger: Ledger, adapter: Path, new: Path, context: StageContext) -> str:
    """The id of an adapter of the ledger that is the old one's copy on the new base.

    Raises:
        Refused: it does not fit.
    """
    mark, base = adapter_mark(adapter), fingerprint_of(new)
    name = f"{short(mark.digest, DIGITS)[3:]}-{short(base.root, DIGITS)[3:]}"
    folder = context.work / FOLDER / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        copied(adapter, new, folder)
    body = {
        "digest": mark.digest, "tensors": mark.tensors, "config": mark.config, "seed": 0, "base": base.root,
        "folder": str(folder.relative_to(context.work)), "migrated": (read_record(folder) or {})["migrated"],
    }  # fmt: skip
    # What is lost when the old one's rows are erased is lost for this one too.
    parents = [one for one in ledger.find("adapter") if one.body.get("digest") == mark.digest]
    known = next((one for one in parents if one.body.get("folder") == body["folder"]), None)
    if known is not None:
        return known.id
    edges = [Edge("derived-from", one.id) for one in parents]
    return ledger.record("adapter", f"{FOLDER}/{name}", body, edges=edges, at=context.now)
