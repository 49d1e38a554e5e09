"""Two files of scores against each other, or one alone: METHODS of one system and of two, on any scores.

A mean is compared item by item; another metric by a bootstrap over items or clusters. Looks at data that grow share
the level where their number was declared; where it was not, a confidence sequence holds at every look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from headgate.evaluate.comparing import FAILURE, Limits
from headgate.evaluate.score_files import Scores
from headgate.kit.errors import Refused
from headgate.stats.claims import Kind, judge_difference, must_be_claim, power_words
from headgate.stats.detection import agreement_of, powered_share, rogan_gladen
from headgate.stats.intervals import Floats, Interval, beta_interval, bounded_mean, mean_interval, wilson
from headgate.stats.judging import cannot_tell, judge_interval
from headgate.stats.multiplicity import level_per_look
from headgate.stats.paired import compare_paired
from headgate.stats.repeats import PairedRepeats, Repeats, compare_repeated, repeated
from headgate.stats.resampling import NullTest, bca, null_test
from headgate.stats.sequences import confidence_sequence
from headgate.stats.verdict import Measure, Verdict

FEW = 30  # items below which an interval by the central limit is too narrow
FEWEST, MOST = 4, 100_000  # items or clusters of which halves are drawn
RULE = "scores-compared"
Metric = Literal["mean", "median", "p90"]
METRICS: Mapping[str, Callable[[Floats], float]] = {
    "mean": lambda values: float(values.mean()),
    "median": lambda values: float(np.median(values)),
    "p90": lambda values: float(np.quantile(values, 0.9)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is claimed of candidate minus base."""

    kind: Kind = "superiority"
    margin: float = 0.0  # in units of the score
    metric: Metric = "mean"
    looks: int = 1  # declared number of looks at data that grow
    any_time: bool = False  # looks whose number nobody declared
    effect: float = 0.05  # difference that repeats and further items are told for

    def __post_init__(self) -> None:
        must_be_claim(self.kind, self.margin if self.metric == "mean" else min(self.margin, 1.0))
        if self.any_time and (self.metric != "mean" or self.looks > 1):
            raise Refused("looks at any time are for means, and need no number", wanted="one of --any-time and --looks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One system."""

    name: str
    n: int
    coverage: float
    metric: Interval
    how: str
    repeats: Repeats | None = None
    corrected: Mapping[str, Any] = field(default_factory=dict)  # where people labelled some of its answers
    halves: NullTest | None = None  # by how much random halves of its items differ

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        value = {"value": self.metric.value, "low": self.metric.low, "high": self.metric.high, "by": self.how}
        out: dict[str, Any] = {"name": self.name, "items": self.n, "coverage": round(self.coverage, 4), "metric": value}
        if self.repeats is not None:
            r = self.repeats
            out["repeats"] = {"answers": r.answers, "between": r.between, "within": r.within, "floor": r.floor}
        out |= {"halves": self.halves.as_json()} if self.halves is not None else {}
        return out | ({"labelled": dict(self.corrected)} if self.corrected else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of it; no verdict where there is one file."""

    sides: tuple[Side, ...]
    verdict: Verdict | None = None
    repeats: PairedRepeats | None = None
    settled: int | None = None  # items after which a confidence sequence had shown the claim


def one_system(scores: Scores, metric: Metric) -> Side:
    """The metric of one system with an interval that fits its scores, and what repeats and labels say of it.

    Wilson's interval of independent binary items, a Beta posterior below thirty of them; a t interval over clusters of
    all other means, a bootstrap of what is no mean.
    """
    items = sorted(scores.answers)
    values, groups = scores.means(items), scores.groups(items)
    binary = groups is None and bool(np.isin(values, (0, 1)).all())
    if metric != "mean":
        shown, how = _bootstrapped([values], groups, metric), "BCa bootstrap"
    elif binary and len(items) < FEW:
        shown, how = beta_interval(float(values.sum()), len(items)), "Beta posterior, even prior"
    elif binary:
        shown, how = wilson(float(values.sum()), len(items)), "Wilson"
    else:
        within = bool(((values >= 0) & (values <= 1)).all())
        found = (bounded_mean if within else mean_interval)(values, clusters=groups)
        shown, how = Interval(found.value, found.low, found.high), f"t over {found.clusters:,} clusters"
        how += f", design effect {found.design_effect:.2f}" if groups is not None else ""
    return Side(
        name=scores.name, n=len(items), coverage=scores.coverage, metric=shown, how=how,
        repeats=repeated([scores.answers[one] for one in items], clusters=groups) if scores.repeated else None,
        corrected=_labelled(scores) if metric == "mean" else {},
    )  # fmt: skip


def halves_of(scores: Scores, metric: Metric, threshold: float) -> NullTest | None:
    """How often two random halves of the items (of the clusters) differ by more than a threshold, which nothing caused.

    None with fewer than four of them, and with so many that halves hardly differ.
    """
    items = sorted(scores.answers)
    values, groups = scores.means(items), scores.groups(items)
    numbers = np.unique(groups, return_inverse=True)[1] if groups is not None else np.arange(len(items))
    count = int(numbers.max()) + 1 if len(items) else 0
    if not FEWEST <= count <= MOST:
        return None
    of = METRICS[metric]

    def distance(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
        chosen = (one, other) if groups is None else (np.isin(numbers, one), np.isin(numbers, other))
        first, second = (of(values[some]) for some in chosen)
        return round(abs(first - second), 12)  # five points are not more than five points

    return null_test(distance, count, threshold)


def _labelled(scores: Scores) -> dict[str, Any]:
    """What labels of a sample say of a detector's findings on this very system."""
    both = [one for one in scores.labels if one in scores.answers]
    if len(both) < 2:
        return {}
    found = {one: float(np.mean(some)) for one, some in scores.answers.items()}
    if not set(found.values()) <= {0.0, 1.0}:
        raise Refused("labels correct findings of yes or no", found="scores between 0 and 1 beside labels")
    truth, said = [scores.labels[one] for one in both], [bool(found[one]) for one in both]
    agreement = agreement_of(truth, said)
    rest = [value for one, value in found.items() if one not in scores.labels]
    powered = powered_share([float(one) for one in truth], [float(one) for one in said], rest)
    out: dict[str, Any] = {
        "labels": len(both),
        "sensitivity": agreement.sensitivity.value,
        "specificity": agreement.specificity.value,
        "by_labels": {"value": powered.value, "low": powered.low, "high": powered.high},
    }
    if agreement.sensitivity.value + agreement.specificity.value > 1 and 0 < sum(truth) < len(truth):
        share = float(np.mean(list(found.values())))
        out["rogan_gladen"] = rogan_gladen(share, agreement.sensitivity.value, agreement.specificity.value)
    return out


def _bootstrapped(values: list[Floats], groups: list[str] | None, metric: Metric, level: float = 0.95) -> Interval:
    """The metric, or the difference of two of them on the same items."""
    of = METRICS[metric]

    def statistic(chosen: NDArray[np.intp]) -> float:
        first, *second = (of(some[chosen]) for some in values)
        return second[0] - first if second else first

    return bca(statistic, len(values[0]), clusters=groups, level=level)


def compare_scores(base: Scores, candidate: Scores, terms: Terms, limits: Limits | None = None) -> Comparison:
    """Candidate minus base on the items that both were scored on.

    Raises:
        Refused: no shared item, or means of scores that leave 0..1.
    """
    sides = tuple(one_system(one, terms.metric) for one in (base, candidate))
    shared = [one for one in candidate.answers if one in base.answers]  # in the order in which they came
    if not shared:
        raise Refused("the files share no item", found=f"{len(base.items):,} and {len(candidate.items):,} items")
    doubt = _doubt(base, candidate, limits or Limits())
    if doubt:
        summary = f"{candidate.name} over {base.name} cannot be told"
        return Comparison(sides=sides, verdict=_named(cannot_tell(summary=summary, reason=doubt)))
    before, after = base.means(shared), candidate.means(shared)
    groups = candidate.groups(shared)
    repeats = None
    if terms.metric == "mean" and base.repeated and candidate.repeated and len(shared) > 1:
        repeats = compare_repeated([base.answers[one] for one in shared], [candidate.answers[one] for one in shared])
    if terms.any_time:
        verdict, settled = _at_any_time(before, after, groups, terms)
        return Comparison(sides=sides, verdict=_named(verdict), repeats=repeats, settled=settled)
    judged = _mean if terms.metric == "mean" else _other_metric
    return Comparison(sides=sides, verdict=_named(judged(before, after, groups, terms)), repeats=repeats)


def _doubt(base: Scores, candidate: Scores, limits: Limits) -> str:
    least = min((base, candidate), key=lambda one: one.coverage)
    if least.coverage < limits.coverage:
        return f"coverage: {least.coverage:.1%} of the items of {least.name} have a score, wanted {limits.coverage:.0%}"
    if abs(base.coverage - candidate.coverage) > limits.gap:
        return f"coverage: {base.coverage:.1%} and {candidate.coverage:.1%}, wanted {limits.gap:.0%} apart at most"
    missing = len(base.items ^ candidate.items) / len(base.items | candidate.items)
    return f"{missing:.1%} of the items are in one file only" if missing > 1 - limits.coverage else ""


def _named(verdict: Verdict) -> Verdict:
    return replace(verdict, rule=RULE, failure=FAILURE)


def _mean(before: Floats, after: Floats, groups: list[str] | None, terms: Terms) -> Verdict:
    compared = compare_paired(before, after, clusters=groups)
    alpha = level_per_look(terms.looks)
    return judge_difference(compared, kind=terms.kind, margin=terms.margin, alpha=alpha, details={"looks": terms.looks})


def _other_metric(before: Floats, after: Floats, groups: list[str] | None, terms: Terms) -> Verdict:
    alpha = level_per_look(terms.looks)
    level = 1 - alpha if terms.kind == "superiority" else 1 - 2 * alpha
    found = _bootstrapped([before, after], groups, terms.metric, level)
    measure = Measure(
        name=f"change of the {terms.metric}", value=found.value, low=found.low, high=found.high, unit="score",
        n=len(set(groups)) if groups else len(before), smallest_visible=(found.high - found.low) / 2, level=level,
    )  # fmt: skip
    summary = f"{terms.metric} {found.value:+.4g}, {level:.0%} interval {found.low:+.4g} to {found.high:+.4g}, BCa"
    return _claimed(measure, summary, terms)


def _claimed(measure: Measure, summary: str, terms: Terms) -> Verdict:
    bound = terms.margin if terms.kind == "superiority" else -terms.margin
    upper = terms.margin if terms.kind == "equivalence" else None
    if terms.kind == "superiority" and measure.low <= bound <= measure.high:
        # An end that lies on the bound shows nothing: a gain is above it.
        return replace(cannot_tell(summary=summary, reason="the interval holds no gain and a gain"), measure=measure)
    return judge_interval(measure, summary=summary, at_least=bound, at_most=upper)


def _at_any_time(before: Floats, after: Floats, groups: list[str] | None, terms: Terms) -> tuple[Verdict, int | None]:
    """By a confidence sequence over items, or over means of clusters, in the order of the candidate's file."""
    values = after - before
    if groups is not None:
        places = {name: number for number, name in enumerate(dict.fromkeys(groups))}
        numbers = np.array([places[one] for one in groups])
        values = np.bincount(numbers, weights=values) / np.bincount(numbers)
    alpha = 0.05 if terms.kind == "superiority" else 0.1
    found = confidence_sequence(values, level=1 - alpha)
    bound = terms.margin if terms.kind == "superiority" else -terms.margin
    measure = Measure(
        name="difference at any time", value=float(values.mean()), low=float(found.low[-1]), high=float(found.high[-1]),
        unit="share", n=len(values), smallest_visible=float(found.high[-1] - found.low[-1]) / 2, level=1 - alpha,
    )  # fmt: skip
    summary = (
        f"{measure.value * 100:+.1f} points, {1 - alpha:.0%} at every look {measure.low * 100:+.1f} to "
        f"{measure.high * 100:+.1f}, {len(values):,} {'clusters' if groups else 'items'}"
    )
    return _claimed(measure, summary, terms), found.first_above(bound)


def lines(found: Comparison, terms: Terms) -> list[str]:
    """For a person."""
    out = [line for side in found.sides for line in _side_lines(side)]
    if found.verdict is not None:
        out.append(f"{found.verdict.outcome.value:<7} {found.verdict.summary}")
        out += [f"        {found.verdict.reason}"] if found.verdict.reason else []
        if power := found.verdict.details.get("power"):
            compared = found.verdict.details["comparison"]
            out.append(f"        {compared['method']}, p {compared['p']:.3g}; {power_words(power)}")
    if found.settled is not None:
        out.append(f"        the claim was shown from item {found.settled:,} on")
    if found.repeats is not None:
        out += _repeat_lines(found.repeats, terms.effect)
    return out


def _side_lines(side: Side) -> list[str]:
    span = f"{side.metric.value:.4g} ({side.metric.low:.4g} to {side.metric.high:.4g})"
    out = [f"{side.name}: {span}, {side.n:,} items, {1 - side.coverage:.1%} unscored, {side.how}"]
    if side.repeats is not None:
        r = side.repeats
        out.append(
            f"        {r.answers:.1f} answers to an item: standard error {r.mean.se:.4f}, "
            f"{r.se_with(2 * r.answers):.4f} with twice as many, never below {r.floor:.4f} on these items"
        )
    if side.halves is not None:
        h = side.halves
        out.append(
            f"        two random halves differ by more than {h.threshold:g} in {h.alarms.value:.0%} of "
            f"{h.splits:,} splits, by more than {h.calibrated:.3g} in 5%, though nothing happened between them"
        )
    if side.corrected:
        c = side.corrected
        rg = f", Rogan-Gladen {c['rogan_gladen']:.4g}" if "rogan_gladen" in c else ""
        out.append(
            f"        by {c['labels']:,} labels {c['by_labels']['value']:.4g} ({c['by_labels']['low']:.4g} to "
            f"{c['by_labels']['high']:.4g}); sensitivity {c['sensitivity']:.2f}, specificity {c['specificity']:.2f}{rg}"
        )
    return out


def _repeat_lines(found: PairedRepeats, effect: float) -> list[str]:
    more = (2 * found.answers[0], 2 * found.answers[1])
    many, fewer = found.items_needed(effect), found.items_needed(effect, answers=more)
    return [
        f"        a difference of {effect * 100:g} points wants {many:,} items with so many answers to each, "
        f"{fewer:,} with twice as many"
    ]
