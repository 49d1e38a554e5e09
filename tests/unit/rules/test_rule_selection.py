"""Expressions to rules."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.selection import find, select


def names(*expressions: str, ignore: tuple[str, ...] = ()) -> list[str]:
    return [rule.name for rule in select(expressions, CATALOGUE, ignore=ignore, plugins=())]


@pytest.mark.parametrize("expression", ["near-duplicates", "DAT003", "dat003"])
def test_by_name_and_code(expression: str) -> None:
    """A name or a code in any case selects one rule."""
    assert ["near-duplicates"] == names(expression)


def test_by_shelf_in_order_of_codes() -> None:
    """A shelf selects its rules."""
    expected = ["unsourced-rows", "withdrawn-subject"]
    expected += ["untyped-signals", "comments-as-corrections", "dominant-actors", "impure-labels", "conflicting-terms"]
    assert expected == names("lineage")


def test_by_failure() -> None:
    """A failure slug selects all rules that answer for it."""
    assert ["unsourced-rows", "withdrawn-subject"] == names("provenance")
    assert ["near-duplicates", "erased-slice"] == names("dedup-hard-example")
    assert ["learned-typo", "mixed-terms"] == names("learned-typo")  # a rule may have the name of its failure


def test_all_is_the_catalogue() -> None:
    """`all` selects everything."""
    assert [rule.name for rule in CATALOGUE] == names("all")


def test_several_expressions_select_a_rule_once() -> None:
    """The order of the expressions does not matter, and nothing is selected twice."""
    assert names("data", "learned-typo", "lineage") == names("lineage", "data")


def test_ignored_rules_are_left_out() -> None:
    """What is ignored is not selected, whichever word names it."""
    assert ["withdrawn-subject"] == names("lineage", ignore=("LIN001", "LIN007", "accidental-dataset"))
    assert [] == names("lineage", ignore=("provenance", "licence-as-state", "accidental-dataset"))


@pytest.mark.parametrize(
    ("written", "near"), [("learned-tpyo", "learned-typo"), ("DTA004", "DAT004"), ("linaege", "lineage")]
)
def test_unknown_expression_names_the_nearest(written: str, near: str) -> None:
    """A slip of the pen gets a proposal."""
    with pytest.raises(Refused) as refused:
        names(written)
    assert f"did you mean {near!r}?" == refused.value.wanted
    assert repr(written) == refused.value.found


def test_nothing_near_lists_what_there_is() -> None:
    """A word that is near to nothing gets the list."""
    with pytest.raises(Refused) as refused:
        names("zzzzzz")
    assert "one of: " in (refused.value.wanted or "")
    assert "learned-typo" in (refused.value.wanted or "")


def test_unknown_ignore_is_refused() -> None:
    """A misspelt exclusion does not silently exclude nothing."""
    with pytest.raises(Refused):
        names("all", ignore=("learned-tpyo",))


def test_find_one_rule() -> None:
    """A page is found by name or code, and refused otherwise."""
    assert "DAT010" == find("erased-slice").code
    with pytest.raises(Refused):
        find("data")
