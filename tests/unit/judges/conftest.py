"""A ledger with judges, and fake endpoints that play them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.judges.asking import JudgeDesk
from headgate.models.judges.canaries import canaries
from headgate.models.judges.settings import JudgeSettings
from headgate.testing.fake_endpoint import Answerer, FakeEndpoint
from headgate.testing.faults import Plan, never

KNOWN = {one.pair.prompt: one.pair.first for one in canaries()}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeEndpoint]]:
    """Starts fake servers that end with the test."""
    started: list[FakeEndpoint] = []

    def start(answer: Answerer, faults: Plan = never, **options: Any) -> FakeEndpoint:
        server = FakeEndpoint(answer, faults=faults, **options)
        started.append(server)
        return server.__enter__()

    yield start
    for server in started:
        server.__exit__()


def judge_node(ledger: Ledger, endpoint: str, name: str = "ann", **changes: Any) -> Node:
    settings = JudgeSettings(**{"endpoint": endpoint, "model": "fake-model", "family": "fake", **changes})
    return ledger.node(ledger.record("judge", name, settings.body()))


@pytest.fixture
def desk(ledger: Ledger) -> Callable[..., JudgeDesk]:
    """A judge at a fake server, with waits that a test can bear."""

    def make(server: FakeEndpoint, name: str = "ann", **changes: Any) -> JudgeDesk:
        return JudgeDesk(ledger, judge_node(ledger, server.url, name, **changes), first_wait=0.001)

    return make
