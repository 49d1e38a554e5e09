"""Characters that a reader does not see, and letters that look like other letters.

Soft hyphens and joiners come with text from PDF files and web pages, wide letters with Japanese keyboards, and both
are the cheapest way to hide a copied test item. Words are compared as a reader sees them: without what is invisible,
and with each look-alike as the Latin letter or digit it looks like. Every map here is from one character to one, so
that places stay those of the text, and no two letters of one alphabet become the same, so that no two words of it do.

Reference: The Unicode Consortium, "Unicode Security Mechanisms" (UTS 39), on confusable characters.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

# Soft hyphen, joiners, marks of direction, variation selectors, byte-order mark.
HIDDEN = (
    (0xAD, 0xAE),
    (0x34F, 0x350),
    (0x61C, 0x61D),
    (0x180B, 0x180F),
    (0x200B, 0x2010),
    (0x202A, 0x202F),
    (0x2060, 0x2065),
    (0x2066, 0x2070),
    (0xFE00, 0xFE10),
    (0xFEFF, 0xFF00),
)
CYRILLIC = dict(zip("авекмнорстухіјѕԁԛԝ", "abekmhopctyxijsdqw", strict=True))
GREEK = dict(zip("αικνορτυχ", "aikvoptux", strict=True))
STYLED = ((0xFF10, 0xFF1A), (0xFF41, 0xFF5B), (0x1D400, 0x1D800))  # wide, and those of mathematics


def _styled() -> dict[str, str]:
    """Wide and mathematical letters and digits, each as the plain one in lower case."""
    out = {}
    for first, last in STYLED:
        for code in range(first, last):
            plain = unicodedata.normalize("NFKC", chr(code)).lower()
            if len(plain) == 1 and plain.isascii():
                out[chr(code)] = plain
    return out


LOOKS = str.maketrans(CYRILLIC | GREEK | _styled())
PLANES = 0x20000  # code points beyond are what they are
_UNSEEN = re.compile("[" + "".join(f"{chr(first)}-{chr(last - 1)}" for first, last in HIDDEN) + "]")


def hidden_codes() -> list[int]:
    """Code points of all that cannot be seen."""
    return [code for first, last in HIDDEN for code in range(first, last)]


# Tables, because a class of a thousand letters takes a pattern many times as long, and every text is asked.
_like = np.arange(PLANES, dtype=np.uint32)
_like[list(LOOKS)] = [ord(plain) for plain in LOOKS.values()]
_hidden = np.zeros(PLANES, dtype=bool)
_hidden[hidden_codes()] = True


def codes_of(text: str) -> Codes:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def plain(folded: str) -> str:
    """Lower-case text with each look-alike as what it looks like; as long as before."""
    if folded.isascii():
        return folded
    codes = codes_of(folded)
    like = _like[np.minimum(codes, PLANES - 1)]
    changed = (like != codes) & (codes < PLANES)
    if not changed.any():
        return folded
    return np.where(changed, like, codes).tobytes().decode("utf-32-le", "surrogatepass")


def unseen(codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which of some code points cannot be seen; as many as there are."""
    found: NDArray[np.bool_] = _hidden[np.minimum(codes, PLANES - 1)]
    return found


def hides(text: str) -> bool:
    """Whether anything in a text cannot be seen."""
    return not text.isascii() and bool(unseen(codes_of(text)).any())


def unhidden(text: str) -> str:
    """A text without what cannot be seen."""
    return text if text.isascii() else _UNSEEN.sub("", text)
