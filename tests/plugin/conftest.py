"""The suite of the toy plugin runs as the suites of our own rules do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from acme_shouted_answers import shouted_answers

from headgate.testing.collector import suites_of

pytest_collect_file = suites_of([shouted_answers])
