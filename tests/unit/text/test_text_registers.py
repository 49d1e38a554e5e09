"""Registers of what people say and of what is replied."""

from __future__ import annotations

import pytest

from headgate.text.registers import REGISTERS, registers


def of(said: str | list[str], replied: str = "") -> set[str]:
    turns = [said] if isinstance(said, str) else said
    held = registers([(turns, [replied] if replied else [])])
    return {name for name, holds in zip(REGISTERS, held[0], strict=True) if holds}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Hello, when will my parcel come?", {"greeting"}),
        ("when will my parcel come", {"lower case"}),
        ("pls send it ASAP to me", {"slips"}),
        ("I recieve nothing from that shop", {"slips"}),
        ("My parcel", {"terse"}),
        ("I ordered on Monday. Nothing is here yet.", {"written out"}),
        ("This is unacceptable, my money is lost", {"complaint"}),
        ("Where do I find my PIN today?", set()),
    ],
)
def test_what_people_say(said: str, wanted: set[str]) -> None:
    """Each manner of asking is seen, and a plain question is in no register."""
    assert of(said) == wanted


@pytest.mark.parametrize(
    ("replied", "wanted"),
    [
        ("It will probably come tomorrow.", {"hedge"}),
        ("I can check. Which card do you use?", {"clarifying question"}),
        ("I cannot open accounts for others.", {"refusal"}),
        ("Actually, the fee is two euros.", {"correction"}),
        ("I don't know when it opens.", {"admitted ignorance"}),
        ("It opens at nine.", set()),
        ("It is done. Is there anything else I can help you with?", set()),
        ('It was written by "I can\'t tell you why".', set()),
    ],
)
def test_what_is_replied(replied: str, wanted: set[str]) -> None:
    """Each manner of answering is seen; offers of help and quoted titles are none."""
    assert of("Where do I find my PIN today?", replied) == wanted


def test_a_repair_is_a_later_turn_that_objects() -> None:
    """Only a turn after the first can repair, and thanks are no objection."""
    first = "Where do I find my PIN today?"
    assert of([first, "No, I asked about the PIN of my card."]) == {"repair over turns", "written out"}
    assert "repair over turns" not in of([first, "No problem, I will look again."])
    assert "repair over turns" not in of(["No, I will not do that today."])


def test_a_word_of_the_trade_is_no_slip() -> None:
    """A word that no dictionary has is a slip in one text and a term in many."""
    asked = [([f"When does my zelvopay transfer number {n} arrive?"], []) for n in range(30)]
    slips = REGISTERS.index("slips")
    assert registers(asked)[:, slips].sum() == 0
    assert registers(asked[:1])[:, slips].sum() == 1
