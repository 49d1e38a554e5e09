"""The places in which a ledger can lie, as every test that cares may have them: a file, and what teams use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from object_server import ObjectServer
from postgres_server import Cluster

from headgate.ledger.ledger import Ledger
from headgate.train import surroundings

BACKENDS = ("sqlite", "postgres", "postgres+s3")


@pytest.fixture(scope="session", autouse=True)
def tests_are_no_code_from_elsewhere() -> Iterator[None]:
    """Training inside a test loads test modules too; they are taken for part of the program, not of the run."""
    homes = surroundings._homes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surroundings, "_homes", lambda: [*homes(), str(Path(__file__).parents[1])])
        yield


@pytest.fixture(scope="module", autouse=True)
def modules_that_a_test_wrote_go_with_it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Else a later training in the same process would be said to lean on them."""
    yield
    written = str(tmp_path_factory.getbasetemp().resolve())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(written):
            del sys.modules[name]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test run."""
    running = Cluster()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def objects() -> Iterator[ObjectServer]:
    """An S3 server of this test run."""
    running = ObjectServer()
    try:
        yield running
    finally:
        running.stop()


@dataclass(frozen=True)
class Place:
    """Where a ledger lies, and what lies beside it."""

    where: str | Path
    folder: Path
    content: str | None = None
    bucket: str = ""

    def open(self, **more: Any) -> Ledger:
        """Opens the ledger, and makes it when it is not there."""
        return Ledger.open(self.where, create=True, content=self.content, beside=self.folder, **more)


@pytest.fixture
def place_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], Place]:
    """Makes an empty place of a kind, with its files in a folder."""

    def make(backend: str, folder: Path) -> Place:
        folder.mkdir(parents=True, exist_ok=True)
        if backend == "sqlite":
            return Place(folder, folder)
        server = request.getfixturevalue("cluster")
        server.revive()
        address = server.database()
        if backend == "postgres":
            return Place(address, folder)
        store = request.getfixturevalue("objects")
        store.mend()
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        bucket = store.bucket()
        return Place(address, folder, f"s3://{bucket}/team", bucket)

    return make


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, place_of: Callable[[str, Path], Place], tmp_path: Path) -> Place:
    """Each of the places, for tests of what is the same in all of them."""
    return place_of(request.param, tmp_path)
