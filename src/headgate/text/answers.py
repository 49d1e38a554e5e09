"""Answers as text: the numbers and JSON in them, and whether they say what was wanted.

What scores an item of an evaluation and what rewards an answer while training are the same comparisons.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from headgate.kit.errors import Refused

Compare = Callable[[str, str], bool]

# A sign counts only where no number or word stands before it: "16-3" is 16 and 3, "is -3" is -3.
NUMBER = re.compile(
    r"(?:(?<![\w.,)])[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|(?<![\d.])\.\d+"
)
FENCED = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)


def numbers(text: str) -> list[float]:
    """All numbers of a text, in order; thousands commas and currency signs are understood."""
    found = (match.replace(",", "").replace("−", "-") for match in NUMBER.findall(text))
    return [float(number) for number in found]


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


def exact(found: str, target: str) -> bool:
    """Equal but for white space around."""
    return found.strip() == target.strip()


def same_normalised(found: str, target: str) -> bool:
    """Equal after Unicode form, case, punctuation and white space are levelled."""
    return normalised(found) == normalised(target)


def contains(found: str, target: str) -> bool:
    """The target's words occur in the answer, as whole words."""
    return f" {normalised(target)} " in f" {normalised(found)} "


def matches(found: str, target: str) -> bool:
    """The target is a regular expression that occurs in the answer."""
    return re.search(target, found) is not None


def same_number(found: str, target: str) -> bool:
    """The last numbers of both agree to nine significant digits."""
    theirs, ours = numbers(found), numbers(target)
    return bool(theirs and ours) and math.isclose(theirs[-1], ours[-1], rel_tol=1e-9, abs_tol=1e-12)


def is_json(found: str, target: str) -> bool:  # noqa: ARG001 - the shape of a comparison
    """The answer is, or holds, a JSON object or array."""
    return json_text(found) is not None


def same_json(found: str, target: str) -> bool:
    """Every field of the target's JSON has the same value in the answer's; further fields are allowed."""
    theirs, ours = json_text(found), json_text(target)
    return theirs is not None and ours is not None and _covers(orjson.loads(theirs), orjson.loads(ours))


def _covers(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(k in found and _covers(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(found) == len(wanted)
        return same_length and all(_covers(a, b) for a, b in zip(found, wanted, strict=True))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return bool(found == wanted)


COMPARISONS: dict[str, Compare] = {
    "exact": exact,
    "normalised": same_normalised,
    "contains": contains,
    "regex": matches,
    "number": same_number,
    "json-valid": is_json,
    "json-match": same_json,
}


def unfit_target(name: str, target: str) -> str:
    """Why an answer cannot be compared with a target by that comparison; empty: it can."""
    if name == "number" and not numbers(target):
        return "the target holds no number"
    if name == "json-match" and json_text(target) is None:
        return "the target is no JSON"
    if name == "regex":
        try:
            re.compile(target)
        except re.error as error:
            return f"the target is no regular expression: {error}"
    if name != "json-valid" and not target.strip():
        return "the target is empty"
    return ""
