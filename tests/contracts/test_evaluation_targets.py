"""The page of targets says what the committed results say, and names tests that exist."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    path = ROOT / "benchmarks" / "evaluation" / "targets" / "page.py"
    spec = importlib.util.spec_from_file_location("targets_page", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_results(maker: ModuleType) -> None:
    """Made anew from the committed results it is the committed page."""
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "python benchmarks/evaluation/targets/page.py"


def test_every_target_has_a_row_of_its_own(maker: ModuleType) -> None:
    """T1 to T23, each once and in order."""
    assert [f"T{n}" for n in range(1, 24)] == [one.id for one in maker.TARGETS]


def test_what_a_target_names_is_there(maker: ModuleType) -> None:
    """Result files, scripts and tests that the page points to exist."""
    for one in maker.TARGETS:
        assert (ROOT / one.results).is_file(), one.id
        for script in re.findall(r"benchmarks/\S+\.py", one.command):
            assert (ROOT / script).is_file(), one.id
        for test in one.tests:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), test


def test_a_missed_target_says_why(maker: ModuleType) -> None:
    """Whatever is not met has a sentence about it."""
    for one in maker.TARGETS:
        if not one.met(json.loads((ROOT / one.results).read_text(encoding="utf-8"))):
            assert one.note, one.id
