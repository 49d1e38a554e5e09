"""The scene of the tests of releases: a candidate that the gate let through."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scenes() -> ModuleType:
    """The module that makes scenes, shared with the tests of the gate."""
    name = "headgate_test_scene"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "gate/scene.py")
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def scene(scenes, tmp_path) -> Iterator:
    """A candidate with a passing decision."""
    made = scenes.ready(tmp_path)
    made.gate()
    yield made
    made.ledger.close()
