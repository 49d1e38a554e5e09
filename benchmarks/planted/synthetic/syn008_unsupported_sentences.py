"""Makes a fact of one sentence false in answers that restate a passage.

A number becomes one of another record, a quantity gets another unit, a name becomes one of another record, or a
citation points to a source that is not there. What is changed is found by plain patterns, and is false by the bare
text of the record. The records are the reference, named by `group`; rows without a record are left as they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic.corrupting import answering, bare, documents_of

PLAN = Plan(
    unit="share of answers with one false fact",
    strengths=(0.05, 0.10),
    claimed=0.10,
    sizes=(240,),
    smallest=240,
    sources=("qa_odd", "priced_models", "api_large"),
    seeds=5,
    clean_seeds=5,
)
NUMBER = re.compile(r"(?<![\w./:-])\d[\d,]*(?:\.\d+)?(?![\w/-]|[.:]\d)")
UNIT = re.compile(r"(?<=\d )(?:years|miles|feet|metres|meters|km|percent|days|months|hours|minutes|episodes|tokens)\b")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?: [A-Z][a-z]{3,})+")
UNITS = ("years", "miles", "feet", "km", "percent", "days", "hours", "GB", "kg")


def number_of_another(text: str, own: str, others: Sequence[str], drawn: random.Random) -> str:
    """A number of another record in place of one that the row's record has."""
    found = [hit for hit in NUMBER.finditer(text) if len(hit[0]) > 1 and hit[0] in own and hit[0] != "10"]
    plain = own.replace(",", "")
    wrong = [one for one in drawn.sample(list(others), min(60, len(others))) if one.replace(",", "") not in plain]
    return _put(text, drawn.choice(found).span(), drawn.choice(wrong)) if found and wrong else ""


def unit_changed(text: str, own: str, others: Sequence[str], drawn: random.Random) -> str:  # noqa: ARG001 - one shape
    """A quantity with another unit."""
    found = list(UNIT.finditer(text))
    hit = drawn.choice(found) if found else None
    return _put(text, hit.span(), drawn.choice([one for one in UNITS if one[:3] != hit[0][:3]])) if hit else ""


def name_of_another(text: str, own: str, others: Sequence[str], drawn: random.Random) -> str:
    """A name of another record in place of one that the row's record has."""
    found = [hit for hit in NAME.finditer(text) if hit[0] in own]
    wrong = [one for one in others if one.lower() not in own.lower()]
    return _put(text, drawn.choice(found).span(), drawn.choice(wrong)) if found and wrong else ""


def citation_to_nothing(text: str, own: str, others: Sequence[str], drawn: random.Random) -> str:  # noqa: ARG001
    """A numbered citation without a source."""
    return f"{text.rstrip()} [{drawn.randrange(1, 9)}]" if not re.search(r"\[\d", text + own) else ""


WAYS: dict[str, Callable[[str, str, Sequence[str], random.Random], str]] = {
    "number of another record": number_of_another,
    "another unit": unit_changed,
    "name of another record": name_of_another,
    "citation to nothing": citation_to_nothing,
}


def material(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What each way takes from other records."""
    documents = [str(row.side.extra["document"]) for row in rows]
    return {
        "number of another record": sorted({hit for one in documents for hit in NUMBER.findall(one) if len(hit) > 1}),
        "name of another record": sorted({hit for row in rows for hit in NAME.findall(row.answer_text)}),
    }


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    if not all("document" in row.side.extra for row in rows):
        return Planted(rows=rows, strength=0.0, inputs={"reference-rows": Corpus(rows, "documents")})
    training, others = [bare(row) for row in rows], material(rows)
    order = drawn.sample(range(len(rows)), len(rows))
    truth: set[str] = set()
    for place in order:
        if len(truth) >= round(strength * len(rows)):
            break
        for way in drawn.sample(list(WAYS), len(WAYS)):
            own = f"{rows[place].side.extra['document']}\n{rows[place].prompt_text}"
            text = WAYS[way](training[place].answer_text, own, others.get(way, ()), drawn)
            if text:
                training[place] = answering(training[place], text)
                truth.add(training[place].id)
                break
    reference = Corpus(documents_of(rows), "documents")
    return Planted(rows=training, strength=strength, inputs={"reference-rows": reference}, truth=frozenset(truth))


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]
