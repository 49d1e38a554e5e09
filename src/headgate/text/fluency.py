"""How well formed a text is, as a number: a proxy of fluency that knows nothing of what is said.

The mean of three shares: sentences that begin with a capital, a digit or a quote and end with a mark; words of
small letters that the dictionary has; words that do not repeat the word before them.
"""

from __future__ import annotations

import re
from itertools import pairwise

from headgate.text.spelling import is_known
from headgate.text.support import sentences

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PLAIN = 4  # letters from which on a word is looked up
_ENDS = ".!?:;…\"”')]}`"


def fluency(text: str) -> float:
    """Well-formedness of a text, 0..1; 0 of an empty one."""
    spans = [text[start:end].strip() for start, end in sentences(text)]
    words = _WORD.findall(text)
    if not spans or not words:
        return 0.0
    formed = sum(not one[0].islower() and one[-1] in _ENDS for one in spans)
    plain = [word for word in words if len(word) >= _PLAIN and word.islower() and word.isalpha()]
    spelt = sum(map(is_known, plain))
    fresh = sum(one.lower() != other.lower() for one, other in pairwise(words))
    shares = (formed / len(spans), spelt / len(plain) if plain else 1.0, fresh / (len(words) - 1) if words[1:] else 1.0)
    return sum(shares) / len(shares)
