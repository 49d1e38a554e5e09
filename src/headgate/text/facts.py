"""Facts that can be looked up: numbers with what they count, and identifiers.

An identifier is a run without blanks that no ordinary word looks like: an API path, a snake_case or CamelCase
name, a model or part number, a case number, an address on the web. Everything else is left to other means:
that a sentence follows from a passage cannot be told by looking its words up.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.,/-])[-+]?[$€£]?\d[\d,]*(?:\.\d+)?(?![\w/-]|\.\d)")
RUN = re.compile(r"https?://[^\s\"'<>)\]]+|[A-Za-z0-9_](?:[\w@:/.+-]*[\w])?")
SENTENCES_MET = re.compile(r"[a-z]+\.[A-Z][a-z]*")  # "end.Next": a blank forgotten, no path
ABBREVIATED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]?")  # e.g., U.S.
ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s|x|k|m|am|pm|px|kg|km|cm|mm|gb|mb|ms|hz)?", re.IGNORECASE)
PLAIN_PAIR = re.compile(r"[A-Za-z]+(?:[-/][A-Za-z]+)+")  # words joined by a dash or a stroke
SMALL = 10  # whole numbers up to this count lists and steps
LISTED = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
ALIKE = 0.75  # likeness (matching letters, 0..1) from which on a known identifier is what was meant


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a text."""

    kind: str  # "number" or "identifier"
    value: str  # in the form that is looked up
    start: int  # characters in the text
    end: int


def facts(text: str) -> list[Fact]:
    """The facts of a text, in order. Numbers inside identifiers, small counts and numbers of lists are none."""
    taken: list[tuple[int, int]] = [hit.span() for hit in LISTED.finditer(text)]
    out = []
    for hit in RUN.finditer(text):
        if _is_identifier(hit[0]):
            out.append(Fact("identifier", _folded(hit[0]), *hit.span()))
            taken.append(hit.span())
    taken.sort()
    for hit in NUMBER.finditer(text):
        if any(start <= hit.start() < end for start, end in taken):
            continue
        value = _number(hit[0])
        if value is not None:
            out.append(Fact("number", value, *hit.span()))
    return sorted(out, key=lambda fact: fact.start)


class Registry:
    """What real sources say: numbers and identifiers, of one source or of many."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.numbers: set[str] = set()
        self.identifiers: set[str] = set()
        self._by_size: dict[int, list[str]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Learns a text; parts of its identifiers count as known too."""
        for fact in facts(text):
            if fact.kind == "number":
                self.numbers.add(fact.value)
            else:
                self._learn(fact.value)
                for part in re.split(r"[/:.]+", fact.value):
                    self._learn(part)
        # Digits of dates, versions and quantities with a unit are numbers as well.
        self.numbers.update(value for hit in re.findall(r"\d+(?:\.\d+)?", text) if (value := _number(hit)))

    def knows(self, fact: Fact) -> bool:
        """Whether the fact is one of the sources'."""
        if fact.kind == "number":
            return fact.value in self.numbers
        if fact.value in self.identifiers:
            return True
        parts = [part for part in re.split(r"[/:.]+", fact.value) if part]
        return len(parts) > 1 and all(part in self.identifiers or part.isalpha() for part in parts)

    def nearest(self, fact: Fact) -> str | None:
        """The known identifier that was probably meant, or None."""
        if fact.kind == "number":
            return None
        size = len(fact.value)
        close = [one for near in range(size - 4, size + 5) for one in self._by_size.get(near, ())]
        found = difflib.get_close_matches(fact.value, close, n=1, cutoff=ALIKE)
        return found[0] if found else None

    def _learn(self, value: str) -> None:
        if value and value not in self.identifiers:
            self.identifiers.add(value)
            self._by_size[len(value)].append(value)


def _is_identifier(run: str) -> bool:
    if run.startswith(("http://", "https://")):
        return True
    if len(run) < 3 or ORDINAL.fullmatch(run) or ABBREVIATED.fullmatch(run) or SENTENCES_MET.fullmatch(run):
        return False
    if NUMBER.fullmatch(run) or PLAIN_PAIR.fullmatch(run):
        return False
    letters, digits = any(map(str.isalpha, run)), any(map(str.isdigit, run))
    inner_capital = bool(re.search(r"[a-z][A-Z]", run))
    return (letters and digits) or "_" in run or inner_capital or (letters and bool(re.search(r"\w[.:/]\w", run)))


def _folded(run: str) -> str:
    return run.rstrip(".,:/-").lower()


def _number(written: str) -> str | None:
    digits = written.lstrip("+-$€£").replace(",", "")
    try:
        value = float(digits)
    except ValueError:
        return None
    if value == int(value) and abs(value) <= SMALL:
        return None
    return f"{value:.10g}"
