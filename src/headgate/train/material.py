"""What is trained on: the rows of one split of a frozen dataset version, in the order of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row, from_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Rows of one split, ordered by their numbers in the ledger."""

    version: Any  # headgate.ledger.versions.DatasetVersion
    split: str
    rows: tuple[Row, ...]
    salt: str = ""  # for digests over these rows that are kept; empty: they stay plain


def material(ledger: Ledger, dataset: str, split: str) -> Material:
    """Reads the rows of a split.

    Raises:
        Refused: no such dataset version or split, a row that the firewall did not admit for training, or
            rows whose content was erased since the version was frozen.
    """
    version = ledger.versions.get(dataset)
    if split not in version.splits:
        raise Refused(
            f"dataset version {version.name} has no split {split!r}",
            found=", ".join(sorted(version.splits)) or "no splits",
            next_step="name one of them with split =, or let [curate] make it",
        )
    numbers = version.splits[split]
    ledger.protection.must_be_admitted(numbers, numbers, f"{version.name}, split {split}")
    rows = tuple(
        from_bytes(body).known_as(address)
        for _, address, body in sorted(ledger.rows.bodies(numbers), key=lambda one: one[0])
    )
    if len(rows) != len(numbers):
        raise Refused(
            f"rows of {version.name} are gone",
            found=f"{len(numbers) - len(rows)} of {len(numbers)} have no content any more",
            next_step="freeze a new version without them: headgate curate",
        )
    return Material(version=version, split=split, rows=rows, salt=salt_of(ledger, version.manifest_digest))


def salt_of(ledger: Ledger, manifest: str) -> str:
    """What digests over the rows of a dataset version are salted with; who has no key of the ledger has no salt.

    A record of a run is never erased, and who knows all rows but one could try texts for that one against a plain
    digest of all of them.
    """
    return ledger.seal.address(b"digests over " + manifest.encode()) if ledger.seal.keyed else ""
