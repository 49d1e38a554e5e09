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
_LIKE = re.compile("[" + "".join(map(re.escape, map(chr, LOOKS))) + "]")
_UNSEEN = re.compile("[" + "".join(f"{chr(first)}-{chr(last - 1)}" for first, last in HIDDEN) + "]")


def plain(folded: str) -> str:
    """Lower-case text with each look-alike as what it looks like; as long as before."""
    return folded.translate(LOOKS) if not folded.isascii() and _LIKE.search(folded) else folded


def hides(text: str) -> bool:
    """Whether anything in a text cannot be seen."""
    return not text.isascii() and _UNSEEN.search(text) is not None


def unhidden(text: str) -> str:
    """A text without what cannot be seen."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def hidden_codes() -> list[int]:
    """Code points of all that cannot be seen."""
    return [code for first, last in HIDDEN for code in range(first, last)]
