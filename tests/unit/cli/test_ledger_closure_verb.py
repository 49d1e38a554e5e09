"""`headgate ledger closure` names what a model was made from, and counts people without naming them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.cli.main import main
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three rows of two people, two of them trained on, one only through a row made from it."""
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "desk", {})
        ids = [digest(f"{number}".encode()) for number in range(4)]
        whose, parents = ("ann", "bob", "ann", None), ((), (), (), (ids[1],))
        ledger.rows.append(
            [
                RowRecord(id=one, content_id=one, body=b"{}", source_id=source, subject=person, parents=made)
                for one, person, made in zip(ids, whose, parents, strict=True)
            ]
        )
        ledger.versions.freeze("set", numbers=BitMap([1, 4]), splits={}, manifest={})
        run = ledger.record("run", "run", {}, edges=[Edge("trained-on", ledger.versions.get("set").node_id)])
        ledger.record("adapter", "adapter", {}, edges=[Edge("derived-from", run)])
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command line prints."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert 0 == (ended.value.code or 0)
    return capsys.readouterr().out


def test_rows_by_source_and_people_by_number(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row that another was made from counts; one that nothing needs does not."""
    found = json.loads(said(capsys, "ledger", "closure", "adapter", "--ledger", str(store), "--json"))
    assert (3, {"desk": 3}, 2) == (found["rows"], found["rows_by_source"], found["people"])
    assert {"run", "dataset-version", "source"} == {node["kind"] for node in found["nodes"]}
    text = said(capsys, "ledger", "closure", "adapter", "--ledger", str(store))
    assert "adapter was made from 3 rows about 2 people" in text
    assert "ann" not in text
