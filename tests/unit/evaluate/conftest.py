"""A project with a dataset version of ten intents, a suite in three pools, and a server of two models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.evaluate.run import run
from headgate.evaluate.settings import FewShotSettings, Settings, SuiteSettings
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext, StepResult
from headgate.rows.row import Kind, Message, Row, to_bytes
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.faults import Plan, never

NOW = datetime(2026, 11, 21, tzinfo=UTC)
INTENTS = ("lost card", "top up", "exchange rate", "refund", "new pin")
THINGS = ("Paris", "Oslo", "a kiosk", "my bank", "the app", "a taxi", "my office", "the gym")
VERBS = ("yesterday", "again", "by mistake", "twice", "at noon", "today", "since Monday", "on holiday")


def question(intent: str, number: int) -> str:
    """A request that names its intent in words of its own and is unlike its neighbours."""
    words = {
        "lost card": "I cannot find the plastic that I pay with",
        "top up": "the money I sent to my own balance is missing",
        "exchange rate": "how many dollars do I get for my euros",
        "refund": "the shop wants to give the payment back to me",
        "new pin": "I forgot the four digits for the machine",
    }[intent]
    thing, verb = THINGS[number % 8], VERBS[number // 8 % 8]
    return f"case {number * 7919 % 1000}: {words}, {verb}, near {thing}"


def items(start: int, count: int) -> list[tuple[str, str]]:
    return [(question(INTENTS[i % 5], i), INTENTS[i % 5]) for i in range(start, start + count)]


def write_items(path: Path, pairs: list[tuple[str, str]]) -> None:
    path.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in pairs))


def freeze_training(ledger: Ledger, pairs: list[tuple[str, str]], name: str = "support") -> str:
    rows = [Row(kind=Kind.DEMONSTRATION, messages=(Message("user", q), Message("assistant", a))) for q, a in pairs]
    source = ledger.record("source", name, {"name": name})
    records = [
        RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject=None)
        for row in rows
    ]
    numbers = ledger.rows.append(records).numbers
    return ledger.versions.freeze(name, numbers=numbers, splits={"train": numbers}, manifest={"made": "for a test"})


def truth(request: Request) -> str:
    """The right intent of a request, by what its words say."""
    return next(intent for intent in INTENTS if question(intent, 0).split(": ")[1].split(",")[0] in request.text)


def policy(request: Request) -> str:
    """The candidate is right; the base says one thing; with examples the base gets every second intent right."""
    if request.model == "candidate":
        return truth(request)
    if len(request.messages) > 1:
        return truth(request) if truth(request) in INTENTS[:2] else "refund please"
    return "I am only a base"


@dataclass
class Project:
    """A project folder with an open ledger, item files and a frozen training set."""

    folder: Path
    ledger: Ledger
    dataset: str
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    flow: str = "support"

    @property
    def context(self) -> StageContext:
        work = self.folder / ".headgate" / "work"
        work.mkdir(parents=True, exist_ok=True)
        return StageContext(
            folder=self.folder,
            work=work,
            outputs={"curate": {"dataset": self.dataset}, **self.outputs},
            quiet=True,
            now=NOW,
            flow_name=self.flow,
        )

    def settings(self, server: FakeEndpoint, **changes: Any) -> Settings:
        suite: Mapping[str, Any] = changes.pop("suite", {})
        pools = {"dev": "dev.jsonl", "gate": "gate.jsonl", "sealed": "sealed.jsonl"}
        given: dict[str, Any] = {
            "suites": {"topics": SuiteSettings(**{**pools, **suite})},
            "base": server.spec("base"),
            "candidate": server.spec("candidate"),
            "few_shot": FewShotSettings(counts=[0, 2], draws=2),
            "max_tokens": 16,
            "actor": "tester",
            "attempts": 1,
        }
        return Settings(**{**given, **changes})

    def run(self, server: FakeEndpoint, **changes: Any) -> StepResult:
        return run(self.ledger, self.settings(server, **changes), context=self.context)


def make_project(folder: Path) -> Project:
    """A project with ten development, thirty gate and thirty sealed items, and forty training rows."""
    (folder / ".headgate").mkdir()
    for name, start, count in (("dev", 0, 10), ("gate", 100, 30), ("sealed", 200, 30)):
        write_items(folder / f"{name}.jsonl", items(start, count))
    ledger = Ledger.open(folder / ".headgate", create=True)
    return Project(folder, ledger, freeze_training(ledger, items(300, 40)))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_project(tmp_path)
    yield made
    made.ledger.close()


@dataclass
class Passed:
    """A project after one evaluation that passed."""

    project: Project
    result: StepResult
    journal: list[Request]


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passed]:
    """One passing evaluation that several tests look at."""
    project = make_project(tmp_path_factory.mktemp("passed"))
    with FakeEndpoint(policy) as server:
        result = project.run(server)
    yield Passed(project, result, server.journal)
    project.ledger.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeEndpoint]]:
    """Starts fake servers that end with the test."""
    started: list[FakeEndpoint] = []

    def start(answer: Callable[[Request], Any] = policy, faults: Plan = never) -> FakeEndpoint:
        server = FakeEndpoint(answer, faults=faults)
        started.append(server)
        return server.__enter__()

    yield start
    for server in started:
        server.__exit__()


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """This module, for tests that need its items and policies."""
    return sys.modules[__name__]
