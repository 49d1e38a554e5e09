"""Generated pages are committed and equal to what the program says today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


def writer() -> ModuleType:
    """The module that writes the pages."""
    specification = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_reference_pages_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    stale = [str(p) for p, text in writer().pages().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    assert [] == stale, "run: make docs"
