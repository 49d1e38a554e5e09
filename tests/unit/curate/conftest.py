"""A project folder with a ledger, real rows in it, and rules that block."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rows.reading import read_rows
from headgate.rows.row import Row, to_bytes

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(FIXTURES / "banking77" / "train_100.csv", tmp_path / "items.csv")
    return StageContext(folder=tmp_path, work=work, outputs={}, quiet=True, now=NOW, flow_name="support")


@pytest.fixture
def store(ledger: Ledger) -> Callable[[Sequence[Row]], None]:
    """Stores rows under the source `shop`, with a licence and consent for all of it."""

    def stored(rows: Sequence[Row]) -> None:
        source = ledger.record("source", "shop", {"name": "shop"})
        for what, value in (("licence", "MIT"), ("consent", "training")):
            ledger.claims.assert_("source:shop", what, value, source="test", observed_at="2026-01-01")
        named = [row.with_side(source="shop") for row in rows]
        records = [
            RowRecord(
                id=row.id,
                content_id=row.content_id,
                body=to_bytes(row),
                source_id=source,
                subject=row.side.subject,
                parents=row.side.parents,
            )
            for row in named
        ]
        ledger.rows.append(records)

    return stored


@pytest.fixture(scope="session")
def banking() -> list[Row]:
    """300 bank questions of five intents, one of them rare."""
    columns = {"prompt": "text", "completion": "category", "slice.intent": "category"}
    return list(read_rows(FIXTURES / "banking77" / "intents_300.csv", columns=columns))


@pytest.fixture(scope="session")
def star() -> list[Row]:
    """40 dialogues of 13 callers, with conversation, subject and date."""
    return list(read_rows(FIXTURES / "star" / "dialogues_40.jsonl"))


@pytest.fixture(autouse=True)
def stable_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule on trial only warns; the transitions are tested with rules that block."""
    from headgate.rules import catalogue

    stable = tuple(replace(rule, status="stable") for rule in catalogue.CATALOGUE)
    monkeypatch.setattr(catalogue, "CATALOGUE", stable)
