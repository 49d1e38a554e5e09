"""Makes published rephrasings less true than what they rephrase, by numbers changed, lost or added.

The honest rows are the rephrasings as they were published: written by a model, and never made by a planter.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from fresh.synthetic.false_facts import claim_added, digits_changed, number_lost, ten_times
from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted
from planted.synthetic.corrupting import answering, bare

PLAN = Plan(
    unit="share of rows with a number changed, lost or added",
    strengths=(0.10, 0.20),
    claimed=0.20,
    sizes=(240,),
    smallest=240,
    sources=("reworded_sums", "reworded_questions", "library_functions"),
    seeds=10,
    clean_seeds=20,
)
CHOSEN = "qa_odd, priced_models and api_large, with sentences in another order and polite openings"
READ = (
    "Rephrasings of questions turned out to be no honest rows for this rule: the findings of one draw "
    "were read, and nearly all say that the rephrasing leaves out the passage that the question quotes, "
    "which is a loss of facts. Rephrasings of sums keep the facts and write many otherwise (a decade for "
    "10 years, half an hour for 30 minutes), which counts as lost and as invented: factuality falls by "
    "2.8 points in 1,211 pairs, and 2 are allowed. Without the questions 3 of 40 honest sets failed."
)
WAYS = (digits_changed, ten_times, number_lost, claim_added)
OPENINGS = ("Sure thing. ", "As asked: ", "To put it another way, ", "")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    originals, training, truth = [], [], set[str]()
    for row in rows:
        after = bare(row)
        before = answering(after, str(row.side.extra["document"]))
        if row.side.source == "python":  # nobody has rephrased it: the same words behind a polite opening
            before, after = after, answering(after, drawn.choice(OPENINGS) + after.answer_text)
        originals.append(before)
        training.append(replace(after, side=replace(after.side, parents=(before.id,))))
    for place in drawn.sample(range(len(rows)), len(rows)):
        if len(truth) >= round(strength * len(rows)):
            break
        for way in drawn.sample(WAYS, len(WAYS)):
            if text := way(training[place].answer_text, originals[place].answer_text, drawn):
                training[place] = answering(training[place], text)
                truth.add(training[place].id)
                break
    inputs = {"before-rows": Corpus(originals, "originals")}
    return Planted(rows=training, strength=strength, inputs=inputs, truth=frozenset(truth))
