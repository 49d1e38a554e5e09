"""How near two bases are, from their files alone, and which road that leaves open.

Weights of one base trained on keep most of their leading directions; those of an unrelated base of the same shape do
not (overlap of the first 32: 0.95 to 0.997 against 0.36 where this was measured). Copied adapters kept 97 to 101 % of
their accuracy in the first case and nothing in the second, so that the overlap tells before anything is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.kit.errors import Refused
from headgate.models.adapter import must_fit
from headgate.models.fingerprint import Fingerprint, fingerprint_of, weight_files
from headgate.models.lora import numbers, updates_of
from headgate.models.safetensors_header import read_header

Floats = NDArray[np.float32]
TOP = 32  # leading directions
NEAR = 0.95  # overlap from which a copy is tried
COPY, REBUILD, DISTIL, RETIRE = "copy", "rebuild", "distil", "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """Two bases as an adapter sees them."""

    fits: bool  # the adapter's tensors fit the new base
    why_not: str
    differing: tuple[str, ...]  # parts of the fingerprint
    changed: float  # norm of the difference of the adapter's modules, as a share of theirs
    overlap: float  # mean over modules; 0 where shapes differ

    @property
    def same_text(self) -> bool:
        """Whether both turn a conversation into the same token ids."""
        return not {"tokenizer", "template"} & set(self.differing)

    def as_json(self) -> dict[str, Any]:
        """The numbers."""
        return {
            "fits": self.fits, "why_not": self.why_not, "differing": list(self.differing),
            "changed": round(self.changed, 4), "overlap": round(self.overlap, 4),
        }  # fmt: skip


def nearness(adapter: Path, old: Path, new: Path) -> Nearness:
    """Holds two bases against each other at the modules of an adapter.

    Raises:
        Refused: a folder is no base, or the adapter is not plain.
    """
    before, after = fingerprint_of(old), fingerprint_of(new)
    differing = tuple(before.differences(after.as_json()))
    try:
        must_fit(adapter, new)
    except Refused as error:
        return Nearness(fits=False, why_not=error.found or error.what, differing=differing, changed=0.0, overlap=0.0)
    stems = [*updates_of(adapter)]
    overlaps, off, norm = [], 0.0, 0.0
    for a, b in zip(_tensors(old, stems), _tensors(new, stems), strict=True):
        off, norm = off + float(np.sum((a - b) ** 2)), norm + float(np.sum(a**2))
        overlaps.append(_overlap(a, b))
    changed = float(np.sqrt(off / norm)) if norm else 0.0
    return Nearness(fits=True, why_not="", differing=differing, changed=changed, overlap=float(np.mean(overlaps)))


def roads(found: Nearness, *, rows: bool, prompts: bool) -> list[tuple[str, str]]:
    """Roads in the order in which they are worth trying, each with the reason; `rows`: the closure's may be used."""
    out = []
    if found.fits and found.same_text and found.overlap >= NEAR:
        out.append((COPY, f"the same shape and text, {found.overlap:.3f} of the leading directions kept"))
    if rows:
        out.append((REBUILD, "the rows that it was trained on are there and may be used"))
    out.append((DISTIL, "stored prompts, answered by the old stack" if prompts else "prompts made from a few examples"))
    out.append((RETIRE, "where no road passes the acceptance: back to a prompt, or to retrieval"))
    return out


def must_differ(old: Fingerprint, new: Fingerprint) -> None:
    """Refuses a migration to the very same base.

    Raises:
        Refused: nothing differs.
    """
    if not old.differences(new.as_json()):
        raise Refused("both are the same base", next_step="headgate fleet compat says whether an adapter belongs to it")


def _tensors(base: Path, stems: Sequence[str]) -> list[Floats]:
    wanted = [f"{stem}.weight" for stem in stems]
    found: dict[str, Floats] = {}
    for path in weight_files(base):
        header, start = read_header(path)
        raw = np.memmap(path, dtype=np.uint8, mode="r")
        for name in set(wanted) & set(header):
            dtype, shape, begin, end = header[name]
            piece = raw[start + begin : start + end]
            found[name] = numbers(piece, dtype, shape, path)
    return [found[name] for name in wanted]


def _overlap(a: Floats, b: Floats) -> float:
    """Mean squared cosine between the leading left directions of two matrices."""
    count = min(TOP, *a.shape)
    u, v = (np.linalg.svd(one, full_matrices=False)[0][:, :count] for one in (a, b))
    return float(np.sum((u.T @ v) ** 2) / count)
