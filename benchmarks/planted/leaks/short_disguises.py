"""Copies of a short question in the disguises that people give it."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping

OPENINGS = ("Hi, ", "Hello there. ", "Quick question: ", "Sorry to bother you, but ", "hey ")
ENDINGS = (" Thanks!", " please", " Can you help?", " I need to know today.", " thank you in advance")


def case(text: str, *_: object) -> str:
    """In capitals, without punctuation."""
    return " ".join("".join(c for c in text if c not in "?!.,;:").upper().split())


def typo(text: str, _: str, drawn: random.Random) -> str:
    """One letter of a word of four letters and more replaced, left out or doubled; two in longer texts."""
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for place in drawn.sample(long, min(len(long), 1 + (len(words) > 7))):
        word, at = words[place], drawn.randrange(1, len(words[place]))
        how = drawn.choice(("replace", "drop", "double"))
        new = {"replace": drawn.choice(string.ascii_lowercase), "drop": "", "double": word[at] * 2}[how]
        words[place] = word[:at] + new + word[at + 1 :]
    return " ".join(words)


def framed(text: str, _: str, drawn: random.Random) -> str:
    """With a greeting before or a few words after it."""
    return drawn.choice(OPENINGS) + text if drawn.random() < 0.5 else text + drawn.choice(ENDINGS)


def embedded(text: str, other: str, _: random.Random) -> str:
    """Between two pieces of another text."""
    words = other.split()
    cut = len(words) // 2
    return " ".join([*words[:cut], text, *words[cut:]])


def dropped(text: str, _: str, drawn: random.Random) -> str:
    """One word left out."""
    words = text.split()
    if len(words) > 2:
        del words[drawn.randrange(len(words))]
    return " ".join(words)


def exchanged(text: str, other: str, drawn: random.Random) -> str:
    """One word replaced by a word of another text."""
    words, others = text.split(), other.split() or ["so"]
    words[drawn.randrange(len(words))] = drawn.choice(others)
    return " ".join(words)


SHORT_DISGUISES: Mapping[str, Callable[[str, str, random.Random], str]] = {
    "case": case,
    "typo": typo,
    "framed": framed,
    "embedded": embedded,
    "word dropped": dropped,
    "word exchanged": exchanged,
}
