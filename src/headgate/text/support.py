"""Whether a passage bears a sentence out: every fact of the sentence stands in it, and how many of its words do.

Facts are quantities (a number with what it counts), identifiers, proper names that are no words of the language, and
full names, of which half of the words are enough.
A quantity is borne out by the same number with the same unit, or where the passage gives the number without any;
numbers may be written in words.
That all facts are there does not say that the sentence follows; that one is missing says that it does not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from headgate.text.facts import LISTED, NUMBER, SMALL
from headgate.text.identifiers import NAME, PAPER, folded, identifiers, names
from headgate.text.registry import holds
from headgate.text.spelling import is_known

QUANTITY, FULL_NAME = "quantity", "full name"
_UNITS = {
    "mg": "mg milligram milligrams", "g": "g gram grams", "kg": "kg kilogram kilograms kilos", "µg": "µg mcg",
    "ml": "ml millilitre millilitres milliliters", "l": "litre litres liter liters",
    "km": "km kilometre kilometres kilometers", "m": "metre metres meter meters", "cm": "cm centimetres centimeters",
    "mm": "mm millimetres millimeters", "mi": "mile miles", "ft": "ft feet foot", "in": "inch inches",
    "%": "% percent", "$": "$ dollar dollars usd", "€": "€ euro euros eur", "£": "£ pounds gbp",
    "year": "year years", "month": "month months", "week": "week weeks", "day": "day days", "hour": "hour hours",
    "minute": "minute minutes min", "second": "second seconds sec", "GB": "gb gigabytes", "MB": "mb megabytes",
    "episode": "episode episodes", "season": "season seasons", "member": "members", "token": "token tokens",
}  # fmt: skip
UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_SCALE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
_ONES += "seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: n for n, word in enumerate(_ONES.split())}
_WORDS |= {word: 20 + 10 * n for n, word in enumerate(_TENS.split())}
_AFTER = re.compile(r"[\s-]*(%|[a-zµ]+)", re.IGNORECASE)
_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SPELT = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?:[\s-](?:{'|'.join(_WORDS)})\b)?", re.IGNORECASE)
_BREAK = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9])|\n+")
_ABBREVIATED = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|No|vs|etc|al|Inc|Ltd|Co|Fig|Sec|Art|approx|e\.g|i\.e)|\b[A-Z])\.$"
)
_CITATION = re.compile(r"(?:(?<=[\s.,;:!?\"”])|^)\[(\d{1,3}(?:\s*[,–-]\s*\d{1,3})*)\](?![(\w])")
_POINTED_AT = re.compile(r"(?:^|\n)\s*(?:\[(\d{1,3})\]|(\d{1,3})[.)]\s)|\[(\d{1,3})\]")
_STOP = (
    "a an the and or but of to in on at by for from with as is are was were be been being it its this that these those "
    "he she they them his her their which who whom whose what when where how not no so than then there also such can "
    "could would should will may might do does did has have had into over under about after before between"
)
_FULL_NAME = re.compile(r"(?<=[\w,;] )[A-Z][^\W\d_A-Z]{2,}(?: [A-Z][^\W\d_A-Z]{2,})+(?![\w(-])")
CHUNK = 12  # sentences of a passage that a long text is cut into


@dataclass(frozen=True, slots=True)
class Claimed:
    """One fact of a sentence."""

    kind: str
    value: str  # as it is looked up
    unit: str  # of a quantity; empty where none is told
    start: int  # characters in the text
    end: int


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; lines are sentences."""
    out, first = [], 0
    for hit in [*_BREAK.finditer(text), None]:
        end = hit.start() if hit else len(text)
        if hit and "\n" not in hit[0] and _ABBREVIATED.search(text[first:end]):
            continue
        if text[first:end].strip():
            out.append((first, end))
        first = hit.end() if hit else end
    return out


def claims(text: str) -> list[Claimed]:
    """The facts of a text, in order. Small counts without a unit and numbers of lists are none."""
    found = [Claimed(one.kind, one.value, "", one.start, one.end) for one in identifiers(text)]
    taken = sorted([(one.start, one.end) for one in found] + [hit.span() for hit in LISTED.finditer(text)])
    taken += [hit.span() for hit in _CITATION.finditer(text)]
    for value, unit, start, end in _quantities(text, NUMBER):
        inside = any(begin <= start < stop for begin, stop in taken)
        counted = value == int(value) and abs(value) <= SMALL and not unit
        if not inside and not counted and not text[:start].rstrip().endswith("="):
            found.append(Claimed(QUANTITY, f"{value:.10g}", unit, start, end))
    for hit in _FULL_NAME.finditer(text):
        if not any(begin <= hit.start() < stop for begin, stop in taken):
            found.append(Claimed(FULL_NAME, hit[0].lower(), "", *hit.span()))
            taken.append(hit.span())
    for word, start, inner in names(text):
        if inner and not is_known(word.lower()) and not any(begin <= start < stop for begin, stop in taken):
            found.append(Claimed(NAME, word.lower(), "", start, start + len(word)))
    return sorted(found, key=lambda one: one.start)


class Passage:
    """What a text gives to look facts up in."""

    def __init__(self, text: str) -> None:
        self.text = text

    def lacks(self, told: Iterable[Claimed]) -> list[Claimed]:
        """The facts that the text does not have."""
        return [one for one in told if not self._has(one)]

    def cover(self, words: frozenset[str]) -> float:
        """Share of content words that the text has, 0..1; 1 where there are none."""
        return len(words & self.words) / len(words) if words else 1.0

    def _has(self, one: Claimed) -> bool:
        if one.kind == QUANTITY:
            units = self._numbers.get(one.value)
            return units is not None and (not one.unit or one.unit in units or "" in units)
        if one.kind == FULL_NAME:
            parts = one.value.split()
            return 2 * sum(part in self._said or stem(part) in self.words for part in parts) >= len(parts)
        if one.kind == NAME:
            return one.value in self._said or stem(one.value) in self.words
        if one.kind == PAPER and self._said.issuperset(one.value.split()):
            return True
        return holds(self._plain, one.value) or one.value in self._identifiers

    @cached_property
    def words(self) -> frozenset[str]:
        """Stems of the content words."""
        return content_words(self.text)

    @cached_property
    def _said(self) -> frozenset[str]:
        return frozenset(re.findall(r"[^\W_]+(?:-[^\W_]+)*", self.text.lower()))

    @cached_property
    def _identifiers(self) -> frozenset[str]:
        return frozenset(one.value for one in identifiers(self.text, made=True))

    @cached_property
    def _plain(self) -> str:
        return f"\n{folded(self.text)}\n"

    @cached_property
    def _numbers(self) -> dict[str, set[str]]:
        held: dict[str, set[str]] = defaultdict(set)
        for value, unit, _, _ in _quantities(self.text, _DIGITS):
            held[f"{value:.10g}"].add(unit)
        for hit in _SPELT.finditer(self.text):
            value = float(sum(_WORDS[word] for word in re.split(r"[\s-]+", hit[0].lower())))
            scale, unit, _ = _after(self.text, hit.end())
            held[f"{value * scale:.10g}"].add(unit)
        return dict(held)


def content_words(text: str) -> frozenset[str]:
    """Stems of the words of a text that say what it is about."""
    found, stop = re.findall(r"[^\W_]+", text.lower()), _stop()
    return frozenset(stem(word) for word in found if word not in stop and len(word) > 1)


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    return frozenset(_STOP.split())


def stem(word: str) -> str:
    """A word without the endings of number and tense."""
    for ending in ("ing", "ies", "ed", "es", "'s", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def chunks(text: str) -> list[str]:
    """A text in passages: paragraphs, and of long ones so many sentences."""
    out = []
    for paragraph in re.split(r"\n\s*\n", text):
        told = sentences(paragraph)
        for first in range(0, len(told), CHUNK):
            some = told[first : first + CHUNK]
            out.append(paragraph[some[0][0] : some[-1][1]])
    return out


def cites(text: str) -> bool:
    """Whether a text has a numbered citation."""
    return bool(_CITATION.search(text))


def dangling(answer: str, said: Sequence[str], listed: int = 0) -> list[tuple[int, int]]:
    """Numbered citations of an answer that point to nothing: neither in what was said, nor in its own list of sources.

    `listed` is how many passages stand beside the row.
    """
    cited = list(_CITATION.finditer(answer))
    if not cited:
        return []
    there = {number for text in said for number in _pointed_at(text)} | {*range(1, listed + 1)}
    there |= {int(hit[1]) for hit in re.finditer(r"(?:^|\n)\s*\[?(\d{1,3})[\].)]\s*[^\s\[]", answer)}
    return [hit.span() for hit in cited if not set(_numbers_of(hit[1])) <= there]


def _pointed_at(text: str) -> Iterator[int]:
    for hit in _POINTED_AT.finditer(text):
        yield int(next(group for group in hit.groups() if group))


def _numbers_of(cited: str) -> Iterator[int]:
    for part in re.split(r"\s*,\s*", cited):
        first, _, last = re.sub(r"\s*[–-]\s*", "-", part).partition("-")
        yield from range(int(first), int(last or first) + 1)


def _quantities(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[float, str, int, int]]:
    for hit in pattern.finditer(text):
        try:
            value = float(hit[0].lstrip("+-$€£").replace(",", ""))
        except ValueError:
            continue
        scale, unit, end = _after(text, hit.end())
        before = text[max(hit.start() - 1, 0) : hit.start() + 2]
        money = next((sign for sign in "$€£" if sign in before), "")
        yield value * scale, money or unit, hit.start(), end
        if scale != 1 and pattern is _DIGITS:
            yield value, unit, hit.start(), hit.end()


def _after(text: str, end: int) -> tuple[int, str, int]:
    """Scale and unit of the words behind a number, and where they end."""
    scale = 1
    for _ in range(2):
        hit = _AFTER.match(text, end)
        word = hit[1].lower() if hit else ""
        if hit and word in _SCALE and scale == 1:
            scale, end = _SCALE[word], hit.end()
        elif hit and word in UNIT_OF:
            return scale, UNIT_OF[word], hit.end()
        else:
            break
    return scale, "", end
