"""A frozen registry of real identifiers: exact look-up, and the entry that a wrong one resembles.

An identifier is known when it is an entry or a whole part of one (`google/bert` of `tfhub.dev/google/bert/1`); of how
often an entry occurs in its sources nothing depends, so that one that occurs once is as known as any other.
It is a near miss when it is one edit from an entry (a sign more, less, other, or two swapped), has the parts
of one in another order, differs from one in digits only, or is one with an ending put on or taken off.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headgate.text.identifiers import (
    ADDRESS,
    CODE,
    NAME,
    STATUTE,
    SYMBOL,
    TITLE,
    alone,
    compounds,
    folded,
    identifiers,
    names,
    terms,
)
from headgate.text.spelling import is_known

SEEN_OFTEN = 3  # times inside sentences from which on a word with a capital is a name of the sources
LEAST_NAME = 6  # letters of a name that has near misses: short names have real neighbours
LEAST_PIECE = 4  # signs that an entry and its continuation share
BETWEEN = "\n"
INFLECTED = re.compile(r"(?:'s|ies|es|s|d|ed|n|an|al)$")


@dataclass(frozen=True)
class Registry:
    """Identifiers of real sources. Entries are folded; `shown` has them as the sources write them."""

    entries: tuple[str, ...]  # sorted
    shown: tuple[str, ...]  # of each entry
    kinds: tuple[str, ...]  # of each entry; "name" for plain words
    words: tuple[str, ...] = ()  # all words of the sources, for names

    @classmethod
    def listed(cls, lines: Iterable[str]) -> Self:
        """A registry of a list: each line is one identifier, whatever it looks like."""
        found: dict[str, tuple[str, str]] = {}
        for line in lines:
            one = alone(line)
            if value := one.value if one else folded(line):
                found.setdefault(value, (line.strip(), one.kind if one else NAME))
        words = {word for value in found for word in re.findall(r"[^\W\d_]+", value)}
        return cls._of(found, words)

    @classmethod
    def harvested(cls, texts: Iterable[str]) -> Self:
        """A registry of what texts of real sources hold; names are those seen often."""
        found: dict[str, tuple[str, str]] = {}
        often: Counter[str] = Counter()
        used: set[str] = set()
        words: set[str] = set()
        for text in texts:
            for one in identifiers(text, made=True):
                found.setdefault(one.value, (text[one.start : one.end], one.kind))
            often.update(word for word, _, inside in names(text) if inside)
            used.update(word for word, _ in terms(text))
            words.update(re.findall(r"[^\W\d_]+", text.lower()))
            words.update(word.lower() for word, _ in compounds(text))
        used.update(word for word, times in often.items() if times >= SEEN_OFTEN and len(word) >= LEAST_NAME)
        for word in sorted(used):
            found.setdefault(word.lower(), (word, NAME))
        return cls._of(found, words)

    @classmethod
    def _of(cls, found: Mapping[str, tuple[str, str]], words: Iterable[str]) -> Self:
        ordered = sorted(found)
        shown, kinds = (tuple(found[value][which] for value in ordered) for which in (0, 1))
        return cls(tuple(ordered), shown, kinds, tuple(sorted(words)))

    def joined(self, other: Registry) -> Registry:
        """The entries of both."""
        found = {
            value: (shown, kind)
            for one in (other, self)
            for value, shown, kind in zip(one.entries, one.shown, one.kinds, strict=True)
        }
        return self._of(found, {*self.words, *other.words})

    def __len__(self) -> int:
        return len(self.entries)

    def has_kind(self, kind: str) -> bool:
        """Whether the registry says anything of a kind."""
        return kind in self._held or (kind in (CODE, SYMBOL) and bool(self._held & {CODE, SYMBOL}))

    def knows(self, value: str, kind: str | None = None) -> bool:
        """Whether a folded identifier is an entry, a whole part of one, or entries with a stroke between."""
        if kind == ADDRESS and not re.search(r"[./@]", value):
            return False  # a scheme and no host
        if value in self._places or self._holds(value):
            return True
        parts = value.split("/")
        return len(parts) > 1 and all(part in self._places for part in parts)

    def knows_word(self, word: str) -> bool:
        """Whether the sources have a word."""
        return word in self._words

    def speaks_of(self, kind: str, value: str) -> bool:
        """Whether an identifier that is not known can be called unknown: the registry has its kind and its family.

        A symbol is of a package that the sources name, and a code of a shape (letters, digits, dashes) that
        an entry has. Of other packages and other shapes the registry says nothing.
        """
        if not self.has_kind(kind):
            return False
        if kind == SYMBOL:
            pieces = re.split(r"[./:(]", value)
            return len(pieces) == 1 or self._holds(pieces[0])
        return kind != CODE or shape(value) in self._shapes

    def resembles(self, value: str) -> tuple[str, str] | None:
        """The entry that an unknown identifier is a near miss of, as its sources write it, and how they differ."""
        if entry := self._one_edit(value):
            return self.shown[self._places[entry]], "one edit"
        for table, key, how in (
            (self._by_parts, _parts(value), "parts in another order"),
            (self._by_digits, _without_digits(value), "other digits"),
        ):
            if key in table:
                return self.shown[self._places[table[key]]], how
        if entry := self._continued(value):
            return self.shown[self._places[entry]], "another ending"
        return None

    def misspelt_name(self, word: str, least: int = LEAST_NAME) -> str | None:
        """The name that a word is one edit from, as the sources write it; None for words of them or of the language."""
        value = word.lower()
        plain = value.replace("-", "")
        if len(value) < least or not {value, plain}.isdisjoint(self._words) or not plain.replace("_", "").isalpha():
            return None
        if is_known(value):
            return None
        entry = self._one_edit(value, NAME)
        if entry is None or INFLECTED.sub("", value) == INFLECTED.sub("", entry):
            return None
        return self.shown[self._places[entry]]

    def misspelt_compound(self, words: str, *, used: bool = False) -> tuple[str, str] | None:
        """The entry that joined words are a near miss of, and how; None where each is a word and code does not use it.

        Words behind the name of an owner of several entries (`openai/...`) that no entry has are unknown.
        """
        value = words.lower()
        if value in self._words or self.knows(value) or (not used and all(map(is_known, re.split(r"[-/.]", value)))):
            return None
        if near := self.resembles(value):
            return near
        owner, _, rest = value.partition("/")
        return ("", "not in the registry") if rest and self._owners[owner] >= SEEN_OFTEN else None

    @cached_property
    def _owners(self) -> Counter[str]:
        return Counter(entry.partition("/")[0] for entry in self.entries if "/" in entry)

    def _holds(self, value: str) -> bool:
        return holds(self._all, value)

    def _one_edit(self, value: str, kind: str | None = None) -> str | None:
        sought = np.array([value]).view(np.uint32)
        for size in (len(value), len(value) - 1, len(value) + 1):
            texts, table = self._by_size(size, kind)
            near = np.flatnonzero(one_edit(table, sought))
            if len(near):
                return texts[int(near[0])]
        return None

    def _by_size(self, size: int, kind: str | None) -> tuple[list[str], NDArray[np.uint32]]:
        held = self._sized
        if (size, kind) not in held:
            wanted = [
                entry
                for entry, own in zip(self.entries, self.kinds, strict=True)
                if len(entry) == size and (own == kind if kind else own != NAME)
            ]
            table = np.array(wanted, dtype=f"U{size}") if wanted and size else np.zeros(0, dtype="U1")
            held[size, kind] = wanted, table.view(np.uint32).reshape(len(wanted), -1 if wanted else max(size, 1))
        return held[size, kind]

    def _continued(self, value: str) -> str | None:
        for hit in reversed(list(re.finditer(r"[-_./:]+", value))):
            stem = value[: hit.start()]
            if len(stem) >= LEAST_PIECE and (stem in self._places or stem in self._last_parts):
                return stem if stem in self._places else self._last_parts[stem]
        return None

    @cached_property
    def _sized(self) -> dict[tuple[int, str | None], tuple[list[str], NDArray[np.uint32]]]:
        return {}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {entry: place for place, entry in enumerate(self.entries)}

    @cached_property
    def _held(self) -> frozenset[str]:
        return frozenset(self.kinds)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def _all(self) -> str:
        return BETWEEN + BETWEEN.join(self.entries) + BETWEEN

    @cached_property
    def _shapes(self) -> frozenset[str]:
        held = {shape(entry) for entry, kind in zip(self.entries, self.kinds, strict=True) if kind != NAME}
        return frozenset(held | {shape(part) for entry in self.entries for part in re.split(r"[/:]", entry)})

    @cached_property
    def _by_parts(self) -> dict[str, str]:
        return {_parts(entry): entry for entry in reversed(self.entries) if len(re.split(r"[^\w]+|_", entry)) > 1}

    @cached_property
    def _by_digits(self) -> dict[str, str]:
        told = defaultdict(str)
        for entry, kind in zip(reversed(self.entries), reversed(self.kinds), strict=True):
            if kind in (CODE, SYMBOL, STATUTE, ADDRESS) and any(map(str.isdigit, entry)):
                told[_without_digits(entry)] = entry
        return dict(told)

    @cached_property
    def _last_parts(self) -> dict[str, str]:
        kept = (ADDRESS, SYMBOL, CODE, TITLE)
        return {
            entry.rpartition("/")[2]: entry
            for entry, kind in zip(reversed(self.entries), reversed(self.kinds), strict=True)
            if kind in kept
        }


def holds(text: str, value: str) -> bool:
    """Whether a folded text has a value that no letter or digit continues on either side."""
    at = text.find(value)
    while at >= 0:
        before, after = text[max(at - 1, 0) : at], text[at + len(value) : at + len(value) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(value, at + 1)
    return False


def one_edit(table: NDArray[np.uint32], sought: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which rows of a table of signs (N, L) are one edit from another text: one other, more, less, or two swapped."""
    count, size = table.shape
    least = min(size, len(sought))
    if not count or not least:
        return np.zeros(count, dtype=bool)
    same_left = table[:, :least] == sought[:least]
    same_right = table[:, size - least :][:, ::-1] == sought[len(sought) - least :][::-1]
    left = np.where(same_left.all(1), least, same_left.argmin(1))
    right = np.where(same_right.all(1), least, same_right.argmin(1))
    if size != len(sought):
        return np.asarray((left + right >= least) & (abs(size - len(sought)) == 1))
    gap = size - left - right
    found = gap == 1
    for place in np.flatnonzero(gap == 2).tolist():
        first = int(left[place])
        found[place] = table[place, first] == sought[first + 1] and table[place, first + 1] == sought[first]
    return np.asarray(found)


def shape(value: str) -> str:
    """Runs of letters as A and of digits as 9, other signs as they are."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", value))


def _parts(value: str) -> str:
    return " ".join(sorted(part for part in re.split(r"[^\w]+|_", value) if part))


def _without_digits(value: str) -> str:
    return re.sub(r"\d+", "#", value)
