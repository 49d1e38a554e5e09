"""Finds the answer inside what a model said.

A chain is a list of alternatives; the first that finds something wins. An alternative is one or
more steps joined by " then ":

    ["after:#### then number", "last-number"]

Every step takes text and gives text, or nothing when what it looks for is not there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from headgate.kit.errors import Refused

Step = Callable[[str], str | None]
LONGEST = 200_000  # characters of an answer that are looked at

# A sign counts only where no number or word stands before it: "16-3" is 16 and 3, "is -3" is -3.
NUMBER = re.compile(
    r"(?:(?<![\w.,)])[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|(?<![\d.])\.\d+"
)
THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
FENCED = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)


def numbers(text: str) -> list[float]:
    """All numbers of a text, in order; thousands commas and currency signs are understood."""
    found = (match.replace(",", "").replace("−", "-") for match in NUMBER.findall(text))
    return [float(number) for number in found]


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


def json_text(text: str) -> str | None:
    """The first JSON object or array: bare, fenced, or inside other words."""
    for candidate in (text, *FENCED.findall(text)):
        if _parsed(candidate) is not None:
            return str(candidate).strip()
    for start in sorted(i for i in (text.find("{"), text.find("[")) if i >= 0):
        closing = "}" if text[start] == "{" else "]"
        end = text.rfind(closing)
        if end > start and _parsed(text[start : end + 1]) is not None:
            return text[start : end + 1]
    return None


def _parsed(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict | list) else None


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


def normalised(text: str, *, names: Sequence[str] = ("unicode", "case", "punctuation", "space")) -> str:
    """The text in a form in which unimportant differences are gone.

    Raises:
        Refused: a name is not known.
    """
    for name in names:
        if name not in NORMALISERS:
            raise Refused("no such normaliser", found=repr(name), wanted=", ".join(NORMALISERS))
        text = NORMALISERS[name](text)
    return text


def _without_punctuation(text: str) -> str:
    return "".join(" " if unicodedata.category(char)[0] in "PS" else char for char in text)


NORMALISERS: dict[str, Callable[[str], str]] = {
    "unicode": lambda text: unicodedata.normalize("NFKC", text),
    "case": str.casefold,
    "punctuation": _without_punctuation,
    "space": lambda text: " ".join(text.split()),
    "articles": lambda text: re.sub(r"\b(?:a|an|the)\b", " ", text),
}
