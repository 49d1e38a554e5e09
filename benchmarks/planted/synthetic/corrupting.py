"""Ways to make a true fact false: identifiers mutated or invented, numbers, units and names swapped."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row, Side

ENDINGS = ("-v2", "-large", "_base", "-xl", "-2024", ".1", "/pro", "_fast")


def letters_swapped(name: str, drawn: random.Random, _: Sequence[str]) -> str:
    """Two neighbouring letters change places."""
    places = [i for i in range(1, len(name) - 1) if name[i : i + 2].isalpha() and name[i] != name[i + 1]]
    at = drawn.choice(places) if places else -1
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :] if places else ""


def letter_changed(name: str, drawn: random.Random, _: Sequence[str]) -> str:
    """One letter becomes another."""
    places = [i for i, sign in enumerate(name) if i and sign.isalpha()]
    at = drawn.choice(places) if places else -1
    return name[:at] + drawn.choice("abcdefghiklmnoprstu") + name[at + 1 :] if places else ""


def digit_changed(name: str, drawn: random.Random, _: Sequence[str]) -> str:
    """One digit becomes another."""
    places = [i for i, sign in enumerate(name) if sign.isdigit()]
    at = drawn.choice(places) if places else -1
    return name[:at] + drawn.choice("0123456789") + name[at + 1 :] if places else ""


def parts_swapped(name: str, drawn: random.Random, _: Sequence[str]) -> str:
    """Two neighbouring parts change places."""
    parts = re.split(r"([^A-Za-z0-9]+)", name)
    places = [i for i in range(0, len(parts) - 2, 2) if parts[i] and parts[i + 2] and parts[i] != parts[i + 2]]
    if not places:
        return ""
    at = drawn.choice(places)
    parts[at], parts[at + 2] = parts[at + 2], parts[at]
    return "".join(parts)


def ending(name: str, drawn: random.Random, _: Sequence[str]) -> str:
    """A plausible ending is put on."""
    return name.rstrip("/") + drawn.choice(ENDINGS)


def invented(name: str, drawn: random.Random, others: Sequence[str]) -> str:
    """A plausible one: the beginning of this and the end of another real one, cut between parts."""
    cuts = [hit.end() for hit in re.finditer(r"[-_./:]+", name) if 2 < hit.end() < len(name) - 1]
    tails = [hit for one in drawn.sample(list(others), min(20, len(others))) for hit in re.findall(r"[-_./]\w+$", one)]
    if not cuts or not tails:
        return ""
    return name[: drawn.choice(cuts)] + drawn.choice(tails).lstrip("-_./")


IDENTIFIERS: dict[str, Callable[[str, random.Random, Sequence[str]], str]] = {
    "letters swapped": letters_swapped,
    "letter changed": letter_changed,
    "digit changed": digit_changed,
    "parts swapped": parts_swapped,
    "ending put on": ending,
    "invented from real parts": invented,
}


def documents_of(rows: Sequence[Row]) -> list[Row]:
    """The record of each row, as a row of plain text named as the row's group."""
    return [
        Row(kind=Kind.TEXT, messages=(Message("assistant", str(row.side.extra["document"])),), side=_named(row))
        for row in rows
    ]


def bare(row: Row) -> Row:
    """The row without what only the planter knows."""
    return replace(row, side=replace(row.side, extra={}))


def answering(row: Row, text: str) -> Row:
    """The row with another answer."""
    *before, last = row.messages
    return replace(row, messages=(*before, replace(last, content=text)))


def with_wrong_identifier(
    row: Row, names: Sequence[str], way: str, drawn: random.Random, real: str, others: Sequence[str]
) -> Row | None:
    """The row with one of its identifiers made false; `real` is the text of all records, in small letters."""
    for name in drawn.sample(list(names), len(names)):
        for _ in range(8):
            wrong = IDENTIFIERS[way](name, drawn, others)
            if wrong and wrong != name and wrong.lower() not in real:
                text = row.answer_text
                return answering(row, text.replace(name, wrong))
    return None


def _named(row: Row) -> Side:
    return Side(id=row.side.group)
