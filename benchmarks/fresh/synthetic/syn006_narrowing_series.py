"""Makes generations of answers in another way than the planter that thresholds were looked at with.

By turns of the seed a generation is written by a model of word triples that drops the rarest continuations (a nucleus
of 95 %), or is drawn with replacement from the version before it, which is what a model that has learned its rows by
heart writes. Honest series are those of the other planter: accumulated, fresh rows of people, one unrelated teacher;
and halves of one version.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic import syn006_narrowing_series as loops

PLAN = Plan(
    unit="rounds in which each version replaces the one before",
    strengths=(2, 3),
    claimed=3,
    sizes=(5000,),
    smallest=5000,
    sources=("harmless_turns", "customers", "requests", "graded_solutions"),
    seeds=8,
    clean_seeds=16,
)
CHOSEN = "star, star_all, gpteacher and gsm8k, with generations by sharpened word triples"
READ = (
    "The one honest series that failed is one in which each generation was added to all before it. Two "
    "rounds of replacement were seen in 2 of 32 series: the claim begins at three."
)
NUCLEUS = 0.95  # share of the continuations, most frequent first, that a model keeps


class Cut(loops.Teacher):
    """A model of word triples that never says what is rare."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__(answers, 1.0)
        for seen, (words, weights) in self._next.items():
            order = sorted(range(len(words)), key=lambda place: -weights[place])
            kept, held, whole = [], 0.0, sum(weights)
            for place in order:
                kept.append(place)
                held += weights[place]
                if held >= NUCLEUS * whole:
                    break
            self._next[seen] = ([words[place] for place in kept], [weights[place] for place in kept])


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    first = list(rows[: len(rows) // loops.VERSIONS])
    if strength:
        versions = [first]
        for turn in range(round(strength)):
            before = versions[-1]
            if seed % 2:
                versions.append([drawn.choice(before) for _ in before])
            else:
                teacher = Cut(loops.said_in(before))
                versions.append(loops.written(first, teacher, drawn, f"own-{turn + 1}"))
    elif seed % 4 == 3:
        versions = [first, *(drawn.sample(first, len(first) // 2) for _ in range(3))]
    else:
        versions = list(loops.HONEST.values())[seed % 4](rows, drawn)
    earlier = [
        row.with_side(slices={**row.side.slices, "version": f"v{number}"})
        for number, version in enumerate(versions[:-1], start=1)
        for row in version
    ]
    return Planted(rows=versions[-1], strength=strength, inputs={"earlier-rows": Corpus(earlier, "earlier")})
