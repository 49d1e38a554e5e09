"""The scene of the gate's tests."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scenes() -> ModuleType:
    """The module that makes scenes; the tests of releases use it as well."""
    name = "headgate_test_scene"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("scene.py"))
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def bare(scenes, tmp_path) -> Iterator:
    """A candidate without any evidence."""
    scene = scenes.make(tmp_path)
    yield scene
    scene.ledger.close()


@pytest.fixture
def scene(scenes, tmp_path) -> Iterator:
    """A candidate that should pass."""
    made = scenes.ready(tmp_path)
    yield made
    made.ledger.close()
