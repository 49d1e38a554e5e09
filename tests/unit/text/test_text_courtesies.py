"""Short texts without greetings, thanks and slips of the keyboard."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text.courtesies import bare_hashes, spelling
from headgate.text.tape import tape_of


def bare(*texts: str) -> list[int]:
    """The hash of each text."""
    return bare_hashes(tape_of(texts), np.ones(len(texts), dtype=bool)).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John", "Hello: John"),
        ("hi hey John Smith please", "John Smith, thank you"),
        ("No thanks", "no thank you!"),
        ("reset my password", "reset my pasword please"),
        ("the Hitlon hotel", "The Hilton Hotel"),
        ("bitte Konto sperren", "Konto sperren, danke"),
    ],
)
def test_courtesies_and_slips_say_nothing(one: str, other: str) -> None:
    """Greetings first, thanks last, letters that changed places or were typed twice."""
    first, second = bare(one, other)
    assert first == second > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John", "Joan"),
        ("open it", "do not open it"),
        ("a form from the desk", "a from form the desk"),
        ("call me at 5511", "call me at 5151"),
        ("how do I say hello to her", "how do I say to her"),
        ("take 20 euros", "take 200 euros"),
        ("north of the hotel", "hotel of the north"),
    ],
)
def test_other_words_say_something_else(one: str, other: str) -> None:
    """Names, negations, short words, numbers, order and words asked about."""
    first, second = bare(one, other)
    assert first != second


def test_nothing_but_courtesies_is_nothing() -> None:
    """A greeting alone has no hash, and neither has a text that was not chosen."""
    chosen = np.array([True, True, False])
    assert [0, 0, 0] == bare_hashes(tape_of(["Hello", "please, thank you", "John"]), chosen).tolist()


def test_spelling_keeps_the_first_letter_and_short_words() -> None:
    """From five letters on."""
    assert ["hilnot", "form", "a1234b"] == [spelling("Hitlon"), spelling("form"), spelling("a1234b")]
