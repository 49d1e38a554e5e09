"""Makes rewritten rows less true than their originals while they stay as well formed.

Originals are answers that restate a record. Every row is a rewriting of one: the same sentences in another order, with
a polite opening. In some of them, numbers are those of another record or sentences with a number are left out.
Rows without a number are rewritten and stay true; rows without a record are left as they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic.corrupting import answering, bare
from planted.synthetic.syn008_unsupported_sentences import material, number_of_another

PLAN = Plan(
    unit="share of rows with a number of another record or a lost one",
    strengths=(0.10, 0.20),
    claimed=0.20,
    sizes=(240,),
    smallest=240,
    sources=("qa_odd", "priced_models", "api_large"),
    seeds=5,
    clean_seeds=5,
)
OPENINGS = ("Here is what is known. ", "In short: ", "Of course. ", "Gladly. ")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    if not all("document" in row.side.extra for row in rows):
        return Planted(rows=rows, strength=0.0, inputs={"before-rows": Corpus(rows, "originals")})
    originals = [bare(row) for row in rows]
    others = material(rows)["number of another record"]
    training, able = [], []
    for place, row in enumerate(originals):
        polished = answering(row, drawn.choice(OPENINGS) + row.answer_text)
        training.append(replace(polished, side=replace(row.side, parents=(row.id,))))
        if re.search(r"\d\d", row.answer_text):
            able.append(place)
    truth = set()
    for place in drawn.sample(able, min(round(strength * len(rows)), len(able))):
        text = number_of_another(training[place].answer_text, str(rows[place].side.extra["document"]), others, drawn)
        if text:
            training[place] = answering(training[place], text)
            truth.add(training[place].id)
    inputs = {"before-rows": Corpus(originals, "originals")}
    return Planted(rows=training, strength=strength, inputs=inputs, truth=frozenset(truth))
