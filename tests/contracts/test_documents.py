"""Pages lead where they say, and name only verbs and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headgate.cli.verbs import find

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Links between pages point at files that are there."""
    links = [one for one in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")) if "://" not in one]
    assert [] == [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_names_a_verb(page: Path) -> None:
    """A command line in a code block names a verb that exists."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    verbs = [verb for block in blocks for verb in re.findall(r"^(?:\S*/)?headgate ([a-z]+)\b", block, re.MULTILINE)]
    assert [] == [verb for verb in verbs if find(verb) is None]


def test_every_reason_is_in_the_index() -> None:
    """Somebody who looks for a reason finds it from the first page."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [] == [p.name for p in (ROOT / "docs" / "reasons").glob("*.md") if f"reasons/{p.name}" not in index]


def test_make_targets_that_pages_name_exist() -> None:
    """`make something` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for page in PAGES for word in re.findall(r"`?\bmake ([a-z-]+)`", page.read_text(encoding="utf-8"))}
    assert set() == named - targets
