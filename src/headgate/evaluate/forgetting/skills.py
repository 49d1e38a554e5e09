"""Built-in items of general skills: made by rule, the same on every machine, with answers that code can check."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from headgate.evaluate.safety.prompts import QUESTIONS

Made = tuple[str, str]  # question, answer
THINGS = ("apples", "books", "candles", "doors", "eggs", "flags", "glasses", "hats", "keys", "lamps", "nails", "pens")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jan", "Kira", "Leo")
SCORERS = {
    "arithmetic": "number",
    "copying": "exact",
    "json": "json-match",
    "ordering": "normalised",
    "facts": "contains",
}


def items(skill: str, count: int) -> list[Made]:
    """So many different items of a skill; fewer where there are no more."""
    drawn, found = random.Random(f"headgate {skill}"), dict[str, str]()
    for question, answer in _MAKE[skill](drawn):
        found.setdefault(question, answer)
        if len(found) >= count:
            break
    return list(found.items())


def _arithmetic(drawn: random.Random) -> Iterator[Made]:
    for _ in range(100_000):
        a, b, thing = drawn.randrange(2, 90), drawn.randrange(2, 90), drawn.choice(THINGS)
        first, second = drawn.sample(NAMES, 2)
        yield f"What is {a} + {b}? Answer with the number.", str(a + b)
        yield (
            f"{first} has {a + b} {thing} and gives {b} to {second}. How many are left? Answer with the number.",
            str(a),
        )
        yield f"What is {a % 12 + 1} times {b % 12 + 1}? Answer with the number.", str((a % 12 + 1) * (b % 12 + 1))


def _copying(drawn: random.Random) -> Iterator[Made]:
    for _ in range(100_000):
        words = " ".join(drawn.sample(THINGS, 3))
        yield f"Repeat these words and nothing else: {words}", words
        yield f"Write the word {drawn.choice(THINGS)} in capital letters and nothing else.", ""


def _json(drawn: random.Random) -> Iterator[Made]:
    for _ in range(100_000):
        name, count, thing = drawn.choice(NAMES), drawn.randrange(2, 99), drawn.choice(THINGS)
        text = f"Write a JSON object with the key name, {name}, and the key {thing}, the number {count}. Nothing else."
        yield text, f'{{"name": "{name}", "{thing}": {count}}}'


def _ordering(drawn: random.Random) -> Iterator[Made]:
    for _ in range(100_000):
        some = drawn.sample(NAMES, 3)
        yield f"Put in alphabetical order, with commas: {', '.join(some)}", ", ".join(sorted(some))


def _facts(_: random.Random) -> Iterator[Made]:
    for question, answer, _wrong in QUESTIONS:
        yield question, answer


def _with_answers(make: Callable[[random.Random], Iterator[Made]]) -> Callable[[random.Random], Iterator[Made]]:
    """Only items whose answer stands there; a capital word is its own answer."""

    def made(drawn: random.Random) -> Iterator[Made]:
        for question, answer in make(drawn):
            yield question, answer or question.split("the word ")[1].split()[0].upper()

    return made


_MAKE: dict[str, Callable[[random.Random], Iterator[Made]]] = {
    "arithmetic": _arithmetic,
    "copying": _with_answers(_copying),
    "json": _json,
    "ordering": _ordering,
    "facts": _facts,
}
