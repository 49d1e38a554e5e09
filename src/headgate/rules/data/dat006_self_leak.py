"""Evaluation items that already stand in the training rows.

## What it checks
Whether a training row holds an evaluation item: word for word, inside a longer text, cut short, or
with some words changed. The item's question is looked for in every turn of the row, and, apart, in what turns hold
beside their words: reasoning, the arguments of tool calls, parts that are no text. The item's answer, its reasoning and
the texts among the arguments of its calls are looked for on their own where they are long enough to be telling; a label
that many rows carry ("card_arrival") is not a leak.

## Why it matters
A model that has seen the item is not tested by it. Leaks come by honest roads: one export feeds both
sides, a failed item is copied into the next training set, a synthetic row is grown from a test question.
The score goes up, and what users meet does not.

## How it is measured
Share of evaluation items of which a training row holds a copy, with a 95 % Wilson interval; every item
and every row is looked at, and by default one copy is too many. An item counts as copied when
- its question has the same words in the same order as the user's words in a row (case, punctuation and
  spacing do not count); under `phrase_words` words ("what is the time") the answers must be the same too, or
- one row covers enough of its distinct word 4-grams: 50 % (`covered`) from 28 words on, 65 % from 20,
  75 % from 16, all of them from 12. 4-grams that stand in more than 20 rows and in more than 0.1 % of them are
  boilerplate and prove nothing; an item that is all boilerplate counts when a row holds it whole, or
- all of its 8 to 11 words stand in a row in one run, and are not phrases that many rows and items have, or
- 75 % of the weight of its words stand in one row in the same order with little between them, and weigh as much as
  twenty words that no other row has. A word weighs the less, the more rows and other items have the four words
  around it: half where four do; or
- its answer is covered to 75 %, is 20 words or longer, belongs to this item only and stands in no more
  than `answer_rows` rows: what stands in more is a stock answer and is listed apart.

A heavily edited copy is likely and not certain where 40 % of the 4-grams of a long item are covered; where, of items
of 12 to 63 words, 70 % of the weight stand in order (four words' weight at least, and that of a seventh of its words);
and where one run has 55 % of the words of an item of 12 words or more, if the row says nothing else or the item has 20.
Such pairs are listed in `details` under `likely` for review; they count, and the verdict fails, only when the whole
interval of the share of items with a likely copy is above `likely`. Among honest rows they are copies too, or requests
that one person wrote after another's: see the last table.

Two texts with the same frame that disagree in more than a quarter of the numbers (a train of 270 miles,
a plane of 1,200) are twins made by one template: a class of their own, listed in `details` under `twins` with
the remedy keep, and no leaks.

`details` also says what the published definitions make of the same pairs: `definitions` counts the items
that each of them calls contaminated, ours beside them, and `by_item` lists the items that any of them names, with
the share of the item that its likest row covers and the longest run of words in common. A definition is asked of
pairs with five telling 4-grams in a row in common, as a run of eight words has them (all of them where an
item has fewer).

## When it cannot tell
An item under 8 words that stands in a row with another answer is taken for a turn of phrase; `details`
counts them. Items under 12 words are found only whole, because half of eight words is
a turn of phrase: of the 2,105 such questions in the test half of banking77, 35 % share half of their
4-grams with some question of the other half; short-item-leak counts them together instead. `details` says how many
items are that short. An item whose words are all phrases of many rows is found only whole. A copy whose
numbers were all changed counts as a twin. Paraphrases and translations are the business of
paraphrased-leak. Without an item that has words the verdict is unsure.

Invisible characters and letters that look like others hide nothing. Not seen are copies that are encoded (base64,
HTML entities or accents throughout, digits for letters), backwards, in another order, with letters spaced out or words
run together, with a tag or a word between any two, over several rows. Beside the words an item under 8 words is not
seen, nor one in the description of a tool, which requests for that tool restate. The published definitions
are asked of what turns say.

## What to do
Drop the rows (`headgate check TRAIN --eval TEST --fix OUT`), or retire the item to the development
pool and write a fresh sibling. Look for the road by which it came: rows of one source, one date, one ticket.

## References
Brown and others 2020, "Language Models are Few-Shot Learners", appendix C (13-grams). Chowdhery and others
2022, "PaLM", section 8 (70 % of 8-grams). OpenAI 2023, "GPT-4 technical report", appendix C (three
stretches of 50 characters; ours are the first, the middle and the last). Touvron and others 2023, "Llama 2", section
A.6 (runs of 10 tokens and more, and the share of tokens in them; words here). Lambert and others
2024, "Tulu 3", section 3.2 (share of the item covered by 8-grams). Singh and others 2024, "Evaluation data
contamination in LLMs: how do we measure it and (when) does it matter?", arXiv 2411.03923 (longest match).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.rules.corpus import LEAKS
from headgate.rules.data.copied import ANSWERS, TEXT, counts_of, finding, own_answers, questions, same_questions
from headgate.rules.data.side_by_side import listed, many_likely, side_by_side
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Outcome, Verdict
from headgate.text.leaks import LIKELY_SHARE, SHORT

SHORTEST = SHORT + 3  # words from which an item can be found inside a longer text


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of self-leak."""

    tolerated: float = 0.0  # share of evaluation items, 0..1, that may be copied
    covered: float = 0.5  # share of a long item's 4-grams, 0..1, that one row must hold
    likely: float = 0.01  # share of evaluation items, 0..1, that may have a likely copy before that is a failure
    least_words: int = 3  # words; shorter questions ("yes please") are not looked for
    phrase_words: int = 8  # words; a shorter question counts only together with its answer
    answers: bool = True  # whether copies of the answer alone count
    answer_rows: int = 2  # rows; an answer that stands in more of them is a stock answer


@rule(
    "DAT006",
    failure="self-leak",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(LEAKS,),
)
def self_leak(given: Given, options: Options) -> Verdict:
    """Looks for every evaluation item in every training row."""
    items = given.rows("evaluation-items")
    rows = given.rows("training-rows").around(items, min(options.covered, LIKELY_SHARE))
    lengths = items.prompt.lengths
    seen = lengths >= options.least_words
    asked = questions(rows, items, options)
    whole, phrases = same_questions(rows, items, options)
    leaks = {(leak.row, leak.item): leak for leak in [*asked.leaks, *whole]}
    own, stock = own_answers(rows, items, options) if options.answers else ([], 0)
    for leak in own:
        leaks.setdefault((leak.row, leak.item), leak)
    found = sorted(leaks.values(), key=lambda leak: (leak.item, -leak.words, leak.row))
    leaked = {leak.item for leak in found}
    seen[sorted(leaked)] = True
    twins, others = asked.others.where(asked.others.twin), asked.others.where(~asked.others.twin)
    likely = others.where(~np.isin(others.items, sorted(leaked)))
    said = {leak.item for leak in found if leak.how not in ANSWERS and leak.field == TEXT}
    details = {
        "items": counts_of(found),
        "rows": len({leak.row for leak in found}),
        **listed("twins", rows, items, twins),
        **listed("likely", rows, items, likely),
        "stock_answers": stock,
        "items_found_only_whole": int(((lengths < SHORTEST) & seen).sum()),
        "phrases_with_another_answer": phrases,
        "items_too_short": int((~seen).sum()),
        **side_by_side(rows.text, items.prompt, asked.pairs, said),
    }
    judged, more = int(seen.sum()), len(set(likely.items.tolist()))
    verdict = judge_share(
        len(leaked),
        judged,
        name="leaked items",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(leaked), judged, more),
        findings=tuple(finding(leak, rows, items) for leak in found),
        next_step=f"headgate check {rows.name or 'TRAIN'} --eval {items.name or 'EVAL'} --fix OUT" if found else "",
        details=details,
    )
    if verdict.outcome is not Outcome.PASS:
        return verdict
    many = many_likely(rows, items, likely, judged, options.likely, details)
    return many if many.outcome is Outcome.FAIL else verdict


def _summary(leaked: int, judged: int, likely: int) -> str:
    if not judged:
        return "no evaluation item has enough words to be looked for"
    more = f"; {likely:,} more may, in heavily edited copies" if likely else ""
    if not leaked:
        return f"none of {judged:,} evaluation items appears in the training rows{more}"
    return f"{leaked:,} of {judged:,} evaluation items appear in the training rows{more}"
