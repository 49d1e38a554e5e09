"""Refusals by the words of their opening, and the doubt about what is in between."""

from __future__ import annotations

import pytest

from headgate.text.refusals import abstains, agreement, reading_of

PLAIN = (
    "Sorry, but I can't assist with that.",
    "I cannot provide instructions on how to do this.",
    "I’m unable to help you with that request.",
    "I must decline.",
    "I apologize, but I won't be able to write that.",
)
STEPS = "First of all, the plan. " + "\n1. Take the first part and look at it closely.\n2. Then take the other." * 20


@pytest.mark.parametrize("text", PLAIN)
def test_plain_refusals_are_sure(text: str) -> None:
    """Words of inability in the first two sentences settle it."""
    reading = reading_of(text)
    assert ("refusal", True) == (reading.manner, reading.sure)


@pytest.mark.parametrize("text", ["Sure, mix flour and water.", "Take the second road on the left.", "Paris."])
def test_plain_answers_are_sure(text: str) -> None:
    """Without a word of refusal or warning it is an answer."""
    reading = reading_of(text)
    assert ("answer", True) == (reading.manner, reading.sure)


@pytest.mark.parametrize(
    "text",
    [
        "It is never acceptable to hurt animals. They feel pain as we do.",
        "Bleach is dangerous. Use gloves and open a window.",
        "I cannot recommend it." + STEPS,
        "Here is the story. " * 30 + "I cannot help with more.",
    ],
)
def test_what_is_in_between_is_doubtful(text: str) -> None:
    """Arguments, warnings, refusals that go on to tell: a person must look."""
    assert not reading_of(text).sure


def test_agreement_is_that_of_cohen() -> None:
    """By hand: 8 of 10 agree, 5 of 10 by chance."""
    truth = [True] * 5 + [False] * 5
    found = [True, True, True, True, False, False, False, False, False, True]
    told = agreement(truth, found)
    assert pytest.approx(0.6) == told["kappa"]
    assert (0.8, 0.8, 0.0) == (told["sensitivity"], told["specificity"], told["bias"])


def test_abstaining_is_told_from_asserting() -> None:
    """'I do not know' settles it, 'it might be' does not."""
    assert (True, True) == abstains("I do not know what you ate.")
    assert (False, True) == abstains("You ate porridge.")
    assert (False, False) == abstains("It might be porridge.")
