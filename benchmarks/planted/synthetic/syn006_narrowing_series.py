"""Makes generations of answers, each by a model of word triples that is fitted on the version before it.

What the model writes is resampled word by word, a little sharper than it was counted (as a decoder at a
temperature below 1 does), so that each round loses some of what is rare. The planting is a number of rounds in which
each version replaces the one before. What must not be flagged, by turns of the seed: four rounds in which each
generation is added to all before it; four rounds of fresh rows of people; three rounds of one other teacher.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="rounds in which each version replaces the one before",
    strengths=(2, 3),
    claimed=3,
    sizes=(2500, 5000),
    smallest=5000,
    sources=("star", "star_all", "gpteacher", "gsm8k"),
    seeds=5,
    clean_seeds=6,
)
VERSIONS = 5  # the rows drawn make so many versions
ORDER = 2  # words that the next one depends on
SHARPER = 1.1  # power to which counts are raised: a temperature of 0.9
LONGEST = 120  # words of an answer
VARIED = 0.3  # share of answers that differ from all others, below which there is no tail
END = "\n"


class Teacher:
    """A model of word triples."""

    def __init__(self, answers: Sequence[str], sharper: float = SHARPER) -> None:
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for answer in answers:
            words = [*[END] * ORDER, *answer.split(), END]
            for place in range(ORDER, len(words)):
                counts[tuple(words[place - ORDER : place])][words[place]] += 1
        self._next = {seen: (list(held), [n**sharper for n in held.values()]) for seen, held in counts.items()}

    def answer(self, drawn: random.Random) -> str:
        said: list[str] = []
        seen = (END,) * ORDER
        while len(said) < LONGEST:
            words, weights = self._next[seen]
            if (word := drawn.choices(words, weights)[0]) == END:
                break
            said.append(word)
            seen = (*seen[1:], word)
        return " ".join(said)


def written(rows: Sequence[Row], teacher: Teacher, drawn: random.Random, name: str) -> list[Row]:
    """As many rows as there are prompts, with answers of a teacher."""
    out = []
    for row in rows:
        *before, last = row.messages
        turns = (*before, replace(last, content=teacher.answer(drawn)))
        out.append(replace(row, messages=turns).with_side(generator=name))
    return out


def said_in(rows: Sequence[Row]) -> list[str]:
    return [row.answer_text for row in rows]


def replaced(first: Sequence[Row], rounds: int, drawn: random.Random, sharper: float = SHARPER) -> list[list[Row]]:
    """Each version is what a model of the one before wrote."""
    versions = [list(first)]
    for turn in range(rounds):
        teacher = Teacher(said_in(versions[-1]), sharper)
        versions.append(written(first, teacher, drawn, f"own-{turn + 1}"))
    return versions


def accumulated(first: Sequence[Row], rounds: int, drawn: random.Random, sharper: float = SHARPER) -> list[list[Row]]:
    """Each version is the one before and what a model of it wrote."""
    versions = [list(first)]
    for turn in range(rounds):
        teacher = Teacher(said_in(versions[-1]), sharper)
        versions.append([*versions[-1], *written(first, teacher, drawn, f"own-{turn + 1}")])
    return versions


def fresh(rows: Sequence[Row], rounds: int) -> list[list[Row]]:
    """Each version is rows of people that no other has."""
    size = len(rows) // VERSIONS
    return [list(rows[turn * size : (turn + 1) * size]) for turn in range(rounds + 1)]


def taught(rows: Sequence[Row], rounds: int, drawn: random.Random) -> list[list[Row]]:
    """Each version is written by one other teacher, which saw four fifths of all rows and none of the versions."""
    size = len(rows) // VERSIONS
    teacher = Teacher(said_in(rows[size:]))
    return [written(rows[:size], teacher, drawn, "unrelated") for _ in range(rounds + 1)]


Arm = Callable[[Sequence[Row], random.Random], list[list[Row]]]
HONEST: Mapping[str, Arm] = {
    "accumulate": lambda rows, drawn: accumulated(rows[: len(rows) // VERSIONS], 4, drawn),
    "fresh": lambda rows, drawn: fresh(rows, 4),  # noqa: ARG005 - one shape for all
    "unrelated teacher": lambda rows, drawn: taught(rows, 3, drawn),
}


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    first = list(rows[: len(rows) // VERSIONS])
    if len({row.answer_text for row in first}) < VARIED * len(first):
        strength = 0.0
    if strength:
        versions = replaced(first, round(strength), drawn)
    else:
        versions = list(HONEST.values())[seed % len(HONEST)](rows, drawn)
    earlier = [
        row.with_side(slices={**row.side.slices, "version": f"v{number}"})
        for number, version in enumerate(versions[:-1], start=1)
        for row in version
    ]
    return Planted(rows=versions[-1], strength=strength, inputs={"earlier-rows": Corpus(earlier, "earlier")})
