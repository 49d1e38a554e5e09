"""Copies of an evaluation item in the disguises that decontamination meets."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping

DIGITS = re.compile(r"\d")


def verbatim(text: str, *_: object) -> str:
    """As it is."""
    return text


def embedded(text: str, other: str, _: random.Random) -> str:
    """Between two pieces of another text."""
    cut = len(other) // 2
    return f"{other[:cut]}\n{text}\n{other[cut:]}"


def light(text: str, other: str, drawn: random.Random) -> str:
    """5 % of the words replaced, deleted or doubled."""
    return _edited(text, other, 0.05, drawn)


def heavy(text: str, other: str, drawn: random.Random) -> str:
    """15 % of the words replaced, deleted or doubled."""
    return _edited(text, other, 0.15, drawn)


def digits(text: str, _: str, drawn: random.Random) -> str:
    """Every digit another one; a text without digits loses its last word instead."""
    if not DIGITS.search(text):
        return " ".join(text.split()[:-1]) or text
    return DIGITS.sub(lambda one: str((int(one[0]) + drawn.randint(1, 9)) % 10), text)


def cut(text: str, *_: object) -> str:
    """The first 60 % of the words."""
    words = text.split()
    return " ".join(words[: math.ceil(0.6 * len(words))])


def _edited(text: str, other: str, share: float, drawn: random.Random) -> str:
    here, there = text.split(), other.split() or ["so"]
    for place in sorted(drawn.sample(range(len(here)), max(1, round(share * len(here)))), reverse=True):
        how = drawn.choice(("replace", "delete", "double"))
        if how == "replace":
            here[place] = drawn.choice(there)
        elif how == "double":
            here.insert(place, here[place])
        elif len(here) > 1:
            del here[place]
    return " ".join(here)


DISGUISES: Mapping[str, Callable[[str, str, random.Random], str]] = {
    "verbatim": verbatim,
    "embedded": embedded,
    "light 5 %": light,
    "heavy 15 %": heavy,
    "digits": digits,
    "cut 60 %": cut,
}
