"""Words and what people write in their place in another language, as somebody listed them.

No translation model is asked: what may be mixed is what the list says and real inputs write.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.text.guards import COUNTED, DENYING
from headgate.text.manners import Forms

WANTED = "two columns: a word of the inputs, and what real inputs write in its place"
MARKS = " '’-"  # beside letters


def read_pairs(path: Path) -> Forms:
    """For each word, in small letters, what may stand in its place; from a CSV or TSV file of two columns, no header.

    Raises:
        Refused: the file cannot be read, or a line is no pair of words that mean the same whatever the sentence.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused("the list of words cannot be read", file=str(path), found=str(error.strerror)) from None
    except UnicodeDecodeError as error:
        raise Refused("the list of words is not UTF-8", file=str(path), found=str(error)) from None
    delimiter = "\t" if "\t" in text else ","
    out: dict[str, dict[str, None]] = {}
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        pair = [" ".join(cell.lower().split()) for cell in cells]
        if problem := _problem(pair):
            raise Refused(problem, file=str(path), line=reader.line_num, found=delimiter.join(cells), wanted=WANTED)
        out.setdefault(pair[0], {})[pair[1]] = None
    if not out:
        raise Refused("the list of words is empty", file=str(path), wanted=WANTED)
    return {word: tuple(others) for word, others in out.items()}


def _problem(pair: list[str]) -> str:
    """What is wrong with a line; nothing where it is a pair."""
    if len(pair) != 2 or not all(pair):
        return "not a pair of words"
    if not all(sign.isalpha() or sign in MARKS for sign in "".join(pair)):
        return "a pair has letters only"
    if pair[0] == pair[1]:
        return "both words of a pair are the same"
    words = " ".join(pair).replace("’", "'").split()
    if any(word in DENYING or word in COUNTED or word.endswith("n't") for word in words):
        return "negations and numbers are never replaced"
    return ""
