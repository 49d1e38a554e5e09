"""Registers: the manners in which people ask and answers are given, which filters for quality take away first.

Patterns of English over what was said and what was replied. A dialogue may be in several registers or in none;
`registers` looks at many at once, because a word that no dictionary has is a slip only where hardly another
text has it: a product's name is no slip.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from headgate.text.behaviours import aggrieved
from headgate.text.spelling import dictionary
from headgate.text.surface import BARE, GREETING, REPEATED, SHORTHAND, WORD

Dialogue = tuple[Sequence[str], Sequence[str]]  # what people said, what was replied; turns in order
TERSE = 4  # words of the longest prompt that is terse
WRITTEN = 2  # sentences of the shortest prompt that is written out
SHARED = 0.001  # share of texts with a word from which on it is a word of the trade, and no slip
OPENING = 300  # characters of an answer in which it refuses, corrects, or says that it does not know
OFTEN = 2  # texts that may share a slip, however few texts there are

_FIRST = r"\b(?:i|we)\b"
_DONT = r"(?:do not|don['’]?t|did not|didn['’]?t)"
HEDGE = re.compile(
    r"\b(?:probably|perhaps|maybe|possibly|presumably|likely|seemingly|might|i (?:think|believe|guess|suppose|assume)"
    r"|(?:it|that|this) (?:seems|appears|may|could be)|as far as (?:i|we)|to my knowledge|in my (?:view|opinion)"
    r"|i['’ ]?a?m (?:fairly|pretty|quite) (?:sure|certain)|not (?:entirely|quite|completely) (?:sure|certain|clear))\b",
    re.I,
)
ASKS = re.compile(
    r"\b(?:do|did|are|is|was|have) (?:you|it|that|this|the)\b[^.!?\n]*\?"
    r"|\b(?:could|can|may|would|will) (?:you|i|we) (?:please |kindly )?(?:tell|give|provide|clarify|specify|confirm"
    r"|share|explain|describe|have|get|ask|know|let|say|repeat|check)\b[^.!?\n]*\?"
    r"|\b(?:what|which|when|where|who|whose|how (?:many|much|long|old|often))\b[^.!?\n]*\byou(?:r|['’]d)?\b[^.!?\n]*\?"
    r"|\b(?:please (?:specify|clarify)|more (?:details|information) (?:about|on) (?:what|which|your))\b",
    re.I,
)
OFFERS = re.compile(
    r"[^.!?\n]*\b(?:anything else|(?:can|may|could) (?:i|we) (?:help|assist|do)|would you like)\b[^.!?\n]*\?", re.I
)
REFUSES = re.compile(
    rf"{_FIRST}(?:['’]?m| am|['’]re| are)? ?(?:can(?:no|['’]?)t|unable to|not able to"
    r"|won['’]?t|will not|am not allowed)\b"
    r"|\b(?:i['’]m|i am|we are|we['’]re) (?:sorry|afraid)\b[^.!?\n]*\b(?:not|no|n['’]t|unable|unavailable)\b"
    r"|\b(?:unfortunately|not (?:possible|permitted|allowed)|against (?:my|our|the) (?:policy|rules|guidelines))\b",
    re.I,
)
CORRECTS = re.compile(
    r"\bactually,|\bcorrection:|\bi (?:was wrong|misspoke|misread|misunderstood|made a (?:mistake|typo))\b"
    r"|\bmy (?:mistake|bad)\b|\b(?:that|this|it)(?:['’]s| is| was) (?:not (?:quite |entirely )?(?:right|correct|true)"
    r"|incorrect|inaccurate|a mistake|a misconception)\b|\bi meant\b|\bto be (?:precise|exact)\b",
    re.I,
)
IGNORANT = re.compile(
    rf"{_FIRST} (?:really )?{_DONT} (?:know|have (?:any |the |that |enough |access)|see (?:any|it|that)|find)\b"
    r"|\b(?:i['’ ]?a?m|we['’ ]?(?:a)?re) (?:not|un)\s?(?:sure|certain|aware)\b"
    r"|\bno (?:idea|information|record|mention)\b"
    r"|\b(?:not (?:mentioned|stated|specified|known|given|clear)|unknown|cannot be (?:determined|answered|known))\b"
    r"|\b(?:can(?:no|['’]?)t|could(?: not|n['’]?t)) (?:find|tell|say|determine|be sure)\b",
    re.I,
)
REPAIRS = re.compile(
    r"^\W*(?:no\b(?! (?:problem|worries|thanks?|thank you|that is all|that['’]s all))|nope\b|not (?:that|what|quite)"
    r"|wait\b|sorry,? (?:i|but|no)|actually\b|i (?:mean|meant|said|asked)\b)"
    r"|\b(?:not what i (?:asked|meant|said|want\w*)|that['’]?s (?:not|wrong)"
    r"|you misunderst\w+|i already (?:told|said))\b",
    re.I,
)
QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
SENTENCES = re.compile(r"[.!?…]+(?:\s|$)|\n+")


def _clarifies(replied: str) -> bool:
    # It is what an answer ends with: a question in the middle of a story asks nobody.
    ending = replied[-OPENING:]
    if "?" not in ending:
        return False
    asked = OFFERS.sub("", ending).rstrip()
    return asked.endswith("?") and bool(ASKS.search(asked))


def _begins(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    # What is quoted or sung about is not said, and a refusal does not wait for the third paragraph.
    return lambda replied: bool(pattern.search(replied[:OPENING]) and pattern.search(QUOTED.sub("", replied[:OPENING])))


def _lower(said: str) -> bool:
    return said == said.lower() and sum(map(str.isalpha, said)) > 3


def _written(said: str) -> bool:
    sentences = sum(1 for piece in SENTENCES.split(said) if piece.strip())
    return sentences >= WRITTEN and said.lstrip()[:1].isupper() and said.rstrip()[-1:] in ".?!"


def _slips(said: str) -> bool:
    return bool(SHORTHAND.search(said) or BARE.search(said) or REPEATED.search(said))


# Of what people said.
ASKED: Mapping[str, Callable[[str], bool]] = {
    "greeting": lambda said: bool(GREETING.search(said)),
    "lower case": _lower,
    "slips": _slips,
    "terse": lambda said: 0 < len(said.split()) <= TERSE,
    "written out": _written,
    "complaint": aggrieved,
}
# Of what was replied.
REPLIED: Mapping[str, Callable[[str], bool]] = {
    "hedge": lambda replied: bool(HEDGE.search(replied)),
    "clarifying question": _clarifies,
    "refusal": _begins(REFUSES),
    "correction": _begins(CORRECTS),
    "admitted ignorance": _begins(IGNORANT),
}
REPAIR = "repair over turns"
REGISTERS = (*ASKED, *REPLIED, REPAIR)


def registers(dialogues: Sequence[Dialogue]) -> NDArray[np.bool_]:
    """Which registers each dialogue is in; shape (N, R), columns in the order of `REGISTERS`.

    Raises:
        Unavailable: the word list is not installed.
    """
    out = np.zeros((len(dialogues), len(REGISTERS)), dtype=bool)
    strange: list[set[str]] = []
    known = frozenset(dictionary())
    for row, (said, replied) in enumerate(dialogues):
        asked, answered = "\n".join(said), "\n".join(replied)
        out[row, : len(ASKED)] = [holds(asked) for holds in ASKED.values()]
        out[row, len(ASKED) : -1] = [holds(answered) for holds in REPLIED.values()] if answered else False
        out[row, -1] = any(REPAIRS.search(turn) for turn in said[1:])
        strange.append(_strange(asked, known))
    texts = Counter(word for words in strange for word in words)
    most = max(OFTEN, SHARED * len(dialogues))
    slips = REGISTERS.index("slips")
    for row, words in enumerate(strange):
        out[row, slips] |= any(texts[word] <= most for word in words)
    return out


def _strange(said: str, known: frozenset[str]) -> set[str]:
    # A capital inside a sentence is a name, and a word of three letters is more often a code than a slip.
    words = {word for word in WORD.findall(said) if len(word) > 3 and word.islower() and word not in known}
    return {word for word in words if word.replace("’", "'").split("'")[0] not in known}
