"""Everything in the ledger as JSON lines: for a regulator, a backup check, or another system."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson
import zstandard
from sqlalchemy import select

from headgate.kit.files import atomic_write
from headgate.ledger import schema
from headgate.ledger.nodes import KINDS

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger


def export(ledger: Ledger, path: Path) -> int:
    """Writes log, nodes, edges, claims, versions and rows; `.gz` and `.zst` compress. Returns the line count.

    The first line names the head of the chain. Erased content has no line of its own: only its
    addresses remain, in the log.

    Raises:
        Refused: the target cannot be written; nothing is left behind.
    """
    count = 0
    with atomic_write(path) as stream, _packing(stream, path) as out:
        for record in _records(ledger):
            out.write(orjson.dumps(record) + b"\n")
            count += 1
    return count


def _records(ledger: Ledger) -> Iterator[dict[str, Any]]:
    head = ledger.head()
    yield {"record": "head", "seq": head.seq, "hash": head.hash}
    for entry in ledger.log():
        yield {"record": "log", **entry.as_json()}
    for kind in sorted(KINDS):
        for node in ledger.find(kind):
            yield {"record": "node", **node.as_json()}
    with ledger._reading() as connection:
        for row in connection.execute(select(schema.edges).order_by(schema.edges.c.seq)):
            yield {"record": "edge", "source": row.source_id, "label": row.label, "target": row.target_id}
    for claim in ledger.claims.all():
        yield {"record": "claim", **claim.as_json()}
    for name in ledger.versions.names():
        version = ledger.versions.get(name)
        splits = {split: list(numbers) for split, numbers in version.splits.items()}
        yield {"record": "version", "name": name, "numbers": list(version.numbers), "splits": splits}
    for number, row_id, body in ledger.rows.bodies(ledger.rows.all_numbers()):
        yield {"record": "row", "number": number, "id": row_id, "body": orjson.loads(body)}


def _packing(stream: IO[bytes], path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=stream, mode="wb", mtime=0)
    if path.suffix in (".zst", ".zstd"):
        return zstandard.ZstdCompressor().stream_writer(stream, closefd=False)
    return contextlib.nullcontext(stream)
