"""Licences as SPDX expressions: what is in the list stays, other words become a LicenseRef, silence stays silence.

Words that are no expression may be any sentence, so the name of their LicenseRef is a hash of them and quotes nothing.

Expressions are read as the rule on conflicting terms reads them, so that a document and a verdict never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.rules.licence_expressions import NOASSERTION, NONE, read_licence

__all__ = ["NOASSERTION", "NONE", "OWN", "SILENT", "all_of", "expression", "page_of", "reference", "references"]

SILENT = (NOASSERTION, NONE)
OWN = "LicenseRef-"
DIGITS = 12  # of the hash that names other words


@cache
def expression(text: str) -> str:
    """A licence as an SPDX expression; words that are none become a `LicenseRef` by hash."""
    try:
        canonical = read_licence(text).canonical
    except Refused:
        return reference(text)
    if canonical in SILENT:
        return canonical
    # The two words of silence are whole answers; within an expression they have no meaning.
    return NOASSERTION if set(re.findall(r"[\w.+-]+", canonical)) & set(SILENT) else canonical


def reference(text: str) -> str:
    """A name for words that are no licence expression: the same words have the same name, others another."""
    return OWN + digest(" ".join(text.split()).encode())[3 : 3 + DIGITS]


def all_of(texts: Iterable[str]) -> str:
    """Terms that hold together as one expression; one that is silent leaves the whole without assertion."""
    parts = list(dict.fromkeys(expression(text) for text in texts))
    if parts == [NONE]:
        return NONE
    if not parts or set(parts) & set(SILENT):
        return NOASSERTION
    return " AND ".join(f"({part})" if " " in part and len(parts) > 1 else part for part in parts)


def references(expressions: Iterable[str]) -> list[str]:
    """Every `LicenseRef` in some expressions."""
    return sorted({one for text in expressions for one in re.findall(rf"{OWN}[A-Za-z0-9.-]+", text)})


def page_of(text: str) -> str:
    """Where one licence of the SPDX list is published; empty for anything else."""
    known = text not in SILENT and " " not in text and OWN not in text and "(" not in text
    return f"https://spdx.org/licenses/{text}" if known else ""
