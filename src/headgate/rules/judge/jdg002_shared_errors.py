"""Annotators who err together, so that their votes are not worth what they count.

## What it checks
Labels of several annotators on gold items (a `gold` column, an annotator called `gold`, or `--reference
gold.csv`): whether the errors of any two are correlated, and those of the panel as a whole. Pairs that
are kin by name (same model, made from one another, same family) are told as such.

## Why it matters
When labellers learned from the same web their errors are shared and look like agreement: nine judges of
seven families were worth about two votes. Dawid-Skene and majority believe such a clique and rank the one
annotator who is right last; so a consensus of them is no evidence.

## How it is measured
Error correlation phi of each two annotators with `least` gold items in common, intervals that hold together
(Bonferroni), and the pooled correlation rho of all votes that meet on a gold item, at most `tolerated`. The
verdict speaks of the worst. k votes are worth k / (1 + (k - 1) rho). The details give effective votes, each
pair with how often both chose the same wrong label and how often chance would, and which consensus may be
used: plain Dawid-Skene only where this rule passes, otherwise the vote weighted by gold items, with its
accuracy on gold items left out in turn.

## When it cannot tell
Under `anchors` gold items with two votes, unsure. Items that are hard for everybody correlate errors as
well; what is measured is that votes are not independent, whatever the cause.

## What to do
Add an annotator of another kind (another family, a person, a check that can be executed), count effective
votes, label more gold items, and take the anchored vote: `--consensus FILE` writes one label an item by the vote
that may be used.

## References
Kim and others 2025, arXiv 2506.07962. Kish 1965 on design effects. Dawid and Skene 1979. Bishop, Fienberg and
Holland 1975 on the standard error of phi.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.rows.labels import Labels
from headgate.rules.given import Given
from headgate.rules.models import Kin, Kinship
from headgate.rules.shape import rule
from headgate.stats.consensus import accuracy_left_out, majority
from headgate.stats.independence import Pair, Panel, effective_votes, pairs, panel
from headgate.stats.intervals import Interval, wilson
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Finding, Measure, Outcome, Verdict

SHOWN = 100  # pairs in the details, highest lower end first


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of shared-errors."""

    tolerated: float = 0.3  # correlation of errors, 0..1
    anchors: int = 20  # gold items with two votes from which on something can be said
    least: int = 30  # gold items that two annotators must have in common to be looked at as a pair
    kin: tuple[str, ...] = ()  # what names do not tell, such as "our-judge=llama" (made from)


@rule("JDG002", failure="annotator-qc", needs=("labels",), options=Options, status="stable", since="0.2")
def shared_errors(given: Given, options: Options) -> Verdict:
    """Holds the correlation of annotators' errors on gold items against what is tolerated."""
    labels: Labels = given.get("labels")
    whole = panel(labels.votes, labels.gold)
    anchors = whole.items if whole else 0
    if whole is None or anchors < options.anchors:
        return cannot_tell(
            summary="whether annotators err together cannot be seen",
            reason=f"{anchors:,} gold items have two informative votes; needs {options.anchors - anchors:,} more",
            next_step="headgate check LABELS --reference GOLD (item, label)",
        )
    kin = Kin(options.kin)
    couples = sorted(pairs(labels.votes, labels.gold, least=options.least), key=lambda each: -each.low)
    together = [each for each in couples if each.low > options.tolerated]
    name, worst = _worst(labels, whole, couples, options)
    verdict = judge_interval(
        Measure(
            name=f"correlation of errors of {name}",
            value=worst.value,
            low=worst.low,
            high=worst.high,
            unit="phi",
            n=anchors,
            smallest_visible=worst.value - worst.low,
        ),
        at_most=options.tolerated,
        minimum=options.anchors,
        summary=_summary(labels, whole, together),
        findings=[_finding(labels, each, kin) for each in together],
    )
    details = _details(labels, whole, couples, kin, independent=verdict.outcome is Outcome.PASS)
    return replace(verdict, details=details)


def _worst(labels: Labels, whole: Panel, couples: Sequence[Pair], options: Options) -> tuple[str, Interval]:
    """A pair that errs together beyond doubt, else the panel where it does, else a pair that may, else the panel."""
    first = max(couples, key=lambda each: each.low, default=None)
    if first is None or (first.low <= options.tolerated < whole.rho.low):
        return "all annotators", whole.rho
    if first.low <= options.tolerated:
        first = max(couples, key=lambda each: each.phi)
    if first.phi <= options.tolerated:
        return "all annotators", whole.rho
    names = f"{labels.annotators[first.first]} and {labels.annotators[first.second]}"
    return names, Interval(first.phi, first.low, first.high)


def _details(
    labels: Labels, whole: Panel, couples: Sequence[Pair], kin: Kin, *, independent: bool
) -> Mapping[str, Any]:
    right, tried = accuracy_left_out(labels.votes, labels.gold)
    known = labels.gold >= 0
    plain = majority(labels.votes.first()).labels
    most = int((plain[known] == labels.gold[known]).sum())
    voted = int((plain[known] >= 0).sum())
    return {
        "votes_per_gold_item": round(whole.voters, 2),
        "effective_votes": [
            round(value, 2) for value in (whole.effective.value, whole.effective.low, whole.effective.high)
        ],
        "pooled_correlation": [round(value, 4) for value in (whole.rho.value, whole.rho.low, whole.rho.high)],
        "pairs": [_described(labels, each, kin) for each in couples[:SHOWN]],
        "consensus": "dawid-skene or majority"
        if independent
        else "anchored vote; dawid-skene is refused: errors are shared",
        "anchored_vote_right": _share(right, tried),
        "majority_right": _share(most, voted),
    }


def _share(hits: int, of: int) -> list[float]:
    interval = wilson(hits, of)
    return [round(value, 4) for value in (interval.value, interval.low, interval.high)]


def _described(labels: Labels, pair: Pair, kin: Kin) -> dict[str, Any]:
    return {
        "annotators": [labels.annotators[pair.first], labels.annotators[pair.second]],
        "related": _related(labels, pair, kin),
        "items": pair.items,
        "correlation": [round(value, 4) for value in (pair.phi, pair.low, pair.high)],
        "effective_votes": round(effective_votes(2, pair.phi), 2),
        "both_wrong": pair.both_wrong,
        "same_wrong_label": pair.same_wrong,
        "same_by_chance": round(pair.chance_same * pair.both_wrong, 2),
    }


def _related(labels: Labels, pair: Pair, kin: Kin) -> str:
    names = labels.annotators[pair.first], labels.annotators[pair.second]
    if "human" in (labels.kinds.get(name) for name in names):
        return Kinship.NONE.value
    return kin.between(*names).value


def _summary(labels: Labels, whole: Panel, together: Sequence[Pair]) -> str:
    worth = f"{whole.voters:.1f} votes an item are worth {whole.effective.value:.1f}"
    if not together:
        return f"errors correlate by {whole.rho.value:.2f}: {worth}"
    first = together[0]
    names = f"{labels.annotators[first.first]} and {labels.annotators[first.second]}"
    more = f" and {len(together) - 1} more pairs" if len(together) > 1 else ""
    two = f"two votes are worth {effective_votes(2, first.phi):.2f}"
    return f"{names}{more} err together (phi {first.phi:.2f}): {two}; {worth}"


def _finding(labels: Labels, pair: Pair, kin: Kin) -> Finding:
    names = f"{labels.annotators[pair.first]} and {labels.annotators[pair.second]}"
    same = f"{pair.same_wrong} of {pair.both_wrong} shared errors are the same label"
    related = _related(labels, pair, kin)
    told = f" ({related})" if related != Kinship.NONE.value else ""
    phi = f"phi {pair.phi:.2f} ({pair.low:.2f} to {pair.high:.2f})"
    where = np.flatnonzero((labels.votes.annotators == pair.first) & (labels.gold[labels.votes.items] >= 0))
    return Finding(
        message=f"{names}{told} err together on gold items, {phi}; {same}",
        place=labels.place(int(where[0])) if len(where) else None,
        remedy="review",
    )
