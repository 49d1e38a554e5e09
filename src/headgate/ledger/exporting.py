"""Everything in the ledger as JSON lines: for a regulator, a backup check, or another system."""

from __future__ import annotations

import base64
import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson
import zstandard
from sqlalchemy import Connection, select

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.ledger import schema
from headgate.ledger.nodes import KINDS
from headgate.ledger.verifying import with_bytes

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger


def export(ledger: Ledger, path: Path) -> int:
    """Writes log, nodes, edges, claims, versions and rows; `.gz` and `.zst` compress. Returns the line count.

    The first line names the head of the chain, and all lines are of that moment. The bodies of rows are in
    the file, so keep it as safe as the ledger; of an erased row its addresses are left.

    Raises:
        Refused: the target cannot be written; nothing is left behind.
    """
    count = 0
    with ledger.snapshot() as connection, atomic_write(path) as stream, _packing(stream, path) as out:
        for record in _records(ledger, connection):
            out.write(orjson.dumps(record) + b"\n")
            count += 1
    return count


def _records(ledger: Ledger, connection: Connection) -> Iterator[dict[str, Any]]:
    head = ledger.head()
    yield {"record": "head", "seq": head.seq, "hash": head.hash}
    for entry in ledger.log():
        yield {"record": "log", **entry.as_json()}
    for kind in sorted(KINDS):
        for node in ledger.find(kind):
            yield {"record": "node", **node.as_json()}
    for row in connection.execute(select(schema.edges).order_by(schema.edges.c.seq)):
        yield {"record": "edge", "source": row.source_id, "label": row.label, "target": row.target_id}
    for claim in ledger.claims.all():
        yield {"record": "claim", **claim.as_json()}
    for name in ledger.versions.names():
        version = ledger.versions.get(name)
        splits = {split: list(numbers) for split, numbers in version.splits.items()}
        yield {"record": "version", "name": name, "numbers": list(version.numbers), "splits": splits}
    yield from _rows(ledger, connection)


def _rows(ledger: Ledger, connection: Connection) -> Iterator[dict[str, Any]]:
    rows, bodies, nodes = schema.rows, schema.row_bodies, schema.nodes
    query = (
        select(rows, bodies.c.body, nodes.c.id.label("source_id"))
        .join(nodes, nodes.c.seq == rows.c.source)
        .outerjoin(bodies, bodies.c.number == rows.c.number)
        .order_by(rows.c.number)
    )
    decompress = zstandard.ZstdDecompressor().decompress
    for row, packed in with_bytes(connection, ledger.store, query, "body"):
        facts = {name: getattr(row, name) for name in ("number", "id", "content_id", "body_digest", "size", "subject")}
        body = {"erased": True} if row.body is None else _readable(decompress(_there(packed, row.number)))
        yield {"record": "row", **facts, "source": row.source_id, **body}
    made = select(rows.c.id, schema.row_parents.c.parent_id).join(rows, rows.c.number == schema.row_parents.c.child)
    for child, parent in connection.execute(made.order_by(rows.c.number, schema.row_parents.c.parent_id)):
        yield {"record": "edge", "source": child, "label": "derived-from", "target": parent}


def _there(packed: bytes | None, number: int) -> bytes:
    if packed is None:
        step = "run it again; if it stays, headgate ledger verify"  # an erasure moves rows to new objects
        raise Refused(f"the body of row {number} is lost, was changed, or was moved meanwhile", next_step=step)
    return packed


def _readable(body: bytes) -> dict[str, Any]:
    """A body as JSON where it is JSON, otherwise as base64."""
    try:
        return {"body": orjson.loads(body)}
    except orjson.JSONDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _packing(stream: IO[bytes], path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=stream, mode="wb", mtime=0)
    if path.suffix in (".zst", ".zstd"):
        return zstandard.ZstdCompressor().stream_writer(stream, closefd=False)
    return contextlib.nullcontext(stream)
