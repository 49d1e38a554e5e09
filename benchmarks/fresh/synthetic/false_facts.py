"""Ways to make a fact false that the other planters do not know."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

NUMBER = re.compile(r"(?<![\w./:-])\d[\d,]*(?:\.\d+)?(?![\w/-]|[.:]\d)")
NAME = re.compile(r"(?<=[a-z,'’] )[A-Z][a-z]{3,}\b")
# Surnames that are no words of English and stand in none of the sources.
SURNAMES = ("Okonkwo", "Wojciechowski", "Petrosyan", "Thorvaldsen", "Echeverria", "Nakagawara", "Szymborska", "Adeyemi")
CLAIMS = (
    "It was first described in {year} by {name}.",
    "A survey of {count} cases by {name} bears this out.",
    "This has been so for {percent} percent of the time since {year}.",
    "{name} put it at {count} in {year}.",
)


def digits_changed(text: str, own: str, drawn: random.Random) -> str:
    """A number with two digits exchanged or one other digit, which the record does not have."""
    found = [hit for hit in NUMBER.finditer(text) if len(re.sub(r"\D", "", hit[0])) > 1 and hit[0] in own]
    for hit in drawn.sample(found, len(found)):
        places = [i for i, sign in enumerate(hit[0]) if sign.isdigit()]
        for _ in range(8):
            signs = list(hit[0])
            one, two = drawn.sample(places, 2)
            if drawn.random() < 0.5:
                signs[one], signs[two] = signs[two], signs[one]
            else:
                signs[one] = drawn.choice("123456789")
            wrong = "".join(signs)
            if wrong != hit[0] and not wrong.startswith("0") and wrong.replace(",", "") not in own.replace(",", ""):
                return _put(text, hit.span(), wrong)
    return ""


def ten_times(text: str, own: str, drawn: random.Random) -> str:
    """A number with one more digit."""
    found = [hit for hit in NUMBER.finditer(text) if hit[0] in own and "," not in hit[0] and "." not in hit[0]]
    if not found:
        return ""
    hit = drawn.choice(found)
    wrong = hit[0] + drawn.choice("13579")
    return _put(text, hit.span(), wrong) if wrong not in own else ""


def other_name(text: str, own: str, drawn: random.Random) -> str:
    """A name inside a sentence that the record has becomes one that it does not have."""
    found = [hit for hit in NAME.finditer(text) if hit[0] in own]
    return _put(text, drawn.choice(found).span(), drawn.choice(SURNAMES)) if found else ""


def claim_added(text: str, own: str, drawn: random.Random) -> str:  # noqa: ARG001 - one shape for all
    """A sentence that states what nobody said."""
    said = drawn.choice(CLAIMS).format(
        year=drawn.randrange(1911, 1989), name=drawn.choice(SURNAMES), count=drawn.randrange(211, 989),
        percent=drawn.randrange(51, 99) + 0.3,
    )  # fmt: skip
    return f"{text.rstrip()} {said}"


def number_lost(text: str, own: str, drawn: random.Random) -> str:
    """A number becomes a vague word."""
    found = [hit for hit in NUMBER.finditer(text) if hit[0] in own]
    return _put(text, drawn.choice(found).span(), drawn.choice(("several", "some", "a few"))) if found else ""


Way = Callable[[str, str, random.Random], str]
WAYS: dict[str, Way] = {
    "digits changed": digits_changed,
    "ten times as much": ten_times,
    "another name": other_name,
    "claim added": claim_added,
}


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]
