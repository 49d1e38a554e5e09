"""A server in this process with a handful of made adapters, asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_adapters import BASE, make_adapter

from headgate.serve.desk import Desk
from headgate.serve.engines.openai_app import in_thread
from headgate.serve.names import GivenNames
from headgate.serve.opening import open_desk
from headgate.serve.settings import Settings

COUNT = 6


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    url: str
    desk: Desk
    adapters: dict[str, Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Six adapters by name, strong enough to change what is said; the last has another rank and fewer modules."""
    folder = tmp_path_factory.mktemp("adapters")
    found = {f"a{n}": make_adapter(folder / f"a{n}", seed=n) for n in range(COUNT - 1)}
    attention = make_adapter(folder / "a5", seed=9, rank=7, strength=0.3, wanted=lambda stem: "self_attn" in stem)
    return found | {"a5": attention}


@pytest.fixture(scope="session")
def running(made: dict[str, Path]) -> Iterator[Running]:
    """A server whose budget holds three adapters."""
    settings = Settings(port=0, budget=0.28, batch=16, grace=5.0)
    desk = open_desk(BASE, GivenNames(made), settings)
    with in_thread(desk, settings) as url:
        yield Running(url, desk, made)
