"""The same request in other words: changed, always alike, numbers whole."""

from __future__ import annotations

import pytest

from headgate.text.perturbing import OPERATORS, perturbed

REQUEST = "I want to know what is wrong with card 4417 of my account at Lloyds."


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_changes_and_keeps_the_number(name: str) -> None:
    """Twice the same, never the text itself, and 4417 is in it."""
    out = perturbed(REQUEST, name)
    assert out is not None
    assert out != REQUEST
    assert "4417" in out
    assert out == perturbed(REQUEST, name)


def test_typos_leave_names_alone() -> None:
    """Only small words of letters are mistyped; two letters change place, none is lost."""
    out = perturbed(REQUEST, "typos")
    assert out is not None
    assert "Lloyds" in out
    assert sorted(REQUEST) == sorted(out)


def test_nothing_to_change_is_none() -> None:
    """Small letters cannot be lowered, and without a word of the table there are no other words."""
    assert perturbed("hallo", "lower-case") is None
    assert perturbed("hallo", "other-words") is None
