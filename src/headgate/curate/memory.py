"""Assignments of earlier versions, as they lie in the ledger: bitmaps of rows and sorted key hashes by split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyroaring import BitMap

from headgate.curate.splitting import Memory
from headgate.ledger.ledger import Ledger

ENTRY = "split-memory"  # key of the manifest


def remember(ledger: Ledger, memory: Memory) -> dict[str, Any]:
    """Stores assignments; returns the manifest's entry, digests by split."""
    rows: dict[str, BitMap] = {}
    keys: dict[str, list[int]] = {}
    for number, split in memory.rows.items():
        rows.setdefault(split, BitMap()).add(number)
    for key, split in memory.keys.items():
        keys.setdefault(split, []).append(key)
    return {
        "rows": {split: ledger.content.put(numbers.serialize()) for split, numbers in sorted(rows.items())},
        "keys": {split: ledger.content.put(_packed(hashes)) for split, hashes in sorted(keys.items())},
    }


def recall(ledger: Ledger, manifest: Mapping[str, Any], splits: Mapping[str, BitMap]) -> Memory:
    """Assignments of a version; one frozen without them is remembered by its splits."""
    entry = manifest.get(ENTRY)
    if entry is None:
        return Memory({number: split for split, numbers in splits.items() for number in numbers}, {})
    rows = {
        number: split for split, at in entry["rows"].items() for number in BitMap.deserialize(ledger.content.get(at))
    }
    keys = {
        key: split
        for split, at in entry["keys"].items()
        for key in np.frombuffer(ledger.content.get(at), dtype="<u8").tolist()
    }
    return Memory(rows, keys)


def _packed(hashes: list[int]) -> bytes:
    return np.sort(np.array(hashes, dtype="<u8")).tobytes()
