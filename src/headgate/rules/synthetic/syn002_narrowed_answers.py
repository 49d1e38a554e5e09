"""Answers that vary less than those of real rows.

## What it checks
Eight measures of variety of the training answers against the answers of real rows (`--reference`), at the
same size: distinct words, pairs and triples, compressed size, phrases that no other answer has, entropy
of openers, share of answers without one of the twenty commonest openers, and the effective number of
directions (Vendi score) of the answers as bags of words.

## Why it matters
A model trained on its own kind's output loses the rare first. Each row looks fine; the distribution narrows.
Four such rounds later every answer begins alike. No single row shows it, so nobody who reads rows sees it.

## How it is measured
Every measure depends on size, so `draws` random samples of the reference and of the training rows are
compared, each with the same number of words, or of answers for openers and directions. A measure is the
mean over the samples of the training rows divided by the median of the reference samples. The rule judges
the measure that lost most: it fails when the whole 95 % interval over samples lies below `keeps` (0.9), or
below the 2.5 % quantile of the reference samples where that is lower still. The details list all measures.

## When it cannot tell
Under `least` answers or `words` words on a side the verdict is unsure. A reference about other tasks is no
yardstick: short labels vary less than dialogues. Variety is not truth: random words would pass.

## What to do
Add to real rows instead of replacing them; sample seeds from the rare slices; drop rows until no opener and
no phrase dominates (near-duplicates lists them); ask several teachers. Keep at least a tenth of real rows.

## References
Gerstgrasser and others 2024, arXiv 2404.01413. Friedman and Dieng 2023, "The Vendi score". Shaib and others
2024, "Standardizing the measurement of text diversity".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rules.answers import Answered, AnswerWords
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Measure, Verdict
from headgate.text.diversity import MEASURES, battery_of

MOST_WORDS = 15_000  # of one sample: more costs time and hides nothing less
MOST_TEXTS = 1_000
SHARE = 0.5  # of the smaller side that one sample takes: halves vary as much as they can


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of narrowed-answers."""

    keeps: float = 0.9  # share of the reference's variety, 0..1, that must be kept
    draws: int = 60  # samples of each side
    least: int = 100  # answers on each side
    words: int = 1000  # words on each side


@rule(
    "SYN002",
    failure="synthetic-pipelines-no-collapse",
    needs=("training-rows", "reference-rows"),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
    asks=(AnswerWords,),
    once=True,
)
def narrowed_answers(given: Given, options: Options) -> Verdict:
    """Compares the variety of answers with that of real answers, at one size."""
    ours, real = (Answered(given.rows(name)) for name in ("training-rows", "reference-rows"))
    count, spoken = ([len(side.lengths) for side in (ours, real)], [int(side.lengths.sum()) for side in (ours, real)])
    texts, words = min(int(min(count) * SHARE), MOST_TEXTS), min(int(min(spoken) * SHARE), MOST_WORDS)
    if texts < options.least * SHARE or words < options.words * SHARE:
        return cannot_tell(
            summary="the variety of answers cannot be compared",
            reason=f"{count[0]:,} training and {count[1]:,} real answers with {spoken[0]:,} and "
            f"{spoken[1]:,} words; needs {options.least:,} answers and {options.words:,} words of each",
            next_step="give real rows with --reference",
        )
    size = {"texts": texts, "words": words, "count": options.draws}
    reference = battery_of(real.lengths, real.tape, **size, seed=0)
    held = battery_of(ours.lengths, ours.tape, **size, seed=1)
    details = _details(reference, held, texts, words)
    middle = np.median(reference, axis=0)
    some = middle > 0  # a measure that is 0 in the reference cannot be lost
    ratio = np.divide(held, middle, out=np.ones_like(held), where=some)
    lowest = np.divide(np.quantile(reference, 0.025, axis=0), middle, out=np.zeros_like(middle), where=some)
    wanted = np.maximum(np.minimum(options.keeps, lowest), 1e-9)
    worst = int(np.argmin(np.quantile(ratio, 0.975, axis=0) / wanted))
    low, high = (float(value) for value in np.quantile(ratio[:, worst], [0.025, 0.975]))
    name, value = list(MEASURES)[worst], float(ratio[:, worst].mean())
    measure = Measure(
        name=f"{name}, as a share of the reference",
        value=value,
        low=min(low, value),
        high=max(high, value),
        unit="ratio",
        n=texts,
        smallest_visible=float(1 - wanted[worst]),
    )
    return judge_interval(
        measure,
        at_least=float(wanted[worst]),
        minimum=int(options.least * SHARE),
        summary=_summary(ratio.mean(axis=0), wanted, name, value),
        details=details,
    )


def _details(reference: NDArray[np.float64], held: NDArray[np.float64], texts: int, words: int) -> dict[str, Any]:
    table = {
        name: {
            "training": round(float(held[:, place].mean()), 4),
            "reference": round(float(np.median(reference[:, place])), 4),
            "reference_low": round(float(np.quantile(reference[:, place], 0.025)), 4),
        }
        for place, name in enumerate(MEASURES)
    }
    return {"measures": table, "answers_a_sample": texts, "words_a_sample": words}


def _summary(ratios: NDArray[np.float64], wanted: NDArray[np.float64], name: str, value: float) -> str:
    lost = int((ratios < wanted).sum())
    if not lost:
        return f"answers vary as much as real ones ({name} least: {value:.2f} of the reference)"
    most = f"most in {name} ({value:.2f} of the reference)"
    return f"answers vary less than real ones in {lost} of {len(ratios)} measures, {most}"
