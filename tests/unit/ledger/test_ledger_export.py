"""Export: a file that proves the chain without the ledger."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest, digest_json
from headgate.ledger import exporting
from headgate.ledger.chain import GENESIS, entry_hash
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.ledger.sealing import ITEMS, QUOTING


def filled(place: Any) -> Ledger:
    """A ledger with a JSON row, a row of bytes, an erased row made from the first, and a version."""
    ledger = place.open()
    source = ledger.record("source", "desk", {})
    bodies = [b'{"kind":"text"}', b"\xff\x00", b"gone"]
    ids = [digest(body) for body in bodies]
    made = {ids[2]: (ids[0],)}
    records = [
        RowRecord(id=one, content_id=one, body=body, source_id=source, subject="anna", parents=made.get(one, ()))
        for one, body in zip(ids, bodies, strict=True)
    ]
    ledger.rows.append(records)
    ledger.versions.freeze("support", numbers=BitMap([1, 2]), splits={"train": BitMap([1])}, manifest={})
    ledger.record("run", "first", {}, edges=[Edge("trained-on", ledger.node("support@1").id)])
    ledger.record("verdict", "check", {"rows": 3})
    ledger.claims.assert_("subject:anna", "consent", "training", source="form", observed_at="2026-01-01")
    ledger.rows.erase([3])
    return ledger


def lines(text: bytes) -> list[dict[str, Any]]:
    """The records of an export."""
    return [json.loads(line) for line in text.splitlines()]


def test_the_chain_of_an_export_ends_at_the_head_that_it_names(place: Any, tmp_path: Path) -> None:
    """Anybody can recompute every hash from the file alone, and the address of all records that are never erased."""
    with filled(place) as ledger:
        count = ledger.export(tmp_path / "out.jsonl")
        head, seal = ledger.head(), ledger.seal
    records = lines((tmp_path / "out.jsonl").read_bytes())
    assert count == len(records)
    assert {"record": "head", "seq": head.seq, "hash": head.hash} == records[0]
    previous = GENESIS
    for entry in (one for one in records if one["record"] == "log"):
        assert digest_json(entry["payload"]) == entry["payload_digest"]
        previous = entry_hash(previous, entry["seq"], entry["at"], entry["action"], entry["payload_digest"])
        assert previous == entry["hash"]
    assert head.hash == previous
    nodes = [one for one in records if one["record"] == "node"]
    for node in nodes:
        plain = digest_json({name: node[name] for name in ("kind", "name", "body")})
        assert (node["kind"] in QUOTING | ITEMS) == (plain != node["id"])
        assert seal.node(node["kind"], node["name"], node["body"]) == node["id"]


def test_every_row_is_in_an_export_with_what_is_known_of_it(place: Any, tmp_path: Path) -> None:
    """JSON as JSON, other bytes as base64, erased rows as their addresses."""
    with filled(place) as ledger:
        ledger.export(tmp_path / "out.jsonl")
        source = ledger.find("source")[0].id
    rows = [one for one in lines((tmp_path / "out.jsonl").read_bytes()) if one["record"] == "row"]
    assert [{"kind": "text"}, None, None] == [row.get("body") for row in rows]
    assert [None, "/wA=", None] == [row.get("body_base64") for row in rows]
    assert [None, None, True] == [row.get("erased") for row in rows]
    assert [("anna", source)] * 3 == [(row["subject"], row["source"]) for row in rows]
    assert b"gone" not in (tmp_path / "out.jsonl").read_bytes()
    edges = [one for one in lines((tmp_path / "out.jsonl").read_bytes()) if one["record"] == "edge"]
    assert {"trained-on", "derived-from"} == {edge["label"] for edge in edges}


def test_exports_can_be_compressed(place: Any, tmp_path: Path) -> None:
    """The ending of the name decides; the records are the same."""
    with filled(place) as ledger:
        for name in ("out.jsonl", "out.jsonl.gz", "out.jsonl.zst"):
            ledger.export(tmp_path / name)
    plain = (tmp_path / "out.jsonl").read_bytes()
    assert plain == gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes())
    with (tmp_path / "out.jsonl.zst").open("rb") as stream:
        assert plain == zstandard.ZstdDecompressor().stream_reader(stream).read()


def test_an_export_is_of_one_moment(place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process writes meanwhile is not in it, not even in part."""
    with filled(place) as ledger, place.open() as other:
        read = ledger.head

        def disturbed() -> Any:
            head = read()
            other.record("run", "meanwhile", {})
            return head

        monkeypatch.setattr(ledger, "head", disturbed)
        exporting.export(ledger, tmp_path / "out.jsonl")
        records = lines((tmp_path / "out.jsonl").read_bytes())
        assert records[0]["seq"] == max(one["seq"] for one in records if one["record"] == "log")
        assert ["first"] == [one["name"] for one in records if one["record"] == "node" and one["kind"] == "run"]
        assert ["first", "meanwhile"] == [node.name for node in other.find("run")]


def test_an_export_to_nowhere_is_refused(place: Any, tmp_path: Path) -> None:
    """A missing folder is named, and nothing is left behind."""
    with filled(place) as ledger:
        with pytest.raises(Refused, match="the folder is not there"):
            ledger.export(tmp_path / "missing" / "out.jsonl")
        with pytest.raises(Refused, match="a directory stands where"):
            ledger.export(tmp_path)
