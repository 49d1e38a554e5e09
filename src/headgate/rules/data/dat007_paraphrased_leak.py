"""Evaluation items that stand in the training rows in other words.

## What it checks
Whether training rows are closer to evaluation items than honest rows of the same kind are to each
other: rephrased items, lightly disguised copies, rows that were written from a test question. Rows
that name an item among their parents count whatever their words are.

## Why it matters
A rephrased item teaches its answer just as well as a copy, and no search for shared spans finds it:
of 1,319 rephrased GSM8K questions, searches for shared 8-grams find 7 %. Synthetic data grown from test
questions, and failures that people retype, come in this form.

## How it is measured
Each item's score is that of its likest training row: TF-IDF cosine of words and word pairs, times
0.1 + 0.9 J, where J is the Jaccard similarity of the two sets of numbers in digits; the 20 rows with the highest
cosine are scored. The threshold is the score that 98 % (`quantile`) of training rows have against all
other training rows, so that an honest item from the same source is above it with a probability of 2 %,
natural twins included. The measure is the share of items above it, with a 95 % Wilson interval;
word-for-word copies are left to self-leak. Each passage of a row's reasoning, and each text among the arguments of its
tool calls (lines; windows of four sentences), counts as what the row asks does, for items and for rows alike, and a
finding says where it stands. The verdict fails when the whole interval is above those
2 % plus `tolerated`, and whenever a row declares an item as its parent. With fewer than `least_honest` rows
to calibrate on, `fallback` is the threshold and no honest item is expected above it.

Items that are programs are compared by their shapes as well: names, numbers and words blanked, every run of four
tokens a term, the same cosine without numbers, a threshold of their own from 98 % of the programs among the
training rows; what honest items of that kind are expected to do doubles.

Two more looks are off by default. With `embeddings`, the folder of a static embedding on this machine, an item also
counts when the cosine of its vector and a row's is above the level of 98 % of training rows; what honest items are
expected to do doubles. With a judge (`--judge`: a model behind an address, which is sent the questions) the
`judged_pairs` likest pairs are shown to it, fenced as data, and those that it calls different questions do not count.
It is shown pairs with a known answer as well, and what it says counts only where it gets nine of ten of these right.

## When it cannot tell
It sees a change in many items and proves nothing about one: about 2 % of honest items are among the findings. What
weighs how much was chosen on every other GSM8K question; on the rest 73 % of rephrasings are above all but 1 in
10,000 honest rows and 78 % above all but 5. Of rewritten programs (HumanEval, the half that nothing was chosen on) 75
% are above all but 5 (10 % by words); with other problems of that collection among the rows 40 %. Under some 200
items the interval is too wide, and the verdict is unsure. Short questions that many people have asked in nearly the
same words (banking77, clinc150) set the threshold above 0.9, where no rephrasing is seen. Items without numbers are
harder: rephrased MMLU questions come nearest to their source for 73 % (US history), 90 % (algebra) and 92 %
(sociology), but questions on one passage come as near to each other. Items and rows from different sources are not
calibrated for each other. Translations are not seen at all, nor is what self-leak does not see for being encoded.

## What to do
Read the pairs, the likest first. Drop the rows that are rephrasings, and look for their source: a model
that was shown test questions, a ticket, a prompt. A judge, human or model, sees more than words do.

## References
Yang and others 2023, "Rethinking benchmark and contamination for language models with rephrased
samples", arXiv 2311.04850 (the rephrased items). Salton and Buckley 1988, "Term-weighting approaches in automatic
text retrieval".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.kit.doors import open_door
from headgate.rules.beside import likest_in
from headgate.rules.descent import Bearers, Family, Parents, names_of
from headgate.rules.doors import EMBEDDING
from headgate.rules.given import Corpus, Given
from headgate.rules.nearness import Asked, Columns, Prompts, PromptWords, nearest_rows, prompts_at
from headgate.rules.pair_judge import JUDGE, Judged, ask_judge
from headgate.rules.rewritten import above, by_programs
from headgate.rules.shape import rule
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.ngrams import exact_hashes
from headgate.text.similarity import Nearest, honest, level_of
from headgate.text.tape import Positions
from headgate.text.vectors import calibrate_vectors, nearest_vectors

SAMPLE = 2000  # rows to calibrate vectors on
VECTORS_IN_MEMORY = "embeddings need all rows in memory, and these were read in shards; --sample 100000 compares some"
VECTOR_FALLBACK = 0.9  # cosine that is asked where too few rows are there to calibrate on


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of paraphrased-leak."""

    tolerated: float = 0.03  # share of evaluation items, 0..1, beyond those that honest ones would be
    threshold: float = 0.0  # score, 0..1; 0: calibrated on the training rows
    quantile: float = 0.98  # share of training rows, 0..1, that stay below the threshold
    least_honest: int = 200  # rows; with fewer to calibrate on `fallback` is the threshold
    fallback: float = 0.6  # score, 0..1
    least_words: int = 5  # words; shorter items are not looked for
    embeddings: str = ""  # folder of a static embedding on this machine; empty: words only
    judged_pairs: int = 200  # pairs that a judge is shown, where one is given
    seed: int = 0  # of the draw of rows to calibrate on


@rule(
    "DAT007",
    failure="continuous-contamination",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
    asks=(PromptWords, Columns, Parents),
)
def paraphrased_leak(given: Given, options: Options) -> Verdict:
    """Compares each item's nearest training row with what is usual among honest rows."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    if options.embeddings and not rows.in_memory:
        return paraphrased_leak.skipped(VECTORS_IN_MEMORY)
    prompts: Prompts = rows.ask(PromptWords())
    copied = prompts.same_as(items.prompt)
    looked = np.flatnonzero(items.prompt.lengths >= options.least_words)
    looked = looked[~np.isin(looked, copied)]
    honest_ones = _honest(prompts, options)
    wanted = Asked(items.prompt.take(looked)), Asked(prompts_at(rows, honest_ones), skip=honest_ones)
    found, usual = nearest_rows(rows, prompts, *wanted)
    threshold, expected, origin = _threshold(usual, options)
    written = by_programs(rows, items, looked, options.quantile, options.least_honest, options.seed)
    hits, expected = written.hits | above(found, threshold, looked), expected + written.expected
    details: dict[str, Any] = {"threshold": round(threshold, 4), "threshold_from": origin} | written.details
    if options.embeddings:
        more, limit = _by_vectors(rows, items, looked, options)
        hits = more | hits
        expected += 1 - options.quantile
        details["embedding_threshold"] = round(limit, 4)
    rows.fetch(row for row, _ in hits.values())
    hits, said = _judged(rows, items, hits, given.get(JUDGE), options.judged_pairs)
    findings = {item: _finding(rows, items, row, item, score) for item, (row, score) in hits.items()}
    declared = _declared(rows, items)
    rows.fetch(declared.values())
    findings |= {item: _finding(rows, items, row, item) for item, row in declared.items()}
    judged = len(set(looked.tolist()) | set(declared))
    details |= {
        "refused_by_the_judge": said.answers.count(False),
        **({"judged": said.as_json()} if said.by else {}),
        "false_hits_expected": round(expected * len(looked), 2),
        "declared": len(declared),
        "copied_word_for_word": len(copied),
    }
    return judge_share(
        len(findings),
        judged,
        name="items with a rephrasing",
        at_most=expected + options.tolerated,
        zero_tolerance=bool(declared),
        summary=_summary(len(findings), judged, len(declared), threshold, len(copied)),
        findings=tuple(findings.values()),
        details=details,
    )


def _by_vectors(
    rows: Corpus, items: Corpus, looked: Positions, options: Options
) -> tuple[dict[int, tuple[int, float]], float]:
    """As by words, by the cosine of two static embeddings."""
    embedding = open_door(EMBEDDING).open_embedding(Path(options.embeddings))
    there = embedding.encode(rows.prompt.texts)
    here = embedding.encode([items.prompt.texts[place] for place in looked.tolist()])
    _, held, counts = np.unique(exact_hashes(rows.prompt), return_inverse=True, return_counts=True)
    single = np.flatnonzero((counts[held] == 1) & (np.abs(there).sum(axis=1) > 0))
    asked = np.sort(np.random.default_rng(options.seed).permutation(single)[:SAMPLE])
    limit = calibrate_vectors(there, asked, options.quantile)
    threshold = limit.threshold if limit.honest >= options.least_honest else VECTOR_FALLBACK
    return above(nearest_vectors(here, there), threshold, looked), threshold


def _judged(
    rows: Corpus, items: Corpus, hits: dict[int, tuple[int, float]], judge: Any, most: int
) -> tuple[dict[int, tuple[int, float]], Judged]:
    """The hits less those that a judge calls different questions; only the likest are shown to it."""
    if judge is None:
        return hits, Judged(())
    shown = sorted(hits, key=lambda item: (-hits[item][1], item))[:most]
    asked = [items[item].prompt_text for item in shown]
    pairs = [(likest_in(rows[hits[item][0]], text)[0], text) for item, text in zip(shown, asked, strict=True)]
    said = ask_judge(judge, pairs, [item for _, item in pairs])
    gone = {item for item, answer in zip(shown, said.answers, strict=True) if answer is False}
    return {item: hit for item, hit in hits.items() if item not in gone}, said


def _honest(prompts: Prompts, options: Options) -> Positions:
    """The rows to calibrate on; none where the threshold is given."""
    drawn = honest(prompts.exact, prompts.lengths, seed=options.seed)
    return drawn[:0] if options.threshold > 0 else drawn


def _threshold(usual: Nearest, options: Options) -> tuple[float, float, str]:
    """Threshold, share of honest items above it, and where the two come from."""
    if options.threshold > 0:
        return options.threshold, 0.0, "option"
    calibrated = level_of(usual.score, options.quantile)
    if calibrated.honest < options.least_honest:
        return options.fallback, 0.0, f"fallback: only {calibrated.honest} training rows to calibrate on"
    return calibrated.threshold, 1 - options.quantile, f"{calibrated.honest} training rows"


def _declared(rows: Corpus, items: Corpus) -> dict[int, int]:
    """Items that a training row names among its ancestors, and that row."""
    family: Family = rows.ask(Parents())
    if not family.children:
        return {}  # without this, every row would be hashed for nothing
    names = {name: item for item in reversed(range(len(items))) for name in names_of(items[item])}
    parents = dict(zip(family.children, family.parents, strict=True))
    bearers: list[tuple[int, str]] = rows.ask(Bearers.named(family.names))
    of_row = {name: parents.get(row, ()) for row, name in reversed(bearers)}
    found: dict[int, int] = {}
    for row, own in parents.items():
        open_names, seen = list(own), set[str]()
        while open_names:
            name = open_names.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in names:
                found.setdefault(names[name], row)
            else:
                open_names += of_row.get(name, ())
    return found


def _finding(rows: Corpus, items: Corpus, row: int, item: int, score: float | None = None) -> Finding:
    """With a score for what a row says, without one for what it says that it was made from."""
    one, other = rows[row], items[item]
    message = f"was made from evaluation item {item + 1}, as its parents say"
    if score is not None:
        where = likest_in(one, other.prompt_text)[1]
        message = f"says what evaluation item {item + 1} says (score {score:.2f}){where}"
    remedy = "drop" if score is None else "review"
    return Finding(message=message, place=one.place, row=one.id, other=other.place, other_row=other.id, remedy=remedy)


def _summary(hits: int, judged: int, declared: int, threshold: float, copied: int) -> str:
    if not judged:
        left = " that is not copied word for word, which is for self-leak to say" if copied else ""
        return f"no evaluation item is long enough to be compared{left}"
    made = f", {declared:,} declared as parents" if declared else ""
    which = f"{hits:,} of {judged:,} evaluation items"
    return f"{which} have a training row that says the same (score above {threshold:.2f}){made}"
