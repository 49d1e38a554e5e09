"""Makes identifiers false in ways that the other planter does not know, and by names that models invented themselves.

In `model_calls` the name that a model called is replaced by one that a model called for the same hub and that no
document has. Elsewhere a letter is lost or doubled, a part becomes another plausible word, two parts lose what joins
them, a number is put behind, or a part is put in. The registry is harvested from all records.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.registry import Registry
from planted.synthetic.corrupting import answering, bare

PLAN = Plan(
    unit="share of answers with one false identifier",
    strengths=(0.05, 0.10),
    claimed=0.05,
    sizes=(300,),
    smallest=300,
    sources=("library_functions", "model_calls", "rewritten_programs"),
    seeds=10,
    clean_seeds=20,
)
CHOSEN = "api_small, api_large, function_calls, dataset_records and priced_models"
READ = (
    "In model_calls the false names are 45 that models invented themselves. In library_functions and "
    "rewritten_programs they are mutated: letters lost or doubled, parts replaced, put in or run "
    "together, numbers put behind."
)
WORDS = ("async", "safe", "batch", "fetch", "extended", "default", "remote", "merge", "strict", "lazy", "bulk")


def _letter_lost(name: str, drawn: random.Random) -> str:
    at = drawn.choice([i for i in range(1, len(name)) if name[i].isalpha()])
    return name[:at] + name[at + 1 :]


def _letter_doubled(name: str, drawn: random.Random) -> str:
    at = drawn.choice([i for i in range(1, len(name)) if name[i].isalpha()])
    return name[:at] + name[at] + name[at:]


def _part_replaced(name: str, drawn: random.Random) -> str:
    parts = re.split(r"([^A-Za-z0-9]+)", name)
    parts[-1] = drawn.choice(WORDS)
    return "".join(parts) if len(parts) > 1 else ""


def _joint_lost(name: str, drawn: random.Random) -> str:
    joints = [hit.start() for hit in re.finditer(r"(?<=\w)[_-](?=\w)", name)]
    at = drawn.choice(joints) if joints else -1
    return name[:at] + name[at + 1 :] if joints else ""


def _number_behind(name: str, drawn: random.Random) -> str:
    return f"{name}{drawn.randrange(2, 10)}"


def _part_put_in(name: str, drawn: random.Random) -> str:
    head, joint, tail = re.match(r"(.*?)([._/-]?)([A-Za-z0-9]+)$", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{head}{joint}{drawn.choice(WORDS)}_{tail}" if tail else ""


WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "letter lost": _letter_lost,
    "letter doubled": _letter_doubled,
    "part replaced": _part_replaced,
    "joint lost": _joint_lost,
    "number put behind": _number_behind,
    "part put in": _part_put_in,
}


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    documents = _documents(rows)
    real = "\n".join(documents).lower()
    training = [bare(row) for row in rows]
    able = [place for place, row in enumerate(rows) if row.side.extra["identifiers"]]
    truth = set()
    for place in drawn.sample(able, min(round(strength * len(able)), len(able))):
        name = drawn.choice(rows[place].side.extra["identifiers"])
        wrong = _wrong(rows[place], name, real, drawn)
        if wrong:
            training[place] = answering(training[place], training[place].answer_text.replace(name, wrong))
            truth.add(training[place].id)
    registry = _harvested(tuple(documents))
    return Planted(rows=training, strength=strength, inputs={"registry": registry}, truth=frozenset(truth))


def _wrong(row: Row, name: str, real: str, drawn: random.Random) -> str:
    if "inventions" in row.side.extra:
        return drawn.choice(list(row.side.extra["inventions"]))
    for way in drawn.sample(list(WAYS), len(WAYS)):
        wrong = WAYS[way](name, drawn)
        if wrong and wrong.lower() not in real:
            return wrong
    return ""


@lru_cache(maxsize=2)
def _harvested(documents: tuple[str, ...]) -> Registry:
    return Registry.harvested(documents)


def _documents(rows: Sequence[Row]) -> list[str]:
    if "documents" in rows[0].side.extra:
        lists = {id(row.side.extra["documents"]): row.side.extra["documents"] for row in rows}
        return [one for held in lists.values() for one in held]
    return [str(row.side.extra["document"]) for row in rows]
