"""Where rows come from, walked up in the ledger."""

from __future__ import annotations

from pathlib import Path

from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.ancestry import ancestry


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
        assert ["first", "left", "right"] == sorted(one.text for one in ancestry(ledger, [last])[1])
        assert ([first], []) == ancestry(ledger, [first])


def test_parents_that_a_file_names_by_its_own_ids_are_found(tmp_path: Path) -> None:
    """Two files have a row 1: each child has its own, by address, and what no row is called stays a name."""
    a, b = (Row(kind=Kind.DEMONSTRATION, messages=(Message("user", x),), side=Side(id="1", source=x)) for x in "ab")
    of_a, of_b = row("of a", "1", "nobody"), row("of b", "1")
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        linked = ((a, ()), (b, ()), (of_a, (a.id, "nobody")), (of_b, (b.id,)))
        ledger.rows.append(
            [
                RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source, parents=parents)
                for r, parents in linked
            ]
        )
        traced, above = ancestry(ledger, [of_a, of_b])
        assert [((a.id, "1", "nobody"), of_a.id), ((b.id, "1"), of_b.id)] == [(r.side.parents, r.id) for r in traced]
        assert [a.id, b.id] == [r.id for r in above]
