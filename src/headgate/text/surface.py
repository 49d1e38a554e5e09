"""How texts look and not what they are about: length, case, punctuation, slips, manners.

Every feature is a number that a person can act on; none is a topic word, so that two sets about
different things in the same manner look alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from headgate.text.spelling import dictionary

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SENTENCE = re.compile(r"[.!?…]+(?=\s|$)|\n+")
GREETING = re.compile(r"^\W*(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day))\b", re.I)
POLITE = re.compile(r"\b(?:please|thank|thanks|kindly|would you mind|appreciate)\b", re.I)
WISH = re.compile(r"\b(?:i would like|i'd like|could you|can you|would you|i want|i need)\b", re.I)
CONTRACTED = re.compile(r"\b\w+['’](?:s|t|m|re|ve|ll|d)\b", re.I)
BARE = re.compile(r"\b(?:dont|cant|wont|didnt|doesnt|isnt|im|ive|id|whats|thats|its|youre)\b", re.I)
SHORTHAND = re.compile(
    r"\b(?:u|ur|r|pls|plz|thx|ty|asap|btw|idk|lol|omg|wtf|gonna|wanna|gotta|info|acct|msg|fyi|cuz|bc|w/o|w/)\b", re.I
)
REPEATED = re.compile(r"[!?.,]{2,}|([a-z])\1{2,}", re.I)


def _share(count: float, of: float) -> float:
    return count / of if of else 0.0


def _ends(text: str) -> str:
    return text.rstrip()[-1:]


def _sentences(text: str) -> int:
    return max(sum(1 for piece in SENTENCE.split(text) if piece.strip()), 1)


def _unknown(words: Sequence[str]) -> float:
    known = _known()
    # A capital inside a sentence is a name, and a word of three letters is more often a code than a slip.
    plain = [word for word in words if len(word) > 3 and word.islower()]
    return _share(sum(1 for word in plain if word.replace("’", "'").split("'")[0] not in known), len(plain))


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(dictionary())


Feature = Callable[[str, Sequence[str]], float]

# Name as a report prints it -> what it measures, from the text and its words.
FEATURES: Mapping[str, Feature] = {
    "length in words": lambda _, words: float(np.log1p(len(words))),
    "letters a word": lambda _, words: _share(sum(map(len, words)), len(words)),
    "sentences": lambda text, _: float(np.log(_sentences(text))),
    "words a sentence": lambda text, words: float(np.log1p(len(words) / _sentences(text))),
    "starts with a capital": lambda text, _: float(text.lstrip()[:1].isupper()),
    "starts with a small letter": lambda text, _: float(text.lstrip()[:1].islower()),
    "no capital at all": lambda text, _: float(text == text.lower()),
    "share of capitals": lambda text, _: _share(sum(map(str.isupper, text)), len(text)),
    "words all in capitals": lambda _, words: _share(sum(1 for w in words if len(w) > 2 and w.isupper()), len(words)),
    "'i' for 'I'": lambda _, words: float("i" in words),
    "ends with a full stop": lambda text, _: float(_ends(text) == "."),
    "ends with a question mark": lambda text, _: float(_ends(text) == "?"),
    "ends without a mark": lambda text, _: float(_ends(text).isalnum()),
    "commas a word": lambda text, words: _share(text.count(","), len(words)),
    "marks a word": lambda text, words: _share(sum(text.count(mark) for mark in ';:()[]"-–—'), len(words)),
    "exclamation marks": lambda text, _: float(np.log1p(text.count("!"))),
    "repeated marks or letters": lambda text, _: float(bool(REPEATED.search(text))),
    "share of digits": lambda text, _: _share(sum(map(str.isdigit, text)), len(text)),
    "line breaks": lambda text, _: float(np.log1p(text.count("\n"))),
    "signs outside ASCII": lambda text, _: _share(sum(1 for char in text if ord(char) > 127), len(text)),
    "words not in the dictionary": lambda _, words: _unknown(words),
    "contractions": lambda text, words: _share(len(CONTRACTED.findall(text)), len(words)),
    "contractions without apostrophe": lambda text, words: _share(len(BARE.findall(text)), len(words)),
    "shorthand": lambda text, words: _share(len(SHORTHAND.findall(text)), len(words)),
    "greeting": lambda text, _: float(bool(GREETING.search(text))),
    "please and thanks": lambda text, _: float(bool(POLITE.search(text))),
    "asks in full ('could you', 'I would like')": lambda text, _: float(bool(WISH.search(text))),
}


def surface(texts: Sequence[str]) -> NDArray[np.float64]:
    """The features of each text; shape (N, F), columns in the order of `FEATURES`.

    Raises:
        Unavailable: the word list is not installed.
    """
    out = np.zeros((len(texts), len(FEATURES)))
    for row, text in enumerate(texts):
        words = WORD.findall(text)
        out[row] = [measure(text, words) for measure in FEATURES.values()]
    return out
