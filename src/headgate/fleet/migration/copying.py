"""The same tensors under a record for another base."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from headgate.kit.files import place_folder, refusing, write_flushed
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import RECORD, adapter_mark, must_fit
from headgate.models.adapter import read_record as record_of
from headgate.models.compatibility import base_record
from headgate.models.fingerprint import fingerprint_of


def copied(adapter: Path, new: Path, out: Path) -> Path:
    """The same tensors under a record for the new base, which says where they come from.

    Raises:
        Refused: they do not fit the new base, or the folder is there already.
    """
    must_fit(adapter, new)
    before = record_of(adapter) or {}
    mark, fingerprint = adapter_mark(adapter), fingerprint_of(new)
    record = {
        "form": 1, "adapter": mark.digest, "tensors": mark.tensors, "config": mark.config,
        "base": fingerprint.as_json(), "base_name": new.resolve().name, "base_record": base_record(new, fingerprint),
        "migrated": {"road": "copy", "from": before.get("base", {}).get("root", ""), "parent": mark.digest},
    }  # fmt: skip
    with refusing(out), tempfile.TemporaryDirectory(prefix="headgate-copy-") as work:
        made = Path(work) / "adapter"
        shutil.copytree(adapter, made)
        write_flushed(made / RECORD, canonical_json(record))
        place_folder(made, out)
    return out
