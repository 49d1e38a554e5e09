"""Labels on which people do not agree, overall or on one slice.

## What it checks
A file of labels (item, annotator, label): how far annotators agree beyond chance, over all items and within
each slice that items carry (`slice.NAME` columns). A slice can fail where the whole passes.

## Why it matters
Labels that two people would not give alike teach the model a coin, and no judge can be better than the
labels it is measured by. An average hides the one intent, language or source on which nobody agrees.

## How it is measured
Krippendorff's alpha (1 - observed / expected disagreement; any number of annotators, missing labels), with a
95 % bootstrap interval over items, against `floor`. Slices of `least` items or more are looked at together
(Bonferroni). The details give, for the whole and for each slice, alpha, raw agreement, the share of the
most frequent label, and agreement adjusted for an even chance. `scale` is `nominal`, or `ordinal` where
labels sort in order, or `interval` where they are numbers.

## When it cannot tell
With `skewed` of all labels the same, alpha falls however well people agree: unsure, with the raw agreement.
Under `least` items with two labels, unsure. Agreement is not accuracy: annotators who share an error agree.

## What to do
Look at the items on which labels differ most (they are listed), and mend the guideline or merge labels.
Alpha from 0.80 is usable, from 0.67 tentative.

## References
Krippendorff 2004, "Reliability in content analysis". Feinstein and Cicchetti 1990 on agreement of skewed labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headgate.rows.labels import Labels
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.agreement import Agreement, agreement
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.verdict import Finding, Measure, Verdict
from headgate.stats.votes import Votes

SHOWN = 200  # slices in the details, lowest alpha first
WHOLE = "all items"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of low-agreement."""

    floor: float = 0.67  # alpha, up to 1, that is wanted
    least: int = 30  # items with two labels from which on a slice, or the whole, is looked at
    scale: Literal["nominal", "ordinal", "interval"] = "nominal"  # of the labels
    skewed: float = 0.95  # share of one label, 0..1, from which on alpha says little


@rule("JDG001", failure="annotator-qc", needs=("labels",), options=Options, status="stable", since="0.2")
def low_agreement(given: Given, options: Options) -> Verdict:
    """Holds the agreement of annotators, overall and by slice, against a floor."""
    labels: Labels = given.get("labels")
    votes = labels.votes.first()
    doubled = int((np.bincount(votes.items, minlength=votes.n_items) >= 2).sum())
    if doubled < max(options.least, 2):
        return cannot_tell(
            summary="agreement cannot be seen",
            reason=f"{doubled:,} items have two labels or more; needs {max(options.least, 2) - doubled:,} more",
        )
    parts = _parts(labels, votes, options)
    whole, slices = parts[WHOLE], {name: one for name, one in parts.items() if name != WHOLE}
    low = {name: one for name, one in slices.items() if one.high < options.floor}
    name, worst = min(low.items(), key=lambda each: each[1].alpha) if low else (WHOLE, whole)
    details = {
        "agreement": _table(parts),
        "abstained": labels.abstained,
        "labels_given_twice": len(labels.votes) - len(votes),
    }
    if worst.prevalence >= options.skewed and worst.low < options.floor:
        return cannot_tell(
            summary=f"alpha of {name} is {worst.alpha:.2f}, and nearly all labels are the same",
            reason=f"{worst.prevalence:.1%} of labels are one label, so that alpha says little; "
            f"raw agreement is {worst.observed:.1%}",
            details=details,
        )
    return judge_interval(
        Measure(
            name=f"Krippendorff's alpha of {name}",
            value=worst.alpha,
            low=worst.low,
            high=worst.high,
            unit="alpha",
            n=worst.items,
            smallest_visible=worst.alpha - worst.low,
        ),
        at_least=options.floor,
        minimum=options.least,
        summary=_summary(name, worst, whole, low, len(slices)),
        findings=_disputed(labels, votes),
        details=details,
    )


def _parts(labels: Labels, votes: Votes, options: Options) -> dict[str, Agreement]:
    numbers = _numbers(labels, options)
    inside: dict[str, Any] = {}
    for name, values in labels.slices.items():
        named = np.array([values.get(item, "") for item in range(votes.n_items)])
        for value in sorted(set(values.values())):
            part = votes.only((named == value)[votes.items])
            if int((np.bincount(part.items, minlength=votes.n_items) >= 2).sum()) >= options.least:
                inside[f"{name}={value}"] = part
    level = 1 - 0.05 / max(len(inside), 1)
    measured = {
        name: agreement(part, scale=options.scale, values=numbers, level=level) for name, part in inside.items()
    }
    return {WHOLE: agreement(votes, scale=options.scale, values=numbers), **measured}


def _numbers(labels: Labels, options: Options) -> list[float] | None:
    if options.scale != "interval":
        return None
    from headgate.kit.errors import Refused

    try:
        return [float(label) for label in labels.labels]
    except ValueError:
        found = ", ".join(labels.labels[:5])
        raise Refused("an interval scale needs labels that are numbers", found=found, wanted="1, 2, 3.5") from None


def _table(parts: dict[str, Agreement]) -> list[dict[str, Any]]:
    ordered = sorted(parts.items(), key=lambda each: (each[0] != WHOLE, each[1].alpha))
    return [
        {
            "of": name,
            "items": one.items,
            "labels": one.labels,
            **{
                key: round(getattr(one, key), 4)
                for key in ("alpha", "low", "high", "observed", "prevalence", "adjusted")
            },
        }
        for name, one in ordered[:SHOWN]
    ]


def _summary(name: str, worst: Agreement, whole: Agreement, low: dict[str, Agreement], slices: int) -> str:
    if low:
        return f"annotators do not agree on {len(low)} of {slices} slices: alpha of {name} is {worst.alpha:.2f}"
    over = f" over {slices} slices" if slices else ""
    return f"alpha is {whole.alpha:.2f} on {whole.items:,} items that two or more labelled{over}"


def _disputed(labels: Labels, votes: Votes) -> tuple[Finding, ...]:
    """Items on which labels differ, most divided first."""
    counts = votes.per_item()
    total = counts.sum(axis=1)
    share = np.divide(counts.max(axis=1), total, out=np.ones_like(total), where=total > 1)
    order = np.lexsort((-total, share))
    out = []
    for item in order[: int((share < 1).sum())][:1000]:
        said = sorted(
            ((int(count), label) for count, label in zip(counts[item], labels.labels, strict=True) if count),
            reverse=True,
        )
        told = ", ".join(f"{label} ({count})" for count, label in said[:4])
        out.append(
            Finding(
                message=f"{labels.items[item]}: {told}",
                place=labels.item_place(int(item)),
                row=f"item:{labels.items[item]}",
                remedy="review",
            )
        )
    return tuple(out)
