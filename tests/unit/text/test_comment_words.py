"""Comments about what an answer says, where no word for texts or opinions helps, and corrections beside them."""

from __future__ import annotations

import pytest

from headgate.text.comment_words import comment_chance, features, reads_as_comment
from headgate.text.corrections import Form, form_of, signs_of

ASKED, OLD = "When does the shop open?", "The shop in Leeds opens at noon and sells pigeons."


@pytest.mark.parametrize("text", [
    "who put pigeons in there, is that a joke??",
    "not sure we should tell customers about the pigeons at all",
    "why does it mention Leeds?? nobody asked for that",
    "this is the third time I have to fix this, please escalate to the vendor",
])  # fmt: skip
def test_remarks_on_what_an_answer_is_about_are_comments(text: str) -> None:
    assert Form.COMMENT == form_of(text, OLD, ASKED)


@pytest.mark.parametrize("text", [
    "at 9", "No: 9 am", "wrong, we open at 9 in the morning", "The shop in Leeds opens at 9 and sells bread.",
    "We open at 9, and I'm happy to keep a loaf for you!",
])  # fmt: skip
def test_new_answers_are_none(text: str) -> None:
    assert Form.REPLACEMENT == form_of(text, OLD, ASKED)


def test_what_the_rules_call_a_comment_needs_less() -> None:
    found = {"=length": 0.5}
    chances = [comment_chance(found, ruled=ruled) for ruled in (False, True)]
    assert chances == sorted(chances)
    assert [False, True] == [reads_as_comment(found, ruled=ruled) for ruled in (False, True)]


def test_numbers_are_alike_and_new_ones_are_told() -> None:
    found = features("in 30 days", ["30", "days"], 0, ({"14", "days"}, set()))
    assert {"#", "in #", "# days", "in", "days", "^ in", "days $"} <= set(found)
    assert [1.0, 1.0] == [found["=number"], found["=new number"]]
    assert signs_of("in 14 days", "in 14 days", "")["=new number"] == 0.0


def test_words_of_no_known_kind_say_nothing() -> None:
    assert comment_chance({"xyzzy": 1.0}, ruled=False) == comment_chance({}, ruled=False)
