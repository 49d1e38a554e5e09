"""Proof that splits are disjoint: no content, no key and no near-duplicate lies in two of them.

The proof is counts and digests of sets, written to the manifest at the freeze; anybody with the
ledger and its key can compute it again from the rows and compare. The key, because a manifest is never
erased: who has all rows of a small split but one could try texts for the last one against a plain digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from headgate.curate.keys import alike_pairs, keys_of
from headgate.curate.settings import SplitSettings
from headgate.ledger.ledger import Ledger
from headgate.ledger.sealing import Seal
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows

ENTRY = "disjoint"  # key of the manifest
SHARED = ("content", "keys", "near-duplicates")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted: sets of every split, and what any two splits share."""

    splits: Mapping[str, Mapping[str, Any]]  # split -> rows, and count and digest of its sets
    between: Mapping[str, Mapping[str, int]]  # "dev and train" -> how many of each kind are shared

    @property
    def holds(self) -> bool:
        """Whether no two splits share anything."""
        return not any(count for shared in self.between.values() for count in shared.values())

    def as_json(self) -> dict[str, Any]:
        """The manifest's entry."""
        return {
            "splits": {name: dict(sets) for name, sets in self.splits.items()},
            "between": {name: dict(shared) for name, shared in self.between.items()},
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """A proof computed anew, beside the one that the version carries."""

    version: str
    proof: Proof
    recorded: bool  # the manifest's entry says the same

    @property
    def holds(self) -> bool:
        """Whether the splits are disjoint and the manifest says so."""
        return self.proof.holds and self.recorded


def prove(splits: Mapping[str, Sequence[Row]], settings: SplitSettings, seal: Seal) -> Proof:
    """Counts what the splits hold and share; the order of rows does not matter."""

    def sealed(values: Iterable[str]) -> str:
        return seal.address("\n".join(sorted(values)).encode())

    names = sorted(splits)
    contents = {name: {row.content_id for row in splits[name]} for name in names}
    keys = {name: {key for row in splits[name] for key in keys_of(row, settings)} for name in names}
    across = _alike(splits, names, settings)
    between = {}
    for one, other in combinations(names, 2):
        counts = (len(contents[one] & contents[other]), len(keys[one] & keys[other]), across.get((one, other), 0))
        between[f"{one} and {other}"] = dict(zip(SHARED, counts, strict=True))
    held = {
        name: {
            "rows": len(splits[name]),
            "content": {"count": len(contents[name]), "digest": sealed(contents[name])},
            "keys": {"count": len(keys[name]), "digest": sealed(map(str, keys[name]))},
        }
        for name in names
    }
    return Proof(held, between)


def prove_disjoint(ledger: Ledger, version: str) -> Checked:
    """Computes the proof of a frozen version again from the rows in the ledger.

    Raises:
        Refused: there is no such version.
    """
    found = ledger.versions.get(version)
    manifest = found.manifest["manifest"]
    settings = split_settings(manifest)
    splits = {name: [row for _, row in stored_rows(ledger, numbers)] for name, numbers in found.splits.items()}
    proof = prove(splits, settings, ledger.seal)
    same = manifest.get(ENTRY) == proof.as_json()
    if not same and ledger.seal.keyed:  # manifests had plain digests before
        same = manifest.get(ENTRY) == prove(splits, settings, Seal(None)).as_json()
    return Checked(found.name, proof, same)


def split_settings(manifest: Mapping[str, Any]) -> SplitSettings:
    """How a version was split, from its manifest; nothing that dealt new rows is needed to prove."""
    body = manifest.get("settings", {}).get("split", {})
    names = ("together", "near_duplicates", "threshold", "short_threshold", "salt")
    return SplitSettings(**{name: body[name] for name in names if name in body})


def _alike(
    splits: Mapping[str, Sequence[Row]], names: Sequence[str], settings: SplitSettings
) -> dict[tuple[str, str], int]:
    rows = [row for name in names for row in splits[name]]
    place = np.repeat(np.arange(len(names)), [len(splits[name]) for name in names])
    # In one fixed order, so that a crowded bucket lists the same pairs whatever order the rows came in.
    order = np.array(sorted(range(len(rows)), key=lambda position: rows[position].content_id), dtype=np.int64)
    pairs = alike_pairs([rows[position] for position in order], settings)
    counts: dict[tuple[str, str], int] = {}
    for one, other in place[order[pairs]].tolist():
        if one != other:
            key = (names[min(one, other)], names[max(one, other)])
            counts[key] = counts.get(key, 0) + 1
    return counts
