"""Training inputs that do not look like what people type.

## What it checks
Whether a simple classifier can tell the inputs of the training rows from real inputs (`--reference`)
of the same topics by their surface: length, case, punctuation, slips, shorthand, greetings, manners.
What the inputs are about does not count.

## Why it matters
A synthetic set has two distributions. Teams polish the answers and never look at the inputs; the model
then meets clean, complete, polite questions in training and half-sentences from a telephone in production.
The score on the synthetic split says nothing about that.

## How it is measured
27 surface features of each input go into a ridge classifier, trained on four fifths and scored on the
rest, rows of one conversation or person kept together. The measure is the area under the ROC curve
within topics (clusters of content words), with DeLong's 95 % interval and a p-value from permutations
within topics. 0.5: nobody can tell. Up to `green` (0.60) the inputs pass as real; above `red` (0.75)
the rule fails; what lies between is passed and called amber. Each of 999 permutations passes the whole
cross-validation. The details list the features that give the inputs away, each with its own AUC and the
quartiles on both sides. Real inputs are also tested against themselves (two halves): where that is above
`green`, the reference is no yardstick.

## When it cannot tell
Under `least` inputs on a side, in topics that both sides have, the verdict is unsure. A mixture hides:
with half of the inputs rewritten and half real, the AUC stays below `red`; check each source alone. Time of day and
mixtures of languages are not looked at. Typos are counted against an English word list, so in other
languages that feature says little.

## What to do
`headgate check TRAIN --reference REAL --fix OUT --repair-inputs` makes inputs look like the real ones and keeps their
answers; what it leaves (length, how many sentences) is to be asked of whoever writes the inputs. Print every score
from synthetic inputs next to one from real inputs.

## References
Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests". DeLong, DeLong and Clarke-Pearson 1988.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.nearness import Prompts, PromptWords
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.two_sample import TwoSample, two_sample
from headgate.stats.verdict import Finding, Measure, Verdict
from headgate.text.surface import FEATURES, surface
from headgate.text.tape import Tape, joined, tape_of
from headgate.text.topics import topics

SHOWN = 6  # features listed
TELLING = 0.05  # distance of a feature's own AUC from 0.5 from which on it is listed
POINTED = 20  # rows pointed at
MEND = "headgate check TRAIN --reference REAL --fix OUT --repair-inputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of input-gap."""

    green: float = 0.60  # AUC, 0.5..1, up to which inputs pass as real
    red: float = 0.75  # AUC, 0.5..1, above which the rule fails
    least: int = 100  # inputs on each side, in topics that both sides have
    sample: int = 2000  # inputs of each side that are compared at most
    permutations: int = 999  # shuffles of the labels for the p-value


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    rows: tuple[Row, ...]  # those compared
    tape: Tape  # of what they ask

    @property
    def clusters(self) -> list[str]:
        return [row.side.conversation or row.side.subject or row.id for row in self.rows]


@rule(
    "SYN001",
    failure="synthetic-input-gap",
    needs=("training-rows", "reference-rows"),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
    asks=(PromptWords,),
)
def input_gap(given: Given, options: Options) -> Verdict:
    """Tells training inputs from real ones, by how they look."""
    sides = [_drawn(given.rows(name), options.sample) for name in ("reference-rows", "training-rows")]
    real, ours = sides
    if min(len(real.rows), len(ours.rows)) < options.least:
        return _too_few(len(real.rows), len(ours.rows), options)
    features = surface([*real.tape.texts, *ours.tape.texts])
    labels = np.repeat([0, 1], [len(real.rows), len(ours.rows)])
    about = topics(joined([real.tape, ours.tape]))
    clusters = _codes([*real.clusters, *(f"training {key}" for key in ours.clusters)])
    found = two_sample(features, labels, strata=about, clusters=clusters, permutations=options.permutations)
    itself = _itself(features[: len(real.rows)], about[: len(real.rows)], clusters[: len(real.rows)], options)
    details = _details(found, features, labels, itself, len(set(about.tolist())))
    if min(found.n) < options.least:
        return _too_few(*found.n, options, details)
    if itself is not None and itself.low > options.green:
        return cannot_tell(
            summary="the reference inputs are no yardstick: two halves of them differ",
            reason=f"AUC {itself.auc:.2f} between halves of the reference, 95 % interval from {itself.low:.2f}",
            next_step="give reference inputs of one channel and one time",
            details=details,
        )
    measure = Measure(
        name="AUC of training inputs against real inputs",
        value=found.auc,
        low=found.low,
        high=found.high,
        unit="AUC",
        n=min(found.n),
        smallest_visible=found.high - found.auc,
    )
    return judge_interval(
        measure,
        at_most=options.red,
        minimum=options.least,
        summary=_summary(found, details["features"], options),
        findings=_findings(found, ours, len(real.rows)) if found.low > options.red else (),
        next_step=MEND if found.auc > options.green else "",
        details=details,
    )


def _drawn(corpus: Corpus, most: int) -> _Inputs:
    prompts: Prompts = corpus.ask(PromptWords())
    filled = np.flatnonzero(prompts.lengths > 0)
    if len(filled) > most:
        filled = np.sort(np.random.default_rng(0).permutation(filled)[:most])
    corpus.fetch(filled.tolist())
    rows = tuple(corpus[place] for place in filled.tolist())
    return _Inputs(rows, tape_of([row.prompt_text for row in rows]))


def _codes(keys: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(keys, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)


def _itself(
    features: NDArray[np.float64], about: NDArray[np.int64], clusters: NDArray[np.int64], options: Options
) -> TwoSample | None:
    """The reference against itself: halves by cluster; None where they are too small to say anything."""
    count = int(clusters.max(initial=0)) + 1
    half = (np.random.default_rng(1).permutation(count) % 2)[clusters]
    if min((half == 0).sum(), (half == 1).sum()) < options.least // 2:
        return None
    return two_sample(features, half, strata=about, clusters=clusters, permutations=99)


def _too_few(real: int, ours: int, options: Options, details: Mapping[str, Any] | None = None) -> Verdict:
    return cannot_tell(
        summary="inputs cannot be compared",
        reason=f"{real:,} real and {ours:,} training inputs share topics; needs {options.least:,} of each",
        next_step="give 200 to 500 real inputs with --reference",
        details=details or {},
    )


def _details(
    found: TwoSample,
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    itself: TwoSample | None,
    about: int,
) -> dict[str, Any]:
    order = np.argsort(-np.abs(found.alone - 0.5), kind="stable")[:SHOWN]
    names = list(FEATURES)
    told = [
        {
            "feature": names[place],
            "auc": round(float(found.alone[place]), 3),
            "real": _quartiles(features[labels == 0, place]),
            "training": _quartiles(features[labels == 1, place]),
        }
        for place in order.tolist()
        if abs(found.alone[place] - 0.5) >= TELLING
    ]
    return {
        "features": told,
        "p": round(found.p, 4),
        "inputs_compared": {"real": found.n[0], "training": found.n[1]},
        "topics": about,
        "real_against_itself": round(itself.auc, 3) if itself else None,
    }


def _quartiles(values: NDArray[np.float64]) -> dict[str, float]:
    mean = round(float(values.mean()), 3)
    low, middle, high = (round(float(value), 3) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return {"mean": mean, "q1": low, "median": middle, "q3": high}


def _summary(found: TwoSample, told: Sequence[Mapping[str, Any]], options: Options) -> str:
    if found.auc <= options.green:
        return f"training inputs look like real ones (AUC {found.auc:.2f})"
    band = "amber, " if found.low <= options.red else ""
    by = ", ".join(f"{one['feature']} ({_moved(one)})" for one in told[:3])
    return f"training inputs can be told from real ones ({band}AUC {found.auc:.2f}) by {by or 'many small things'}"


def _moved(one: Mapping[str, Any]) -> str:
    return f"{'more' if one['auc'] > 0.5 else 'less'}: {one['training']['mean']:.2g} against {one['real']['mean']:.2g}"


def _findings(found: TwoSample, ours: _Inputs, real: int) -> tuple[Finding, ...]:
    mine = found.used >= real
    order = np.argsort(-found.scores[mine], kind="stable")[:POINTED]
    out = []
    for position in (found.used[mine][order] - real).tolist():
        row = ours.rows[position]
        out.append(Finding(message="does not look like a real input", place=row.place, row=row.id, remedy="review"))
    return tuple(out)
