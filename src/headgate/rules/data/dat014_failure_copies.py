"""Training rows that were written from the failures of an evaluation.

## What it checks
Whether the rows that were added after an evaluation run are closer to the items that failed in it than to items
like them that passed: somebody read the failures and typed them in again, or had a model do it.

## Why it matters
The next score goes up where it was low, and only on these items. Copying failures spoils an evaluation faster than
any other leak, because it goes for the items that tell models apart. Retyped items share few words with
their source, and each pair on its own proves nothing.

## How it is measured
A past run (`--past-run`) says which items `failed` and which `passed`, and which rows came after: those created after
`at`, those that `added` names, or all. Each item's score is that of its likest training row (TF-IDF cosine times
agreement of numbers, reasoning and tool calls looked at, as in paraphrased-leak) where that row is an added one; its
excess is what the score has above the level that `quantile` of the older rows have in the same place. The statistic
is the sum of the excess over failed items. Its p value is the share of random assignments of the outcomes to the
items that reach as much. Outcomes are exchanged only among comparable items: of the same slices, or with the same
label; without either all items are comparable. The verdict fails when p is below `alpha`.

`quantile` was chosen on every other item of GSM8K test; from 0.98 to 0.995 ten retold failures show in four of five
runs and more (0.98 in all). Below are figures for all items: 577 of 1,319 failed.

## When it cannot tell
Few copies among many failures do not show: with half of the items failed seven copies are needed at the least.
`details` says how many (`smallest_visible`); when fewer items failed or fewer rows were added than that, the
verdict is unsure. It is also unsure when rows have no date. Honest rows that were added for a topic that fails look
like copies where no slice or label names the topic.
Copies that were made from random items are no finding here; self-leak and paraphrased-leak look for them.

## What to do
Read the pairs. Drop the rows that retell an item, retire these items to development, and write fresh siblings. Let
people see failures of the development pool only.

## References
Good 2005, "Permutation, parametric and bootstrap tests of hypotheses", chapter 3 (tests within strata). Dwork and
others 2015, "The reusable holdout: preserving validity in adaptive data analysis", Science 349.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.beside import likest_in
from headgate.rules.given import Corpus, Given
from headgate.rules.nearness import Asked, Columns, Prompts, PromptWords, nearest_rows, prompts_at
from headgate.rules.past_run import AFTER, UNKNOWN, After, PastRun
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Finding, Measure, Outcome, Verdict
from headgate.text.similarity import Nearest
from headgate.text.tape import Positions

RUN = "past-run"
DRAWS = 10_000  # random assignments
FALLBACK = 0.25  # level where too few older rows are there to calibrate on
HONEST = 200  # older rows from which on the level is calibrated
SAMPLE = 2000  # of them, at most
LABEL = 3  # words of an answer that is a label


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of failure-copies."""

    alpha: float = 0.01  # p value, 0..1, below which the verdict fails
    quantile: float = 0.98  # share of older rows, 0..1, that have no excess
    dated: float = 0.9  # share of training rows, 0..1, of which it must be known whether they came after the run
    seed: int = 0  # of the assignments and of the draw of older rows


@rule(
    "DAT014",
    failure="self-leak",
    needs=("training-rows", "evaluation-items", RUN),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(PromptWords, Columns),
)
def failure_copies(given: Given, options: Options) -> Verdict:
    """Asks whether added rows are closer to failed items than chance would have it."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    run = PastRun.of(given.get(RUN))
    outcomes = run.outcomes(items)
    told = rows.ask(After.run(run))
    added = told == AFTER
    judged = np.array(sorted(outcomes), dtype=np.int64)
    failed = np.array([outcomes[place] for place in judged.tolist()], dtype=bool)
    details: dict[str, Any] = {
        "failed": int(failed.sum()),
        "passed": int((~failed).sum()),
        "added_rows": int(added.sum()),
        "rows_without_a_date": int((told == UNKNOWN).sum()),
        "items_without_an_outcome": len(items) - len(judged),
    }
    if doubt := _doubt(failed, added, told, options, details):
        return doubt
    prompts: Prompts = rows.ask(PromptWords())
    older = _older(prompts, added, options)
    wanted = Asked(items.prompt.take(judged)), Asked(prompts_at(rows, older), skip=older)
    near, usual = nearest_rows(rows, prompts, *wanted)
    level = _level(usual, added, options)
    excess = _excess(near, added, level)
    p = _p_value(excess, failed, _strata([items[place] for place in judged.tolist()]), options.seed)
    hits = np.flatnonzero((excess > 0) & failed)
    hits = hits[np.argsort(-excess[hits], kind="stable")]
    details |= {
        "level": round(level, 4),
        "failed_items_with_excess": len(hits),
        "passed_items_with_excess": int(((excess > 0) & ~failed).sum()),
    }
    name, visible = "p of added rows no closer to failed items", float(details["smallest_visible"])
    measure = Measure(name=name, value=p, low=p, high=p, unit="probability", n=len(judged), smallest_visible=visible)
    verdict = judge_interval(
        measure, at_least=options.alpha, summary=_summary(p, len(hits), int(failed.sum())), details=details
    )
    if verdict.outcome is not Outcome.FAIL:
        return verdict
    rows.fetch(near.row[hits].tolist())
    findings = [_finding(rows[int(near.row[hit])], items, int(judged[hit]), float(near.score[hit])) for hit in hits]
    return judge_interval(
        measure,
        at_least=options.alpha,
        summary=verdict.summary,
        findings=findings,
        next_step="read the pairs, drop the rows that retell an item, and retire the items",
        details=details,
    )


def _doubt(
    failed: NDArray[np.bool_],
    added: NDArray[np.bool_],
    told: NDArray[np.uint8],
    options: Options,
    details: dict[str, Any],
) -> Verdict | None:
    """Why the question cannot be asked, and how many copies would show."""
    share = failed.mean() if len(failed) else 1.0
    needed = math.ceil(math.log(options.alpha) / math.log(share)) if 0 < share < 1 else 0
    details["smallest_visible"] = needed
    reason = ""
    if not needed:
        reason = f"{int(failed.sum()):,} of {len(failed):,} items failed: there is nothing to compare"
    elif min(int(failed.sum()), int(added.sum())) < needed:
        reason = f"{int(failed.sum()):,} failed items and {int(added.sum()):,} added rows; {needed} copies would show"
    elif (undated := int((told == UNKNOWN).sum())) > (1 - options.dated) * len(told):
        reason = f"{undated:,} of {len(told):,} training rows do not say when they were created"
    if not reason:
        return None
    return cannot_tell(summary="copies of failures could not be seen", reason=reason, details=details)


def _older(prompts: Prompts, added: NDArray[np.bool_], options: Options) -> Positions:
    """A draw of the rows that were there before the run; none where there are too few."""
    older = np.flatnonzero(~added & (prompts.lengths > 0))
    if len(older) < HONEST:
        return older[:0]
    return np.sort(np.random.default_rng(options.seed).permutation(older)[:SAMPLE])


def _level(usual: Nearest, added: NDArray[np.bool_], options: Options) -> float:
    """What older rows score against added ones that are their nearest."""
    scores = _excess(usual, added, 0.0)
    return float(np.quantile(scores, options.quantile, method="higher")) if len(scores) else FALLBACK


def _excess(near: Nearest, added: NDArray[np.bool_], level: float) -> NDArray[np.float64]:
    is_added = np.where(near.row >= 0, added[np.maximum(near.row, 0)], False)
    out: NDArray[np.float64] = np.where(is_added, np.maximum(near.score - level, 0.0), 0.0)
    return out


def _strata(items: Sequence[Row]) -> NDArray[np.int64]:
    """Items between which outcomes may be exchanged, by number of the class."""
    known: dict[Any, int] = {}
    keys = []
    for item in items:
        label = " ".join(item.answer_text.lower().split())
        # A number is an answer of its own; two questions with the same one have nothing in common.
        short = label if len(label.split()) <= LABEL and any(map(str.isalpha, label)) else ""
        keys.append(known.setdefault((tuple(sorted(item.side.slices.items())) or short), len(known)))
    return np.array(keys, dtype=np.int64)


def _p_value(excess: NDArray[np.float64], failed: NDArray[np.bool_], strata: NDArray[np.int64], seed: int) -> float:
    """Share of assignments within the strata under which failed items have at least as much excess."""
    drawn = np.random.default_rng(seed)
    observed, totals = 0.0, np.zeros(DRAWS)
    inside: dict[int, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata.tolist()):
        inside[stratum].append(place)
    for places in inside.values():
        values, outcome = excess[places], failed[places]
        above = values[values > 0]
        observed += float(values[outcome].sum())
        if not len(above):
            continue
        # How many of the items with excess are among the failed, then which.
        counts = drawn.hypergeometric(int(outcome.sum()), int((~outcome).sum()), len(above), size=DRAWS)
        order = np.argsort(drawn.random((DRAWS, len(above))), axis=1)
        sums = np.concatenate([np.zeros((DRAWS, 1)), np.cumsum(above[order], axis=1)], axis=1)
        totals += sums[np.arange(DRAWS), counts]
    return float((1 + (totals >= observed - 1e-9).sum()) / (1 + DRAWS))


def _finding(row: Row, items: Corpus, item: int, score: float) -> Finding:
    where = likest_in(row, items[item].prompt_text)[1]
    told = f"came after the run and is closest to evaluation item {item + 1}, which failed"
    return Finding(
        message=f"{told} (score {score:.2f}){where}",
        place=row.place,
        row=row.id,
        other=items[item].place,
        other_row=items[item].id,
        remedy="review",
    )


def _summary(p: float, hits: int, failed: int) -> str:
    which = f"{hits:,} of {failed:,} failed items have an unusually close row among those added after the run"
    return f"{which} (p {p:.4f})"
