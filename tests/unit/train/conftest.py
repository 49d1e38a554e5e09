"""A small project with a frozen dataset version of ten intents, and the shipped base."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from pyroaring import BitMap

from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext, StepResult
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.train.run import run
from headgate.train.settings import Settings

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class Project:
    """A project folder with an open ledger and a dataset version in it."""

    folder: Path
    ledger: Ledger
    dataset: str

    @property
    def base(self) -> Path:
        """The shipped base."""
        return REPOSITORY / "examples/base/headgate-tiny"

    @property
    def context(self) -> StageContext:
        """What the flow would give to the stage."""
        return StageContext(
            folder=self.folder,
            work=self.folder / ".headgate" / "work",
            outputs={"curate": {"dataset": self.dataset}},
            quiet=True,
            now=NOW,
            flow_name="requests",
        )

    def train(self, **settings: object) -> StepResult:
        """Runs the stage."""
        given = {"base": str(self.base), "steps": 8, "batch": 16, **settings}
        return run(self.ledger, Settings(**given), context=self.context)  # type: ignore[arg-type]

    def of(self, name: str, rows: list[Row]) -> Project:
        """The same project with another dataset version, frozen where it is not there yet."""
        if not self.ledger.find("dataset-version", f"{name}@1"):
            numbers = stored(self.ledger, rows)
            self.ledger.versions.freeze(name, numbers=numbers, splits={"train": numbers}, manifest={"made": name})
        return Project(self.folder, self.ledger, f"{name}@1")


def stored(ledger: Ledger, rows: list[Row]) -> BitMap:
    """Appends rows; their numbers."""
    source = ledger.record("source", "requests", {"file": "requests.csv"})
    return ledger.rows.append(
        [
            RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source, subject=None)
            for one in rows
        ]
    ).numbers


def another(topic: str) -> tuple[Message, ...]:
    """A wrong answer: the name of another topic."""
    topics = sorted({row.messages[1].content for row in requests("train")})
    return (Message("assistant", topics[(topics.index(topic) + 3) % len(topics)]),)


def pairs() -> list[Row]:
    """The requests with the right topic preferred to a wrong one."""
    return [
        Row(
            kind=Kind.PREFERENCE,
            messages=row.messages[:1],
            chosen=row.messages[1:],
            rejected=(another(row.messages[1].content),),
            side=row.side,
        )
        for row in requests("train")
    ]


def judged() -> list[Row]:
    """The requests with a right and a wrong topic in turn, labelled so."""
    return [
        Row(
            kind=Kind.UNPAIRED,
            messages=(row.messages[0], row.messages[1] if i % 2 else another(row.messages[1].content)[0]),
            label=bool(i % 2),
            side=row.side,
        )
        for i, row in enumerate(requests("train"))
    ]


def requests(split: str) -> list[Row]:
    """Rows of the fixture: a request and the name of its topic."""
    path = REPOSITORY / "tests/fixtures/requests/requests.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        found = [one for one in csv.DictReader(stream) if one["split"] == split]
    return [
        Row(
            kind=Kind.DEMONSTRATION,
            messages=(Message("user", one["text"]), Message("assistant", one["topic"])),
            side=Side(id=f"{split}-{i}", slices={"topic": one["topic"]}),
        )
        for i, one in enumerate(found)
    ]


def make_project(folder: Path, rows: list[Row], held: list[Row] | None = None) -> Project:
    """A project whose dataset version has the rows as split train (and others as split held)."""
    (folder / ".headgate" / "work").mkdir(parents=True)
    ledger = Ledger.open(folder / ".headgate", create=True)
    splits = {"train": stored(ledger, rows)}
    if held:
        splits["held"] = stored(ledger, held)
    numbers = BitMap.union(*splits.values())
    name = ledger.versions.freeze("requests", numbers=numbers, splits=splits, manifest={"made": "for a test"})
    return Project(folder, ledger, name)


def open_project(folder: Path, dataset: str) -> Project:
    """A project that is there already."""
    return Project(folder, Ledger.open(folder / ".headgate"), dataset)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with 240 rows of ten topics."""
    made = make_project(tmp_path, requests("train"), requests("test"))
    yield made
    made.ledger.close()


@pytest.fixture
def base() -> Path:
    """The shipped base."""
    return REPOSITORY / "examples/base/headgate-tiny"


@pytest.fixture
def maker() -> ModuleType:
    """This module, for tests that make their own projects or hand it to another process."""
    return sys.modules[__name__]


@pytest.fixture(scope="module")
def maker_module() -> ModuleType:
    """The same for a module of tests."""
    return sys.modules[__name__]
