"""Makes a fact of one sentence false, or adds a false sentence, in answers that say in other words what a record says.

The answers are published rephrasings, and descriptions of functions; the record is named by `group`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from fresh.synthetic.false_facts import WAYS
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
    sources=("reworded_sums", "reworded_questions", "library_functions"),
    seeds=10,
    clean_seeds=20,
)
CHOSEN = "qa_even, priced_models and api_small; the figures of qa_odd and api_large were seen once before the end"
READ = (
    "Every row of the two sets of rephrasings in which the rule found something was read. Sums: 30 of "
    "1,192 rows. In 27 the same quantity is written otherwise or worked out (half and 50%, an hour and 60 "
    "minutes, a dozen and 12, $10/hour, 1/10th), in 3 the rephrasing says what its question does not. "
    "Questions: 7 of 191 rows, 6 of them rightly: the rephrasing gives the answer away. 27 of 1,192 rows "
    "are 2.3 %, and 2 % are tolerated: where answers write quantities in other words than their sources, "
    "allow more."
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    training, truth = [bare(row) for row in rows], set()
    for place in drawn.sample(range(len(rows)), len(rows)):
        if len(truth) >= round(strength * len(rows)):
            break
        own = f"{rows[place].side.extra['document']}\n{rows[place].prompt_text}"
        for way in drawn.sample(list(WAYS), len(WAYS)):
            if text := WAYS[way](training[place].answer_text, own, drawn):
                training[place] = answering(training[place], text)
                truth.add(training[place].id)
                break
    reference = Corpus(documents_of(rows), "documents")
    return Planted(rows=training, strength=strength, inputs={"reference-rows": reference}, truth=frozenset(truth))
