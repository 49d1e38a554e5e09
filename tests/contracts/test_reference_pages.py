"""Generated pages are committed and equal to what the program says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WRITER = Path(__file__).parents[2] / "docs" / "make_reference.py"


def test_reference_pages_are_up_to_date() -> None:
    """`make docs` would change nothing. In a process of its own: click keeps the help options of earlier calls."""
    done = subprocess.run([sys.executable, str(WRITER), "--check"], capture_output=True, text=True, check=True)
    assert done.stdout == "", "run: make docs"
