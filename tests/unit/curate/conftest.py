"""A project folder with a ledger, and the lineage rules as stable ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    work = tmp_path / "work"
    work.mkdir()
    return StageContext(folder=tmp_path, work=work, outputs={}, quiet=True, now=NOW, flow_name="support")


@pytest.fixture(autouse=True)
def stable_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule on trial only warns; the transitions are tested with rules that block."""
    from headgate.rules import catalogue

    stable = tuple(replace(rule, status="stable") for rule in catalogue.CATALOGUE)
    monkeypatch.setattr(catalogue, "CATALOGUE", stable)
