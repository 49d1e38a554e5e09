"""A model that labels in place of people, and that people's own labels do not license to.

## What it checks
Labels of the same items by two people or more and by one model or more: the alternative-annotator test, for each
model (`annotator_kind` says which they are; without it, names of known model families are models).

## Why it matters
A judge that agrees with the majority most of the time may still be worse than each single person it
replaces. A licence is measured on one task with one prompt; it ends when either changes.

## How it is measured
Each person is left out in turn; model and person are compared by how often they agree with the other people on the
person's items. A person is beaten when the model wins at least as often less `epsilon`, by a one-sided t test
corrected by Benjamini and Yekutieli; the winning rate is the share of people beaten, and `rate` of them must
be. The interval runs from the share beaten by test to the share that did not beat the model by test. The verdict
speaks of the worst model; the details list all, with the average advantage probability.

## When it cannot tell
Under `least` common items with two people each, unsure. A model that does not pass with few items is not yet a
worse one; the interval says so. People may all be wrong in the same way, and the model with them.

## What to do
Take a model that passes, for `days` at most: `record_licences` of `headgate.rules.licences` writes a dated
`judge-licence` claim into the ledger, which ends then. Test again when task, prompt or model changes.

## References
Calderon, Reichart and Dror 2025, arXiv 2501.10970; epsilon 0.2 for experts, 0.15 for skilled people, 0.1 for a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.rows.labels import Labels
from headgate.rules.given import Given
from headgate.rules.models import family
from headgate.rules.shape import rule
from headgate.stats.alternative import Alternative, alternative_annotator
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Finding, Measure, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of unlicensed-annotator."""

    epsilon: float = 0.15  # share of items, 0..1, by which a model may do worse, being cheaper than people
    rate: float = 0.5  # share of people, 0..1, that it must beat
    least: int = 50  # items that model and person have in common
    days: int = 180  # days for which a licence holds
    models: tuple[str, ...] = ()  # annotators that are models, where neither file nor name says so


@rule("JDG004", failure="annotator-qc", needs=("labels",), options=Options, status="stable", since="0.2")
def unlicensed_annotator(given: Given, options: Options) -> Verdict:
    """Runs the alternative-annotator test for each model."""
    labels: Labels = given.get("labels")
    models = [number for number, name in enumerate(labels.annotators) if _is_model(labels, name, options)]
    people = [number for number in range(len(labels.annotators)) if number not in models]
    if not models:
        return unlicensed_annotator.skipped("not given: labels by a model (annotator_kind = model, or a known name)")
    votes = labels.votes.first()
    tried = {
        number: alternative_annotator(votes, number, people, epsilon=options.epsilon, least=options.least)
        for number in models
    }
    tested = {number: result for number, result in tried.items() if result is not None}
    details = {"licences": {labels.annotators[n]: _described(labels, each, options) for n, each in tested.items()}}
    if not tested:
        return cannot_tell(
            summary="whether a model may stand in for people cannot be seen",
            reason=f"no model has {options.least} items in common with each of two people; "
            f"{len(models)} models, {len(people)} people",
            next_step=f"have {options.least} to 100 items labelled by three people and the model",
        )
    number, worst = min(tested.items(), key=lambda each: (each[1].low, each[1].high, each[1].rate))
    refused = [n for n, each in tested.items() if each.high < options.rate]
    return judge_interval(
        Measure(
            name=f"share of people that {labels.annotators[number]} beats",
            value=min(max(worst.rate, worst.low), worst.high),
            low=worst.low,
            high=worst.high,
            unit="share",
            n=sum(each.items for each in worst.against),
            smallest_visible=1 / len(worst.against),
        ),
        at_least=options.rate,
        summary=_summary(labels, tested, number, worst),
        findings=[Finding(message=_told(labels, n, tested[n]), remedy="review") for n in refused],
        details=details,
    )


def _is_model(labels: Labels, name: str, options: Options) -> bool:
    if name in options.models:
        return True
    kind = labels.kinds.get(name)
    return kind == "model" if kind else bool(family(name))


def _described(labels: Labels, result: Alternative, options: Options) -> Mapping[str, Any]:
    return {
        "licensed": result.low >= options.rate,
        "winning_rate": round(result.low, 4),
        "advantage": round(result.advantage, 4),
        "epsilon": options.epsilon,
        "days": options.days,
        "people": [
            {
                "annotator": labels.annotators[one.human],
                "items": one.items,
                "model_wins": round(one.candidate_wins, 4),
                "person_wins": round(one.human_wins, 4),
                "p": round(one.p, 5),
            }
            for one in result.against
        ],
    }


def _summary(labels: Labels, tested: Mapping[int, Alternative], number: int, worst: Alternative) -> str:
    told = f"{labels.annotators[number]} beats {worst.low:.0%} of {len(worst.against)} people by test"
    over = f", the least of {len(tested)} models" if len(tested) > 1 else ""
    return f"{told} (at least as good as a person on {worst.advantage:.0%} of items){over}"


def _told(labels: Labels, number: int, result: Alternative) -> str:
    beaten = sum(one.p_worse < 0.05 for one in result.against)
    return f"{labels.annotators[number]} is worse than {beaten} of {len(result.against)} people"
