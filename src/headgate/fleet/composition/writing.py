"""The record of a merged adapter: its base, its parents, and the plan, so that it can be proved and made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headgate.fleet.composition.plans import Plan
from headgate.kit.files import write_flushed
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import RECORD, adapter_mark
from headgate.models.fingerprint import Fingerprint

if TYPE_CHECKING:
    from headgate.fleet.composition.composing import Request

FORM = 1


def seal(folder: Path, plan: Plan, request: Request, fingerprint: Fingerprint) -> None:
    """Writes the record into the folder of a merged adapter."""
    mark = adapter_mark(folder)
    record = {
        "form": FORM,
        "adapter": mark.digest,
        "tensors": mark.tensors,
        "config": mark.config,
        "base": fingerprint.as_json(),
        "base_name": request.base.resolve().name,
        "merged": {
            "plan": plan.as_json(),
            "seed": request.seed,
            "parents": {name: adapter_mark(one).digest for name, one in request.adapters.items()},
        },
    }
    write_flushed(folder / RECORD, canonical_json(record))
