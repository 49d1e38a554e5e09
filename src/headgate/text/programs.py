"""The shape of programs: what is left of code when names, numbers and words are blanked.

A program that was rewritten has other names, other numbers and another docstring; what it does, it still does with
the same brackets, operators and keywords in nearly the same order. Each run of four tokens becomes one word, so that
what compares words compares shapes.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import islice

TOKEN = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?|[^\w\s]")
RUN = 4  # tokens
LINES = 2  # that read like code make a program
STARTS = re.compile(
    r"^\s*(?:(?:async )?def \w+\s*\(|class \w+.*[:{]|function\b.*\(|#include\b|public (?:static )?\w+)", re.MULTILINE
)
BEGINS = re.compile(STARTS.pattern + r"|^(?:from [\w.]+ )?import [\w.*{]+", re.MULTILINE)
CODE = re.compile(
    r"^\s*(?:(?:async )?def \w+\s*\(.*|class \w+.*[:{]|function\b.*\(.*|#include\b.*|import [\w.*{ ]+.*|return\b.*"
    r"|(?:public|private|static|const|let|var) .*|from [\w.]+ import .*|(?:if|for|while|elif|else|switch|try)\b.*[:{]"
    r"|.*[;{}]|\w+ = .+|\w+\(.*\))\s*$",
    re.MULTILINE,
)
KEEP = """
    and as assert async await break case catch class const continue def del do elif else except false final finally for
    from function if import in instanceof is lambda let new none nonlocal not null or pass private public raise return
    static super switch this throw true try typeof var void while with yield abs append dict enumerate filter float int
    join len list map max min print range set sorted split str sum zip
"""
KEPT = frozenset(KEEP.split())


def is_program(text: str) -> bool:
    """Whether a text holds a function, a class or the like, and some lines of code."""
    if STARTS.search(text) is None:
        return False
    return len(list(islice(CODE.finditer(text), LINES))) == LINES


def shape_of(text: str) -> str:
    """Every run of four tokens once, as one word, from where the code begins; empty where the text is no program."""
    begins = BEGINS.search(text)
    if begins is None or not is_program(text):
        return ""
    tokens = [_blanked(token) for token in TOKEN.findall(text, begins.start())]
    runs = (" ".join(tokens[place : place + RUN]) for place in range(len(tokens) - RUN + 1))
    return " ".join("s" + blake2b(run.encode(), digest_size=6).hexdigest() for run in dict.fromkeys(runs))


def _blanked(token: str) -> str:
    if token[0].isdigit():
        return "0"
    if token[0].isalpha() or token[0] == "_":
        word = token.lower()
        return word if word in KEPT else "n"
    return token
