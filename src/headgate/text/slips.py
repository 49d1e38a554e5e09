"""Slips of the keyboard: how often people make them, of which kinds, and making them the same way.

The rate is that of real texts. A slip is an unknown word one edit away from a common one; its kind is how it came
about: a letter left out, doubled, swapped with its neighbour, replaced by a key beside it, or another letter.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.text.guards import COUNTED, NEGATIONS
from headgate.text.spelling import CONTRACTIONS, VOWELS, dictionary, is_known
from headgate.text.surface import BARE

WORD = re.compile(r"(?<![\w'’])[a-z]{4,}(?![\w'’])")
COMMON = 2_000_000  # frequency of a word that people mean
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
OMITTED, DOUBLED, SWAPPED, BESIDE, VOWEL = "omitted", "doubled", "swapped", "key beside", "other vowel"
SLIPS = (OMITTED, DOUBLED, SWAPPED, BESIDE, VOWEL)
STAYS = frozenset((*NEGATIONS, *COUNTED))


def _beside() -> Mapping[str, str]:
    places = {key: (row, column) for row, keys in enumerate(KEYS) for column, key in enumerate(keys)}
    return {
        key: "".join(
            other
            for other, (r, c) in places.items()
            if other != key and abs(r - row) <= 1 and -1 <= (c - column) + (r - row) / 2 <= 1
        )
        for key, (row, column) in places.items()
    }


NEAR = _beside()


@dataclass(frozen=True, slots=True)
class Slips:
    """What real texts have of them."""

    rate: float  # slips a plain word of four letters and more
    kinds: Mapping[str, float]  # share of each kind

    def made(self, word: str, drawn: random.Random) -> str:
        """The word with one slip; the word itself where no slip gives an unknown word."""
        kinds = drawn.choices(SLIPS, [self.kinds[kind] for kind in SLIPS], k=4)
        for kind in kinds:
            forms = [form for form in _forms(word, kind) if form not in STAYS and not is_known(form)]
            if forms:
                return drawn.choice(forms)
        return word


def fitted(texts: Sequence[str]) -> Slips:
    """The rate and the kinds of slips in real texts.

    Raises:
        Unavailable: the word list is not installed.
    """
    words = Counter(word for text in texts for word in WORD.findall(text))
    kinds: Counter[str] = Counter()
    for word, count in words.items():
        # A word that many people write is a word, whatever the list says.
        if count > max(3, len(texts) // 100) or is_known(word) or word in CONTRACTIONS or BARE.fullmatch(word):
            continue
        if kind := _kind(word):
            kinds[kind] += count
    total = kinds.total()
    shares = {kind: (kinds[kind] + 1) / (total + len(SLIPS)) for kind in SLIPS}
    return Slips(total / max(words.total(), 1), shares)


def _kind(word: str) -> str | None:
    """The kind of slip that makes this of a common word; None where no single one does."""
    common = dictionary()
    for place in range(len(word) - 1):
        if common.get(word[:place] + word[place + 1] + word[place] + word[place + 2 :], 0) >= COMMON:
            return SWAPPED
    if any(common.get(form, 0) >= COMMON for form in _undoubled(word)):
        return DOUBLED
    letters = "abcdefghijklmnopqrstuvwxyz"
    for place in range(1, len(word) + 1):
        if any(common.get(word[:place] + letter + word[place:], 0) >= COMMON for letter in letters):
            return OMITTED
    for place, letter in enumerate(word):
        for kind, others in ((VOWEL, "aeiou" if letter in VOWELS else ""), (BESIDE, NEAR.get(letter, ""))):
            if any(common.get(word[:place] + other + word[place + 1 :], 0) >= COMMON for other in others):
                return kind
    return None


def _undoubled(word: str) -> Iterator[str]:
    for place in range(1, len(word)):
        if word[place] == word[place - 1]:
            yield word[:place] + word[place + 1 :]


def _forms(word: str, kind: str) -> Iterator[str]:
    """The word with one slip of a kind in each place; the first letter stays."""
    for place in range(1, len(word)):
        letter = word[place]
        if kind == OMITTED:
            yield word[:place] + word[place + 1 :]
        elif kind == DOUBLED and letter != word[place - 1]:
            yield word[:place] + letter + word[place:]
        elif kind == SWAPPED and letter != word[place - 1]:
            yield word[: place - 1] + letter + word[place - 1] + word[place + 1 :] if place > 1 else word
        elif kind == BESIDE:
            yield from (word[:place] + other + word[place + 1 :] for other in NEAR.get(letter, ""))
        elif kind == VOWEL and letter in VOWELS:
            yield from (word[:place] + other + word[place + 1 :] for other in "aeiou" if other != letter)
