"""Labels in a flow: rules about them run, and what they license is a claim in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pyroaring import BitMap

from headgate.check.run import run
from headgate.check.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, to_bytes
from headgate.rules.licences import is_licensed
from headgate.stats.verdict import Outcome

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_flow_licenses_a_model_that_people_license(tmp_path: Path) -> None:
    """Three people and two models: one is licensed for half a year, the other refused; without labels, neither."""
    said = [
        f"i{item},{who},{'no' if who == 'gpt-3.5' and item % 2 else 'yes'}"
        for item in range(80)
        for who in ("ann", "bob", "eve", "gpt-4", "gpt-3.5")
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["item,annotator,label", *said]), encoding="utf-8")
    (tmp_path / "work").mkdir()
    row = Row(kind=Kind.DEMONSTRATION, messages=(Message("user", "How long?"), Message("assistant", "Two days.")))
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        record = RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject=None)
        ledger.rows.append([record])
        everything = BitMap([ledger.rows.number_of(row.id)])
        ledger.versions.freeze("support", numbers=everything, splits={"train": everything}, manifest={})
        outputs = {"curate": {"dataset": "support@1"}}
        context = StageContext(
            folder=tmp_path, work=tmp_path / "work", outputs=outputs, quiet=True, now=NOW, flow_name="f"
        )
        plain = run(ledger, Settings(select=["judge"]), context=context)
        assert {"wrong-labels", "related-judge"} == {verdict.rule for verdict in plain.verdicts}
        assert is_licensed(ledger, "gpt-4", NOW) is None
        result = run(ledger, Settings(select=["judge"], labels=["labels.csv"]), context=context)
        verdict = next(verdict for verdict in result.verdicts if verdict.rule == "unlicensed-annotator")
        assert Outcome.FAIL is verdict.outcome
        assert (True, False) == (is_licensed(ledger, "gpt-4", NOW), is_licensed(ledger, "gpt-3.5", NOW))
        assert is_licensed(ledger, "gpt-4", NOW.replace(year=2027)) is None
