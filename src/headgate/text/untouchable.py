"""What no repair of an input may touch: numbers, quotations, code, addresses, negations and words of the answer.

The parts are listed in their order. A text may be changed in any way that leaves the list as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from headgate.text.guards import COUNTED, NEGATIONS

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
SAME = 5  # letters at the beginning that two words share where one carries the other's meaning
LEAST = 3  # letters of a word that can carry a label
FUNCTION = frozenset(
    [
        "the",
        "and",
        "for",
        "but",
        "with",
        "from",
        "this",
        "that",
        "these",
        "those",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "how",
        "can",
        "could",
        "would",
        "should",
        "will",
        "shall",
        "may",
        "might",
        "must",
        "have",
        "has",
        "had",
        "does",
        "did",
        "are",
        "was",
        "were",
        "been",
        "being",
        "you",
        "your",
        "yours",
        "our",
        "ours",
        "his",
        "her",
        "hers",
        "its",
        "their",
        "theirs",
        "they",
        "them",
        "she",
        "him",
        "out",
        "into",
        "onto",
        "about",
        "than",
        "then",
        "there",
        "here",
        "also",
        "just",
        "any",
        "some",
        "all",
        "each",
        "please",
        "thanks",
        "thank",
        "hello",
        "dear",
    ]
)
_DENIED = "|".join(map(re.escape, sorted(NEGATIONS, key=len, reverse=True)))
_COUNTED = "|".join(sorted(COUNTED, key=len, reverse=True))
FIXED = re.compile(
    r"```.*?```|`[^`\n]+`"  # code
    r"|(?:https?://|www\.)\S+[\w/]|[\w.+-]+@[\w-]+\.[\w.-]*\w"  # addresses
    r"|\"[^\"\n]+\"|“[^”\n]+”|«[^»\n]+»|(?<!\w)'[^'\n]+'(?!\w)|(?<!\w)‘[^’\n]+’(?!\w)"  # quotations
    r"|\{[^}\n]*\}|<[^>\s][^>\n]*>|\[[^\]\n]*\]"  # placeholders, lists
    r"|[^\s\"'(),;:?!]*\d(?:[^\s\"'();?!]*[^\s\"'(),.;:?!])?"  # whatever holds a digit
    r"|[^\W_]+(?:[_/\\=#@][\w/\\=#@]*)+|[^\W\d]\w*(?:\.\w+)+|(?-i:\b[a-z]+[A-Z]\w*)"  # names in code, paths
    r"|[$€£¥₹%]"
    rf"|\b\w+n['’]t\b|\b(?:{_DENIED}|{_COUNTED})\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Label:
    """The words of an answer, which its question keeps."""

    words: frozenset[str]  # in small letters
    written: frozenset[str]  # those with a capital, as they are written
    stems: frozenset[str]  # beginnings of the longer ones

    def holds(self, word: str) -> bool:
        """Whether a word of the question is one of the answer, or begins like one."""
        small = word.lower()
        return small in self.words or (len(small) >= SAME and small[:SAME] in self.stems)


@lru_cache(maxsize=4096)
def label_of(answer: str) -> Label:
    """The telling words of an answer: none that every text has."""
    found = [part for word in WORD.findall(answer) for part in CAMEL.split(word)]
    telling = [word for word in found if len(word) >= LEAST and word.lower() not in FUNCTION]
    words = frozenset(word.lower() for word in telling)
    return Label(
        words,
        frozenset(word for word in telling if word != word.lower()),
        frozenset(word[:SAME] for word in words if len(word) >= SAME),
    )


def case_is_free(part: str, label: Label) -> bool:
    """Whether a part that stays may do so in small letters: a negation, a number in words, or a word of the answer
    that the answer has in small letters."""
    small = part.lower().replace("’", "'")
    spoken = small in COUNTED or small in NEGATIONS or small.endswith("n't")
    return spoken or (WORD.fullmatch(part) is not None and label.holds(part) and part not in label.written)


def fixed_spans(text: str, label: Label) -> list[tuple[int, int]]:
    """Where the parts stand that stay, ascending and without overlap."""
    return [(start, end) for start, end, _ in _parts(text, label)]


def fixed_parts(text: str, label: Label) -> list[str]:
    """What stays, in its order. A word of the answer counts in small letters, unless the answer has its capitals."""
    return [kept for _, _, kept in _parts(text, label)]


def _parts(text: str, label: Label) -> Iterator[tuple[int, int, str]]:
    """Start, end and what counts of each part."""
    at = 0
    for hit in FIXED.finditer(text):
        yield from _words(text, at, hit.start(), label)
        yield hit.start(), hit.end(), hit[0].lower() if case_is_free(hit[0], label) else hit[0]
        at = hit.end()
    yield from _words(text, at, len(text), label)


def _words(text: str, start: int, end: int, label: Label) -> Iterator[tuple[int, int, str]]:
    for hit in WORD.finditer(text, start, end):
        if label.holds(hit[0]):
            yield hit.start(), hit.end(), hit[0].lower() if case_is_free(hit[0], label) else hit[0]
