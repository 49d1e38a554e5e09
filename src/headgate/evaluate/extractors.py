"""Finds the answer inside what a model said.

A chain is a list of alternatives; the first that finds something wins. An alternative is one or
more steps joined by " then ":

    ["after:#### then number", "last-number"]

Every step takes text and gives text, or nothing when what it looks for is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.text.answers import json_text as json_text
from headgate.text.answers import normalised as normalised
from headgate.text.answers import numbers as numbers

Step = Callable[[str], str | None]
LONGEST = 200_000  # characters of an answer that are looked at

THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)


def last_number(text: str) -> str | None:
    """The last number of a text, in its shortest form."""
    found = numbers(text)
    return f"{found[-1]:.15g}" if found else None


def first_number(text: str) -> str | None:
    """The first number of a text, in its shortest form."""
    found = numbers(text)
    return f"{found[0]:.15g}" if found else None


def after(marker: str) -> Step:
    """What follows the last occurrence of a marker."""

    def step(text: str) -> str | None:
        _, found, rest = text.rpartition(marker)
        return rest if found else None

    return step


def before(marker: str) -> Step:
    """What precedes the first occurrence of a marker; the whole text where it does not occur."""
    return lambda text: text.partition(marker)[0]


def pattern(expression: str) -> Step:
    """The last match of a regular expression: its first group, or all of it.

    Raises:
        Refused: the expression is not one.
    """
    try:
        compiled = re.compile(expression, re.MULTILINE)
    except re.error as error:
        raise Refused("not a regular expression", found=repr(expression), wanted=str(error)) from None

    def step(text: str) -> str | None:
        found = list(compiled.finditer(text))
        if not found:
            return None
        match = found[-1]
        return match.group(1) if compiled.groups and match.group(1) is not None else match.group(0)

    return step


def first_line(text: str) -> str | None:
    """The first line that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), None)


def last_line(text: str) -> str | None:
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), None)


def no_thinking(text: str) -> str | None:
    """The text without thinking that is marked as such; thinking that never ends leaves nothing."""
    return THINKING.sub("", text).strip() or None


def trimmed(text: str) -> str | None:
    """The text without white space, quotation marks and a full stop around it."""
    return text.strip().strip("\"'`“”‘’").rstrip(".").strip() or None


def letter(text: str) -> str | None:
    """The letter of a choice: a single capital A to J that stands alone; the last one, where there are more."""
    found = re.findall(r"(?<![A-Za-z])([A-J])(?![A-Za-z'’])", text)
    return str(found[-1]) if found else None


def json_field(path: str) -> Step:
    """A field of the JSON in the text, by a dotted path; other JSON than text comes back as JSON."""

    def step(text: str) -> str | None:
        found = json_text(text)
        if found is None:
            return None
        value: Any = orjson.loads(found)
        for name in path.split("."):
            if isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            elif isinstance(value, dict) and name in value:
                value = value[name]
            else:
                return None
        return value if isinstance(value, str) else orjson.dumps(value).decode()

    return step


STEPS: dict[str, Step] = {
    "whole": lambda text: text,
    "trim": trimmed,
    "first-line": first_line,
    "last-line": last_line,
    "number": last_number,
    "last-number": last_number,
    "first-number": first_number,
    "no-thinking": no_thinking,
    "letter": letter,
    "json": json_text,
}
MAKERS: dict[str, Callable[[str], Step]] = {
    "after": after,
    "before": before,
    "regex": pattern,
    "json-field": json_field,
}


def _step(words: str) -> Step:
    if words in STEPS:
        return STEPS[words]
    name, colon, argument = words.partition(":")
    if colon and argument and name in MAKERS:
        return MAKERS[name](argument)
    known = [*STEPS, *(f"{name}:..." for name in MAKERS)]
    raise Refused("no such extractor", found=repr(words), wanted=", ".join(known))


def chain(alternatives: Sequence[str]) -> Step:
    """One extractor from a list of alternatives; no alternatives: the whole text.

    Raises:
        Refused: a name is not known.
    """
    ways = [[_step(words.strip()) for words in one.split(" then ")] for one in alternatives] or [[STEPS["whole"]]]

    def extract(text: str) -> str | None:
        for way in ways:
            found: str | None = text[:LONGEST]
            for step in way:
                found = step(found) if found is not None else None
            if found is not None:
                return found
        return None

    return extract
