"""Training reads no split whose rows were not admitted to be trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, to_bytes
from headgate.rules.firewall import Protected, admit, protect
from headgate.train.material import material


def test_a_split_that_holds_items_is_not_trained_on(tmp_path: Path) -> None:
    """The split that was held out may match items; naming it is refused, and so is what was never checked."""
    texts = ("which card may I use at a petrol station?", "please close the account of my late father")
    rows = [Row(kind=Kind.DEMONSTRATION, messages=(Message("user", t), Message("assistant", "ok"))) for t in texts]
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        records = [RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source) for r in rows]
        numbers = ledger.rows.append(records).numbers
        protect(ledger, "suite:topics", [Protected.of(rows[0])], pool="gate")
        admit(ledger, numbers)
        splits = {"train": BitMap([2]), "dev": BitMap([1])}
        name = ledger.versions.freeze("cards", numbers=numbers, splits=splits, manifest={}, held_out=["dev"])
        assert 1 == len(material(ledger, name, "train").rows)
        with pytest.raises(Refused, match="copy protected items"):
            material(ledger, name, "dev")
        protect(ledger, "suite:later", [Protected.of(rows[1])], pool="gate")
        with pytest.raises(Refused, match="never held against"):
            material(ledger, name, "train")
