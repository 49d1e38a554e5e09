"""Where rows come from, walked up in the ledger."""

from __future__ import annotations

from pathlib import Path

from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.ancestry import ancestors


def row(text: str, *parents: str) -> Row:
    return Row(kind=Kind.DEMONSTRATION, messages=(Message("user", text),), side=Side(parents=parents))


def test_every_known_generation_is_found_once(tmp_path: Path) -> None:
    """Two generations of a diamond come back once each; a parent that nobody captured is left out."""
    first = row("first")
    left, right = row("left", first.id), row("right", first.id)
    last = row("last", left.id, right.id, "b3:" + "0" * 64)
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        records = [
            RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source, parents=r.side.parents)
            for r in (first, left, right, last)
        ]
        ledger.rows.append(records)
        assert ["first", "left", "right"] == sorted(one.text for one in ancestors(ledger, [last]))
        assert [] == ancestors(ledger, [first])
