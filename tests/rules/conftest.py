"""Every Markdown file below this folder is a suite of the rule with the same stem."""

from __future__ import annotations

from headgate.rules.catalogue import CATALOGUE
from headgate.testing.collector import suites_of

pytest_collect_file = suites_of(CATALOGUE)
