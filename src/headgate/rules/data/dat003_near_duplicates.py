"""Training rows that say what another row says, and what removing them would do to each slice.

## What it checks
How many rows could go because another row of the same slices has nearly the same question and nearly
the same answer, and whether taking them all would thin a slice. Rows that share only the question, or
only a long answer, are counted apart; so are pairs that differ in a number, an amount, a negation or,
in short texts, in the one word that matters: those are never duplicates. Neither are rows whose tool
calls, reasoning or pictures differ, however alike their words are.

## Why it matters
Repeated rows are learned by heart and weigh more than anybody decided. But removal is a sampling
decision: it eats the rare, messy slices first and leaves the cleanest phrasing. A shrink percentage
does not show that.

## How it is measured
Similarity is the Jaccard index of word 3-grams (0.6 and more is near), or of character 5-grams (0.7)
where one of two texts is under 20 words. Candidates come from 32 bands of 4 MinHash rows and are
checked exactly. Question and answer must each reach 0.5. In every cluster the rows with the rarest
wording stay, never the first or the shortest, and every row that goes has a near-duplicate of its own
among those that stay. The measure is the share of rows that another row makes redundant: a census, so the
share decides. The verdict fails when it is above `tolerated`, or when a slice would keep less than
`floor` of its rows if all of them went: there the 95 % Wilson interval decides, because a slice is a
sample. Rows of slices under `protect` rows are listed with the remedy to keep them.

## When it cannot tell
A pair at similarity 0.6 is met with a probability of 0.99, one at 0.7 with 0.9998. Paraphrases are no
near-duplicates, and neither are copies that are encoded or written in another order (invisible characters
and look-alike letters hide none).
A slice that leans below its floor (its 50 % interval is there, its 95 % interval is on both sides) makes the
verdict unsure.
Slices that the rows do not name cannot be protected; `details` lists those that were looked at.

## What to do
Exact copies can go. Near ones are a proposal: read some pairs of each slice, then let
`headgate curate` take them, with a floor for each slice. Split into train and evaluation before any removal, so
that the evaluation set still holds the variants.

## References
Broder 1997, "On the resemblance and containment of documents". Lee and others 2022, "Deduplicating training
data makes language models better". Slyman and others 2024, "FairDeDup", on what removal does to subgroups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.rows.row import Row
from headgate.rules.corpus import REDUNDANCY, Coded, Corpus, findings_of
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.intervals import wilson
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Findings, Outcome, Verdict
from headgate.text.redundancy import Redundant

SLICES = 3  # place of the slices in the kind of a row
LEANING = 0.5  # level of the interval from which on a slice is worth a doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of near-duplicates."""

    tolerated: float = 0.1  # share of rows, 0..1, that another row makes redundant
    floor: float = 0.8  # share of its rows, 0..1, that a slice must keep
    protect: int = 50  # rows; smaller slices are never thinned
    threshold: float = 0.6  # Jaccard index of word 3-grams, 0..1
    short_threshold: float = 0.7  # Jaccard index of character 5-grams, 0..1, in texts under 20 words


@dataclass(frozen=True, slots=True)
class _Slice:
    name: str
    value: str
    rows: int
    gone: int

    @property
    def label(self) -> str:
        return f"{self.name}={self.value}"


def kind_of(row: Row) -> tuple[Any, ...]:
    """What two rows must have alike before one can stand for the other."""
    return row.kind, row.label, row.tools, tuple(sorted(row.side.slices.items())), row.beside_words


@rule(
    "DAT003",
    failure="dedup-hard-example",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.1",
    asks=(REDUNDANCY, kind_of),
    once=True,
)
def near_duplicates(given: Given, options: Options) -> Verdict:
    """Counts redundant rows, and what each slice would lose with them."""
    rows = given.rows("training-rows")
    kinds = rows.coded(kind_of)
    names = list(given.get("slice-by") or _names(kinds))
    found = rows.redundant(kind_of, threshold=options.threshold, short_threshold=options.short_threshold)
    slices = _slices(kinds, names, found)
    protected = {(one.name, one.value) for one in slices if one.rows < options.protect}
    guarded = kinds.having(lambda kind: any(pair in protected for pair in kind[SLICES]))
    kept = set(found.rows[guarded[found.rows]].tolist())
    gone = len(found.rows)
    judged = int((rows.lengths("text") > 0).sum())
    shared: dict[str, Any] = {
        "findings": _findings(rows, found, kept, names),
        "details": _details(found, slices, kept, options),
        "next_step": "headgate curate, with a floor for each slice" if len(found.rows) else "",
    }
    whole = judge_share(
        gone,
        judged,
        name="redundant rows",
        at_most=options.tolerated,
        census=True,
        summary=_summary(gone, judged, found),
        **shared,
    )
    thin = _thinned(slices, options.floor)
    if thin is None:
        return whole
    slice_verdict = judge_share(
        thin.gone,
        thin.rows,
        name=f"rows that {thin.label} would lose",
        at_most=1 - options.floor,
        summary=f"removing near-duplicates would take {thin.gone:,} of the {thin.rows:,} rows of {thin.label}",
        **shared,
    )
    named = slice_verdict.outcome is Outcome.FAIL or whole.outcome is not Outcome.FAIL
    return slice_verdict if named else whole


def _names(kinds: Coded) -> list[str]:
    return sorted({name for kind in kinds.values for name, _ in kind[SLICES]})


def _slices(kinds: Coded, names: Sequence[str], found: Redundant) -> list[_Slice]:
    leaving = np.bincount(kinds.codes[found.rows], minlength=len(kinds.values)).tolist()
    counts: dict[tuple[str, str], list[int]] = {}
    for kind, rows, gone in zip(kinds.values, kinds.counts, leaving, strict=True):
        for pair in kind[SLICES] if rows else ():
            count = counts.setdefault(pair, [0, 0])
            count[0] += rows
            count[1] += gone
    by_name = sorted(counts.items())
    return [_Slice(name, value, *count) for wanted in names for (name, value), count in by_name if name == wanted]


def _thinned(slices: Sequence[_Slice], floor: float) -> _Slice | None:
    """The slice that most surely loses more than it may; a few rows of a handful are no loss to speak of."""
    lost = {one: wilson(one.gone, one.rows, LEANING).low for one in slices if one.rows}
    under = [one for one, low in lost.items() if low > 1 - floor]
    return max(under, key=lambda one: (lost[one], one.label), default=None)


def _findings(rows: Corpus, found: Redundant, kept: set[int], names: Sequence[str]) -> Findings:
    remedies = ["keep" if row in kept else "drop" if exact else "review" for row, exact in _each(found)]

    def made(position: int) -> Finding:
        row, partner = int(found.rows[position]), int(found.partners[position])
        alike, exact = float(found.similarity[position]), bool(found.exact[position])
        one, other = rows[row], rows[partner]
        where = f"{other.place}" if other.place else f"row {partner + 1}"
        values = [f"{name}={one.side.slices[name]}" for name in names if name in one.side.slices]
        return Finding(
            message=f"has the same words as {where}" if exact else f"near-duplicate of {where} (J {alike:.2f})",
            place=one.place,
            row=one.id,
            other=other.place,
            other_row=other.id,
            remedy=remedies[position],
            slice=", ".join(values) or None,
        )

    return findings_of(rows, np.stack([found.rows, found.partners], axis=1), made, remedies)


def _each(found: Redundant) -> Iterator[tuple[int, bool]]:
    return zip(found.rows.tolist(), found.exact.tolist(), strict=True)


def _details(found: Redundant, slices: Sequence[_Slice], kept: set[int], options: Options) -> Mapping[str, Any]:
    return {
        "exact": int(found.exact.sum()),
        "near": int((~found.exact).sum()),
        "protected": len(kept),
        "guarded_pairs": found.guarded,
        "pairs_of_mixed_slices": found.mixed,
        "rows_sharing_only_the_question": found.prompt_only,
        "rows_sharing_only_the_answer": found.answer_only,
        "slices": {
            one.label: {
                "rows": one.rows,
                "would_be_removed": one.gone,
                "retention": round(1 - one.gone / one.rows, 4),
                "below_floor": one.rows - one.gone < options.floor * one.rows,
                "protected": one.rows < options.protect,
            }
            for one in slices
        },
    }


def _summary(gone: int, judged: int, found: Redundant) -> str:
    if not judged:
        return "no row has any words"
    if not gone:
        return f"none of {judged:,} rows repeats another"
    exact = int(found.exact.sum())
    return f"{gone:,} of {judged:,} rows repeat another row ({exact:,} word for word)"
