"""The pages of the rules are generated from the live catalogue and committed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from headgate.cli.explain import command
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.page import INDEX, page, pages, suite_of
from headgate.rules.shape import Rule

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
every_rule = pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)


@pytest.mark.parametrize("name", sorted(pages(CATALOGUE)))
def test_committed_page_is_what_the_catalogue_says(name: str) -> None:
    """A page that differs was not generated again: python -m headgate.rules.page docs/rules."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages(CATALOGUE)[name]


def test_no_page_without_a_rule() -> None:
    """A page of a rule that is gone is gone too."""
    assert set(pages(CATALOGUE)) == {path.name for path in FOLDER.glob("*.md")}


@every_rule
def test_explain_prints_the_page(rule: Rule) -> None:
    """By name and by code, the terminal shows what the documentation shows."""
    for word in (rule.name, rule.code, rule.code.lower()):
        assert page(rule) == CliRunner().invoke(command, [word], standalone_mode=False).output


@every_rule
def test_page_holds_the_cases(rule: Rule) -> None:
    """The examples on the page are the tests of the rule."""
    headings = [line[3:] for line in suite_of(rule).splitlines() if line.startswith("## ")]
    assert headings
    assert [] == [heading for heading in headings if f"\n### {heading}\n" not in page(rule)]


def test_index_links_every_page() -> None:
    """The index leads to each page."""
    text = pages(CATALOGUE)[INDEX]
    assert [] == [rule.name for rule in CATALOGUE if f"[{rule.name}]({rule.name}.md)" not in text]
