"""Evaluation items too short for runs of words, nearly word for word in the training rows.

## What it checks
Whether more short evaluation items than usual have a training row that says nearly the same, letter for letter,
where the next row says something else: copies with a typing error, a greeting, a word more or less.

## Why it matters
No rule of n-grams sees an item of fewer words than its n, and half of the 4-grams of a short question stand
in many honest rows. Questions to a bank, commands to an assistant and search queries are all that short; without a
rule of their own such suites pass every decontamination.

## How it is measured
Looked at are items of `least_words` to `most_words` words. Each one's best row is the one that holds most of its
character 4-grams in what it asks, in a sentence of its reasoning or in a text among the arguments of its tool calls.
It is a near copy when it holds 75 % (`held`) of them, no number, negation or word is exchanged for another, both have
the same answer where answers are labels (of what a row asks), and the next row that says something else holds at
least 20 % (`gap`) less: a question that many people ask in nearly the same words has many such rows, a copy has one.
An item whose words would meet in a row by chance ("yes please") is a phrase and not looked for. The measure is the
share of items with a near copy, with a 95 % Wilson interval. It is held against the same share among training rows
(`sample` of them, each against the others), the upper end of its interval, plus `tolerated`.

`held` and `gap` were chosen on one half of the labels of banking77 and clinc150. In these halves 4 % of honest
items have such a row, and so do 19 % to 80 % of copies, by disguise: most of those with a greeting, fewest of those
with a word exchanged. The figures below are of the other halves, split at random with all their natural look-alikes.

## When it cannot tell
It sees many copies and proves nothing about one: among honest items 2 % to 5 % are like that. Under some 300
short items only a large leak shows, and the verdict is unsure. Copies of questions that many rows ask are not seen.
Word for word copies are left to self-leak and not counted here. Rows from another source than the items are no
measure for them. Copies that are encoded or spread over rows are not seen.
With fewer than `least_honest` short rows there is nothing to compare with: unsure.

## What to do
Read the pairs; drop the rows that are copies, and look for the road by which they came.

## References
Cavnar and Trenkle 1994, "N-gram-based text categorization" (character n-grams stand typing errors).
Brown and others 2020, "Language Models are Few-Shot Learners", appendix C (items shorter than the n-gram).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.beside import likest_in
from headgate.rules.given import Corpus, Given
from headgate.rules.nearness import Prompts, PromptWords, prompts_at
from headgate.rules.shape import rule
from headgate.rules.short_prompts import MostOf, Vocabulary, WordsOfPrompts
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.ngrams import sorted_distinct
from headgate.text.short_items import Alone, alone_of, combined, expected_rows, telling_words
from headgate.text.tape import Positions, Tape

LABEL = 3  # words of an answer that is a label


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of short-item-leak."""

    tolerated: float = 0.01  # share of short items, 0..1, beyond those that honest ones would be
    held: float = 0.75  # share of an item's character 4-grams, 0..1, that its best row must hold
    gap: float = 0.2  # share of them, 0..1, by which the next row must hold less
    least_words: int = 2  # words of an item that is looked for
    most_words: int = 11  # words; longer items are the business of self-leak
    chance: float = 1.0  # rows that would hold an item's words by chance; with more it is a phrase
    sample: int = 2000  # training rows to compare with
    least_honest: int = 200  # short training rows that are needed for it
    seed: int = 0  # of their draw


@rule(
    "DAT011",
    failure="continuous-contamination",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
    asks=(PromptWords, Vocabulary),
)
def short_item_leak(given: Given, options: Options) -> Verdict:
    """Compares how many short items have a lonely near copy with how many training rows have one."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    prompts: Prompts
    words: WordsOfPrompts
    prompts, words = rows.ask_all([PromptWords(), Vocabulary()])
    short = _short(items.prompt.lengths, options)
    copied = prompts.same_as(items.prompt)
    phrases = _chance(items.prompt.take(short), words, len(rows)) > options.chance
    asked = short[~phrases & ~np.isin(short, copied)]
    details: dict[str, Any] = {
        "short_items": len(short),
        "phrases": int(phrases.sum()),
        "copied_word_for_word": int(np.isin(short, copied).sum()),
    }
    if not len(asked):
        return judge_share(0, 0, name="short items", at_most=1.0, summary=_nothing(short, details), details=details)
    drawn, usual_texts = _drawn(rows, prompts, words, options)
    found, among = _alone(rows, words, items.prompt.take(asked), usual_texts, beside=prompts.beside)
    hits = np.flatnonzero(_near(found, rows, [items[item] for item in asked.tolist()], options))
    rows.fetch(drawn.tolist())
    usual, honest = int(_near(among, rows, [rows[row] for row in drawn.tolist()], options).sum()), len(drawn)
    details |= {"usual_hits": usual, "usual_of": honest}
    if honest < options.least_honest:
        reason = f"{honest:,} short training rows to compare with; {options.least_honest:,} are needed"
        return cannot_tell(summary="nothing tells what is usual", reason=reason, details=details)
    at_most = wilson(usual, honest).high + options.tolerated
    details["expected"] = round(usual / honest, 4)
    hits = hits[np.argsort(-found.gap[hits], kind="stable")]
    rows.fetch(found.row[hits].tolist())
    summary = (
        f"{len(hits):,} of {len(asked):,} short items have a lone near copy in the training rows; "
        f"{usual / honest:.1%} of short training rows have one among the others"
    )
    return judge_share(
        len(hits),
        len(asked),
        name="short items with a near copy",
        at_most=min(at_most, 1.0),
        summary=summary,
        findings=[_finding(rows, items, found, int(hit), int(asked[hit])) for hit in hits],
        details=details,
    )


def _nothing(short: Positions, details: Mapping[str, Any]) -> str:
    if not len(short):
        return "no item is short enough"
    phrases, copied = details["phrases"], details["copied_word_for_word"]
    return f"of {len(short):,} short items {copied:,} are copied word for word and {phrases:,} are phrases"


def _short(lengths: Positions, options: Options) -> Positions:
    short: Positions = np.flatnonzero((lengths >= options.least_words) & (lengths <= options.most_words))
    return short


def _chance(texts: Tape, words: WordsOfPrompts, rows: int) -> NDArray[np.float64]:
    return expected_rows(texts, words.of(texts), rows)


def _drawn(rows: Corpus, prompts: Prompts, words: WordsOfPrompts, options: Options) -> tuple[Positions, Tape]:
    """Short training rows to compare with, and what they ask."""
    _, held, counts = np.unique(prompts.exact, return_inverse=True, return_counts=True)
    short = _short(prompts.lengths, options)
    short = short[counts[held[short]] == 1]
    drawn = np.sort(np.random.default_rng(options.seed).permutation(short)[: options.sample])
    texts = prompts_at(rows, drawn)
    kept = np.flatnonzero(_chance(texts, words, len(rows)) <= options.chance)
    return drawn[kept], texts.take(kept)


def _alone(rows: Corpus, words: WordsOfPrompts, items: Tape, drawn: Tape, *, beside: bool) -> list[Alone]:
    """What rows say most of each item, and of each row that was drawn, in one look."""
    texts, both = (*items.texts, *drawn.texts), len(items) + len(drawn)
    # A word tells by the rows that hold it, whoever asks: what is looked for with others is found as if alone.
    told = [telling_words(tape, words.of(tape), len(rows)) for tape in (items, drawn)]
    wanted = MostOf(texts, sorted_distinct(np.concatenate(told)), len(items))
    found = combined(rows.ask_all([wanted, *([replace(wanted, beside=True)] if beside else [])]))
    ends = ((0, len(items)), (len(items), both))
    return [alone_of(found.of(first, last), last - first) for first, last in ends]


def _near(found: Alone, rows: Corpus, asked: Sequence[Row], options: Options) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (found.row >= 0) & (found.held >= options.held) & (found.gap >= options.gap)
    rows.fetch(found.row[near].tolist())
    for place in np.flatnonzero(near).tolist():
        one, other = (" ".join(row.answer_text.lower().split()) for row in (rows[int(found.row[place])], asked[place]))
        if not found.beside[place] and one and other and len(other.split()) <= LABEL and len(one.split()) <= LABEL:
            near[place] = one == other
    return near


def _finding(rows: Corpus, items: Corpus, found: Alone, hit: int, item: int) -> Finding:
    row = rows[int(found.row[hit])]
    where = likest_in(row, items[item].prompt_text)[1] if found.beside[hit] else ""
    return Finding(
        message=f"holds {found.held[hit]:.0%} of the characters of evaluation item {item + 1}, {found.gap[hit]:.0%} "
        f"more than any other row{where}",
        place=row.place,
        row=row.id,
        other=items[item].place,
        other_row=items[item].id,
        remedy="review",
    )
