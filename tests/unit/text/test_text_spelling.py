"""The word list, regional spellings, forms of words, slips and distances."""

from __future__ import annotations

import pytest

from headgate.text.spelling import dictionary, distance, edits, is_known, is_slip, may_be_made, neighbours, same_word

BOTH_SIDES = [
    "colour", "color", "centre", "center", "litres", "liters", "realise", "realize", "analysed", "analyzed",
    "travelled", "traveled", "fulfil", "fulfill", "enrolment", "enrollment", "catalogue", "catalog", "defence",
    "defense", "anaemia", "anemia", "omelette", "omelet", "programme", "program", "judgement", "judgment", "ageing",
    "aging", "sulphur", "sulfur", "cosy", "cozy", "grey", "gray", "tyre", "tire", "jewellery", "jewelry",
    "sceptical", "skeptical", "aluminium", "aluminum", "favourites", "favorites", "organisations", "organizations",
    "neighbours", "neighbors", "cancelled", "canceled", "practised", "practiced", "licence", "license",
    "marvelling", "marveling", "honoured", "honored", "behaviour", "behavior",
]  # fmt: skip
WRONG = [
    "recieve", "definately", "seperate", "accomodate", "succesfully", "occured", "goverment", "enviroment",
    "adress", "buisness", "tommorow", "begining", "beleive", "calandar", "untill", "wich", "transfering",
    "withdrawl", "beneficiery", "mintues", "celcius", "recomend", "refnud", "paymant", "numbber", "pieecs",
    "departuer", "thats", "dont",
]  # fmt: skip


def test_word_list_is_large_and_counts() -> None:
    """The list is the one that symspellpy carries."""
    assert len(dictionary()) > 80_000
    assert dictionary()["the"] > dictionary()["receive"] > 0


@pytest.mark.parametrize("word", BOTH_SIDES)
def test_british_and_american_spellings_are_known(word: str) -> None:
    """Both sides of the ocean are right."""
    assert is_known(word)


@pytest.mark.parametrize("word", WRONG)
def test_misspellings_are_unknown(word: str) -> None:
    """What is wrong on both sides is not excused as a form of something."""
    assert not is_known(word)


@pytest.mark.parametrize("word", ["parcels", "boxes", "parties", "tracked", "baking", "sitting"])
def test_inflections_are_known(word: str) -> None:
    """Plurals and verb forms of listed words are words."""
    assert is_known(word)


@pytest.mark.parametrize("word", ["helpdesk", "refundable", "resubmitting", "microservices"])
def test_derivations_and_compounds_may_be_made(word: str) -> None:
    """What can be read as made of listed words needs more evidence."""
    assert is_known(word) or may_be_made(word)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("card", "card", 0),
        ("card", "cards", 1),
        ("recieve", "receive", 1),
        ("accomodate", "accommodate", 1),
        ("mintues", "minutes", 1),
        ("tommorow", "tomorrow", 2),
        ("kitten", "sitting", 3),
        ("a", "abcd", 3),
    ],
)
def test_distance(one: str, other: str, apart: int) -> None:
    """Swapped neighbours are one slip; beyond the limit it says only that."""
    assert apart == distance(one, other) == distance(other, one)


@pytest.mark.parametrize(
    ("wrong", "right", "typical"),
    [
        ("recieve", "receive", True),
        ("accomodate", "accommodate", True),
        ("tommorow", "tomorrow", True),
        ("definately", "definitely", True),
        ("goverment", "government", False),
        ("legos", "legs", False),
    ],
)
def test_typical_slips(wrong: str, right: str, typical: bool) -> None:
    """Doubling, swapping and a mistaken vowel are typical; a letter too many or too few is not."""
    assert typical == is_slip(wrong, right)


def test_edits_are_typical_slips() -> None:
    """Every edit of a word is a slip of the kind that `is_slip` knows."""
    assert [] == [word for word in set(edits("receive")) - {"receive"} if not is_slip(word, "receive")]
    assert "receive" in set(edits("recieve"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("colour", "color", True),
        ("travelled", "traveler", True),
        ("refund", "refunds", True),
        ("tokenized", "tokenizer", True),
        ("chatbots", "chatbot", True),
        ("recieve", "receive", False),
        ("numbber", "number", False),
        ("cookis", "cookies", False),
    ],
)
def test_forms_of_one_word(one: str, other: str, same: bool) -> None:
    """Forms differ at the end or by region; slips differ inside."""
    assert same == same_word(one, other)


def test_neighbours_are_those_of_brute_force() -> None:
    """The index of deletions finds each pair within two slips and no other."""
    words = ["recieve", "recive", "tomorow", "cart", "relieve", "zebra"]
    targets = ["receive", "relieve", "tomorrow", "card", "carts", "zebras"]
    wanted = {
        (word, target, distance(word, target))
        for word in words
        for target in targets
        if word[0] == target[0] and 1 <= distance(word, target) <= 2
    }
    assert wanted == set(neighbours(words, targets))
