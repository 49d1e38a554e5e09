"""Corrupts facts in answers that restate a document: numbers swapped, identifiers mutated or invented.

The rows come from API documentation (`api_docs`) and from questions over passages whose answers people
corrected (`qa_corrected`). Each names its document by `group`; the documents are the reference. A corrupted
row has one number of another document, or one identifier with two letters swapped, a digit changed, or a
plausible ending. Rows without a document are left as they are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from headgate.text.facts import Fact, Registry, facts

PLAN = Plan(
    unit="share of answers with one corrupted fact",
    strengths=(0.02, 0.05, 0.10),
    claimed=0.05,
    sizes=(300, 500),
    smallest=300,
    sources=("api_docs", "qa_corrected"),
    seeds=20,
    clean_seeds=20,
)
ENDINGS = ("-v2", "-large", "_base", "_xl", "-2024")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    if not all("document" in row.side.extra for row in rows):
        return Planted(rows=rows, strength=0.0, inputs={"reference-rows": Corpus(rows, "documents")})
    documents = [_document(row) for row in rows]
    everything = Registry(document.text for document in documents)
    numbers = sorted({fact.value for document in documents for fact in facts(document.text) if fact.kind == "number"})
    training = [replace(row, side=replace(row.side, extra={})) for row in rows]
    able = [place for place, row in enumerate(training) if facts(row.answer_text)]
    chosen = drawn.sample(able, min(round(strength * len(able)), len(able)))
    truth = set()
    for place in chosen:
        own = Registry([documents[place].text])
        changed = _corrupted(training[place], own, everything, numbers, drawn)
        if changed is not None:
            training[place] = changed
            truth.add(changed.id)
    return Planted(
        rows=training,
        strength=strength,
        inputs={"reference-rows": Corpus(documents, "documents")},
        truth=frozenset(truth),
    )


def _document(row: Row) -> Row:
    text = str(row.side.extra["document"])
    return Row(kind=Kind.TEXT, messages=(Message("assistant", text),), side=Side(id=row.side.group))


def _corrupted(
    row: Row, own: Registry, everything: Registry, numbers: Sequence[str], drawn: random.Random
) -> Row | None:
    text = row.answer_text
    told = facts(text)
    drawn.shuffle(told)
    for fact in told:
        for _ in range(8):
            wrong = drawn.choice(numbers) if fact.kind == "number" else _mutated(text[fact.start : fact.end], drawn)
            made = Fact(fact.kind, wrong.lower(), 0, len(wrong))
            if wrong and not own.knows(made) and (fact.kind == "number" or not everything.knows(made)):
                new = text[: fact.start] + wrong + text[fact.end :]
                *before, last = row.messages
                return replace(row, messages=(*before, replace(last, content=new)))
    return None


def _mutated(name: str, drawn: random.Random) -> str:
    way = drawn.randrange(3)
    if way == 0:
        places = [
            i for i in range(1, len(name) - 2) if name[i].isalpha() and name[i + 1].isalpha() and name[i] != name[i + 1]
        ]
        if places:
            at = drawn.choice(places)
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if way == 1:
        places = [i for i, sign in enumerate(name) if sign.isdigit()]
        if places:
            at = drawn.choice(places)
            return name[:at] + drawn.choice([digit for digit in "0123456789" if digit != name[at]]) + name[at + 1 :]
    return name + drawn.choice(ENDINGS)
