"""Texts in which a pattern may be found, told by a much faster engine that knows less.

The regular expressions of Rust, which polars brings, run in one pass without going back. They have no look-around and
other ideas of where a word ends, so a pattern is loosened for them: it then finds all that `re` finds, and more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from headgate.text.tape import Mask, Tape

FEW = 500  # texts for which the engine would take longer to load than `re` takes to look
LOOKING = re.compile(r"\(\?<?[=!][^()]*(?:\([^()]*\)[^()]*)*\)")  # a look ahead or behind, with groups in it
# What Python and Rust call a letter, a digit or a blank differs in a few signs.
WIDER = {r"\w": r"\w\p{N}", r"\s": r"\s\x1c-\x1f"}
LONG = 4000  # signs of a pattern from which its alternatives are looked for one after the other
OUTSIDE = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[()|]")  # what is escaped, a class, or a sign that makes groups
CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\[ws]")  # a class of signs, or a sign for one


def may_match(tape: Tape, pattern: re.Pattern[str] | str, *, bounds: bool = False, among: Mask | None = None) -> Mask:
    """Texts of which `pattern.search` may find something; shape (N,). In all others it finds nothing.

    A pattern that is given as text ignores case.
    `bounds` may be kept where each stands beside a letter of ASCII, or after `\\w*`, which may end earlier: where
    Python sees the end of such a word, so does an engine that knows no other letters.
    Only the texts `among` some are looked at, and the others are left out.
    Texts with letters that `re` takes for others when it ignores case (dotless i, dotted I) are the caller's.
    """
    out = np.ones(len(tape), dtype=bool) if among is None else among.copy()
    if len(tape) < FEW:
        return out
    texts, asked = tape.once("series", lambda: _series(list(tape.texts[:]))), np.flatnonzero(out)
    some = texts if len(asked) == len(tape) else texts.gather(asked)
    found = np.zeros(len(asked), dtype=bool)
    for alternative in _alternatives(loosened(pattern, bounds)):
        found |= some.str.contains(alternative).to_numpy()
    out[asked] = found
    return out


def may_hold_words(texts: Sequence[str], words: Iterable[str]) -> Mask:
    """Texts of which a tape may have one of some words, or the runs that words with an apostrophe are cut into; (N,).

    In all others it has none. Words are of ASCII, in lower case.
    """
    # Letters that become those of ASCII in lower case (the sign for kelvin) are theirs for this engine as well.
    forms = (re.escape(word).replace("'", "[^A-Za-z0-9]+") for word in words)
    pattern = "(?i)" + "|".join(sorted(set(forms)))
    if len(texts) < FEW:
        return np.ones(len(texts), dtype=bool)
    found: Mask = _series(texts).str.contains(pattern).to_numpy()
    return found


@lru_cache(maxsize=128)
def _alternatives(text: str) -> tuple[str, ...]:
    """What a long pattern joins by | outside of groups: the engine keeps the states of one of them at a time."""
    if len(text) < LONG:
        return (text,)
    flags = "(?i)" if text.startswith("(?i)") else ""
    cuts, depth = [len(flags) - 1], 0
    for hit in OUTSIDE.finditer(text, len(flags)):
        depth += {"(": 1, ")": -1}.get(hit[0], 0)
        if hit[0] == "|" and not depth:
            cuts.append(hit.start())
    return tuple(flags + text[start + 1 : end] for start, end in pairwise([*cuts, len(text)]))


@lru_cache(maxsize=128)
def loosened(pattern: re.Pattern[str] | str, bounds: bool = False) -> str:
    """A pattern without looks ahead or behind and without word boundaries (or with ASCII ones), as Rust writes it."""
    source, flags = (pattern, re.IGNORECASE) if isinstance(pattern, str) else (pattern.pattern, pattern.flags)
    text = LOOKING.sub("", source).replace(r"\b", r"(?-u:\b)" if bounds else "")
    text = CLASS.sub(_widened, text)
    return f"(?i){text}" if flags & re.IGNORECASE else text


def _widened(found: re.Match[str]) -> str:
    wide = found[0]
    for narrow, more in WIDER.items():
        wide = wide.replace(narrow, more)
    return wide if wide.startswith("[") or wide == found[0] else f"[{wide}]"


def _series(texts: Sequence[str]) -> Any:
    import polars

    try:
        return polars.Series(texts, dtype=polars.String)
    except UnicodeEncodeError:  # half of a surrogate pair, which no letter of a pattern is
        whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
        return polars.Series(whole, dtype=polars.String)
