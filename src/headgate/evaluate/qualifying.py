"""The qualification of a judge: what it does on pairs whose better answer people have named, line by line.

Thresholds on accuracy, order and tells are on the measured values, as their source gives them; what must beat chance or
the best judge that does not read must do so by its interval. Anything less than a pass on a line that is required is no
licence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.evaluate.anchors import Anchor, Anchors
from headgate.models.judges.asking import Answer
from headgate.models.judges.pairs import VALUE, Judged, ends, judged, positions, reasons
from headgate.models.judges.protocol import Call
from headgate.rules.models import Kin, Kinship
from headgate.stats.alternative import alternative_annotator
from headgate.stats.intervals import Interval, bounded_mean, wilson
from headgate.stats.judging import cannot_tell, judge_count, judge_interval, judge_share
from headgate.stats.kappa import cohen_kappa
from headgate.stats.tells import Logit, lengths, logit
from headgate.stats.verdict import Level, Measure, Verdict
from headgate.stats.votes import Floats, Votes

FAILURE = "annotator-qc"
LABELS = ("first", "second", "tie")
MARKUP = re.compile(r"^\s*(?:[-*•]|\d+[.)]|#{1,6})\s", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a judge must show."""

    anchors: int = 100
    adversarial: int = 50
    accuracy: float = 0.65  # on adversarial anchors
    consistency: float = 0.70  # share of pairs with one winner in both orders
    length: float = 0.5  # |coefficient of length| / coefficient of the truth
    place: float = 0.3  # the same of the place shown
    unscored: float = 0.05  # share of anchors without a score
    epsilon: float = 0.15  # of the alternative-annotator test
    winning: float = 0.5  # share of people whom the judge must beat
    own: float = 0.10  # how much more often it takes its own family's answer than people do
    slice_items: int = 30  # anchors from which on a slice is shown
    days: int = 180  # for which a licence holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """A judge's answers on anchors."""

    anchors: Anchors
    calls: tuple[Call, ...]
    answers: tuple[Answer, ...]

    @property
    def results(self) -> list[Judged]:
        """One result for each anchor that was asked, in the order of the anchors."""
        return judged(self.calls, self.answers)


def right_share(anchor: Anchor, score: float) -> float:
    """How right a score is: 1 where it names the people's answer, 0.5 where it depends on the order."""
    return 1 - abs(score - VALUE[anchor.label])


def qualify(marks: Marks, limits: Limits, model: str, family: str) -> list[Verdict]:
    """The lines that can be measured from answers on anchors alone."""
    scores = {one.item: one.score for one in marks.results if one.score is not None}
    scored = [(one, scores[one.pair.item]) for one in marks.anchors.anchors if one.pair.item in scores]
    verdicts = [_enough(scored, limits), _coverage(marks, limits)]
    if len(scored) < 10:
        text = "nothing can be said of the judge"
        return [
            *verdicts,
            _line(cannot_tell(summary=text, reason=f"{len(scored)} anchors are scored"), "judge-accuracy"),
        ]
    verdicts += [_above_null(scored), *_adversarial(scored, limits), _consistency(marks, limits)]
    verdicts += [*_tells(marks, limits), _agreement(scored, limits), *_slices(scored, limits)]
    verdicts += [*_people(scored, limits), *_own_family(scored, limits, model, family)]
    return verdicts


Scored = Sequence[tuple[Anchor, float]]


def _line(verdict: Verdict, rule: str, level: Level = Level.BLOCK) -> Verdict:
    return replace(verdict, rule=rule, failure=FAILURE, level=level)


def by_value(verdict: Verdict, interval: Interval, n: int) -> Verdict:
    """A verdict on a value, shown with its interval."""
    assert verdict.measure is not None
    return replace(verdict, measure=replace(verdict.measure, low=interval.low, high=interval.high, n=n))


def _enough(scored: Scored, limits: Limits) -> Verdict:
    hard = sum(one.adversarial for one, _ in scored)
    text = f"{len(scored):,} anchors scored, {hard:,} of them adversarial"
    missing = max(limits.anchors - len(scored), 0), max(limits.adversarial - hard, 0)
    if any(missing):
        why = f"agreement on easy pairs tells nothing of tells; needs {missing[0]} more, {missing[1]} more adversarial"
        return _line(cannot_tell(summary=text, reason=why, next_step="have more pairs labelled"), "anchors")
    verdict = judge_count(
        len(scored), name="anchors", summary=text, looked_at=len(scored), unit="pairs", at_least=limits.anchors
    )
    return _line(verdict, "anchors")


def _coverage(marks: Marks, limits: Limits) -> Verdict:
    """What the judge left without a score; a call that nobody answered says nothing of the judge."""
    results = marks.results
    told = ends(results)
    lost, silent = len(results) - told["scored"], told["error"]
    details = {"outcomes": told, "reasons": reasons(results)}
    summary = f"{lost:,} of {len(results):,} anchors have no score"
    if silent and lost > limits.unscored * len(results) >= lost - silent:
        verdict = cannot_tell(
            summary=summary, details=details,
            reason=f"{silent:,} of them were not answered at all, which is neither for the judge nor against it",
            next_step="see to the endpoint and run the same command again; answers so far are kept",
        )  # fmt: skip
        return _line(verdict, "unscored")
    verdict = judge_share(
        lost, len(results), name="anchors without a score", at_most=limits.unscored, census=True, summary=summary,
        details=details,
    )  # fmt: skip
    return _line(verdict, "unscored")


RANDOM = "at random"
NULLS: Mapping[str, Callable[[Anchor], float]] = {
    "longest": lambda one: _sign(len(one.pair.first), len(one.pair.second)),
    "first": lambda _: 0.0,
    "most marked up": lambda one: _sign(len(MARKUP.findall(one.pair.first)), len(MARKUP.findall(one.pair.second))),
    RANDOM: lambda _: 0.5,
}


def _sign(first: int, second: int) -> float:
    return 0.5 if first == second else float(second > first)


def _nulls(scored: Scored) -> dict[str, float]:
    """How often each judge that does not read is right."""
    return {name: float(np.mean([right_share(one, pick(one)) for one, _ in scored])) for name, pick in NULLS.items()}


def _above_null(scored: Scored) -> Verdict:
    right = np.array([right_share(one, score) for one, score in scored])
    nulls = _nulls(scored)
    best = max(nulls, key=lambda name: nulls[name])
    shown = bounded_mean(right)
    verdict = judge_interval(
        _measure("accuracy", Interval(shown.value, shown.low, shown.high), len(right)),
        at_least=nulls[best],
        beyond=True,
        summary=f"right on {shown.value:.1%} ({shown.low:.1%} to {shown.high:.1%}) of {len(right):,} anchors; "
        f"who {'draws' if best == RANDOM else 'takes the'} {best} is right on {nulls[best]:.1%}",
        details={"nulls": {name: round(value, 4) for name, value in nulls.items()}},
        next_step="another model or another prompt",
    )
    return _line(verdict, "judge-accuracy")


def _measure(name: str, interval: Interval, n: int, unit: str = "share") -> Measure:
    low, high = min(interval.low, interval.value), max(interval.high, interval.value)
    return Measure(name=name, value=interval.value, low=low, high=high, unit=unit, n=n, smallest_visible=high - low)


def _adversarial(scored: Scored, limits: Limits) -> list[Verdict]:
    right = np.array([right_share(one, score) for one, score in scored if one.adversarial])
    if len(right) < 2:
        return []
    shown = bounded_mean(right)
    text = f"right on {shown.value:.1%} ({shown.low:.1%} to {shown.high:.1%}) of {len(right):,} adversarial anchors"
    interval = Interval(shown.value, shown.low, shown.high)
    enough = judge_count(
        shown.value, name="adversarial accuracy", summary=text, looked_at=len(right), unit="share",
        at_least=limits.accuracy, next_step="another model, or a rubric with metrics and a reference answer",
    )  # fmt: skip
    chance = judge_interval(
        _measure("adversarial accuracy", interval, len(right)),
        at_least=0.5,
        beyond=True,
        summary=f"{text}; chance is 50 %",
    )
    lines = [_line(by_value(enough, interval, len(right)), "adversarial-accuracy")]
    return [*lines, _line(chance, "adversarial-above-chance")]


def _consistency(marks: Marks, limits: Limits) -> Verdict:
    leaning = positions(marks.calls, marks.answers)
    text = f"one winner in both orders for {leaning.consistent:,} of {leaning.both:,} pairs"
    text += f"; the first place wins {leaning.effect:+.1%} too often" if leaning.decided else ""
    if not leaning.both:
        why = "no pair was asked in both orders"
        return _line(cannot_tell(summary="whether the order decides is not known", reason=why), "order-consistency")
    interval = wilson(leaning.consistent, leaning.both)
    verdict = judge_count(
        interval.value,
        name="order consistency",
        summary=text,
        looked_at=leaning.both,
        unit="share",
        at_least=limits.consistency,
        details={"position_effect": leaning.effect},
    )
    return _line(by_value(verdict, interval, leaning.both), "order-consistency")


def _tells(marks: Marks, limits: Limits) -> list[Verdict]:
    anchors = {one.pair.item: one for one in marks.anchors.anchors}
    told = [
        (anchors[call.item], call, answer)
        for call, answer in zip(marks.calls, marks.answers, strict=True)
        if answer.outcome == "scored" and answer.better != "tie" and anchors[call.item].label != "tie"
    ]
    if len(told) < 20:
        return [_line(cannot_tell(summary="tells cannot be seen", reason=f"{len(told)} choices"), "length-tell")]
    every = list(anchors.values())
    longer = dict(zip(anchors, lengths([a.pair.first for a in every], [a.pair.second for a in every]), strict=True))
    model = logit(
        [answer.better == "first" for _, _, answer in told],
        {
            "gold": [1.0 if one.label == "first" else -1.0 for one, _, _ in told],
            "length": [longer[one.pair.item] for one, _, _ in told],
            "place": [-1.0 if call.swapped else 1.0 for _, call, _ in told],
        },
        clusters=[one.pair.item for one, _, _ in told],
    )
    shown = {name: [round(v, 4) for v in _ends(model.interval(name))] for name in model.names}
    return [_tell(model, name, limit, shown) for name, limit in (("length", limits.length), ("place", limits.place))]


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _tell(model: Logit, name: str, limit: float, shown: Mapping[str, Any]) -> Verdict:
    index = model.index(name, "gold")
    if not np.isfinite(index.value):
        index = Interval(9.99, 9.99, 9.99)
        text = f"the judge does not follow the truth at all, so that {name} decides"
    else:
        text = f"{name} counts {index.value:.2f} times as much as the truth ({index.low:.2f} to {index.high:.2f})"
    verdict = judge_count(
        min(index.value, 9.99), name=f"tell index of {name}", summary=text, looked_at=model.n, unit="ratio",
        at_most=limit, details={"coefficients": dict(shown)}, next_step="another model or another prompt",
    )  # fmt: skip
    return _line(by_value(verdict, index, model.clusters), f"{name}-tell")


def _codes(values: Sequence[str]) -> Any:
    return np.array([LABELS.index(value) for value in values], dtype=np.int64)


def _said(score: float) -> str:
    return "tie" if score == 0.5 else ("second" if score > 0.5 else "first")


def _agreement(scored: Scored, limits: Limits) -> Verdict:
    """Agreement with people, between who says the commonest label and what people reach with each other."""
    gold, said = _codes([one.label for one, _ in scored]), _codes([_said(score) for _, score in scored])
    shown = cohen_kappa(gold, said, labels=len(LABELS))
    null, ceiling = max(shown.null, *_nulls(scored).values()), _ceiling(scored, limits)
    told = f"; who does not read agrees on up to {null:.1%}"
    if ceiling:
        people, kappa = ceiling["raw"], ceiling["kappa"]
        told += (
            f", people with each other on {people:.1%} (kappa {kappa:.2f}, of which it has {ceiling['reached']:.0%})"
        )
    verdict = judge_interval(
        _measure("Cohen's kappa", shown.kappa, shown.n, "kappa"), at_least=0.0, beyond=True,
        summary=f"agrees with people on {shown.raw.value:.1%} ({shown.raw.low:.1%} to {shown.raw.high:.1%}); kappa "
        f"{shown.kappa.value:.2f} ({shown.kappa.low:.2f} to {shown.kappa.high:.2f}){told}",
        details={
            "raw": [round(v, 4) for v in _ends(shown.raw)], "prevalence": round(shown.prevalence, 4),
            "null": round(null, 4), "ceiling": ceiling,
        },
    )  # fmt: skip
    return _line(verdict, "agreement")


def _ceiling(scored: Scored, limits: Limits) -> dict[str, float]:
    """What people reach with each other: means over all pairs of them with enough shared anchors; else nothing.

    `reached` is the judge's mean kappa with these very people as a share of theirs.
    """
    people = sorted({name for one, _ in scored for name in one.humans})
    raw, among, own = [], [], []
    for place, first in enumerate(people):
        mine = [(one, score) for one, score in scored if first in one.humans]
        if len(mine) >= limits.slice_items:
            codes = _codes([one.humans[first] for one, _ in mine])
            own.append(cohen_kappa(codes, _codes([_said(s) for _, s in mine]), labels=len(LABELS)).kappa.value)
        for second in people[place + 1 :]:
            both = [one for one, _ in mine if second in one.humans]
            if len(both) >= limits.slice_items:
                pair = (_codes([one.humans[name] for one in both]) for name in (first, second))
                found = cohen_kappa(*pair, labels=len(LABELS))
                raw.append(found.raw.value)
                among.append(found.kappa.value)
    if not raw:
        return {}
    kappa = float(np.mean(among))
    reached = float(np.mean(own)) / kappa if kappa > 0 else 0.0
    told = {"raw": float(np.mean(raw)), "kappa": kappa, "reached": reached, "pairs": float(len(raw))}
    return {name: round(value, 4) for name, value in told.items()}


def _slices(scored: Scored, limits: Limits) -> list[Verdict]:
    groups: dict[str, list[float]] = {}
    for one, score in scored:
        for name, value in one.slices.items():
            groups.setdefault(f"{name}={value}", []).append(right_share(one, score))
    kept = {name: values for name, values in groups.items() if len(values) >= limits.slice_items}
    out = []
    for name, values in sorted(kept.items()):
        shown = bounded_mean(np.array(values), level=1 - 0.05 / len(kept))
        interval = Interval(shown.value, shown.low, shown.high)
        verdict = judge_interval(
            _measure(f"accuracy on {name}", interval, len(values)), at_least=0.5,
            summary=f"{name}: right on {shown.value:.1%} ({shown.low:.1%} to {shown.high:.1%}) of {len(values):,}",
        )  # fmt: skip
        out.append(_line(verdict, "slice-accuracy", Level.WARN))
    return out


def _people(scored: Scored, limits: Limits) -> list[Verdict]:
    """The alternative-annotator test, where people's own labels are given."""
    people = sorted({name for one, _ in scored for name in one.humans})
    if len(people) < 2:
        return []
    items, annotators, labels = [], [], []
    for number, (one, score) in enumerate(scored):
        for name, label in [*one.humans.items(), ("", _said(score))]:
            items.append(number)
            annotators.append(people.index(name) + 1 if name else 0)
            labels.append(LABELS.index(label))
    votes = Votes.of(items, annotators, labels, (len(scored), len(people) + 1, len(LABELS)))
    found = alternative_annotator(votes, 0, range(1, len(people) + 1), epsilon=limits.epsilon, least=limits.slice_items)
    if found is None:
        why = f"no two people have {limits.slice_items} anchors each"
        return [
            _line(
                cannot_tell(summary="whether it may stand in for people is not known", reason=why),
                "alternative-annotator",
            )
        ]
    verdict = judge_interval(
        _measure(
            "people beaten", Interval(min(max(found.rate, found.low), found.high), found.low, found.high), len(scored)
        ),
        at_least=limits.winning,
        summary=f"beats {found.low:.0%} of {len(found.against)} people by test, with {limits.epsilon:g} in its favour",
        details={"advantage": round(found.advantage, 4), "epsilon": limits.epsilon},
    )
    return [_line(verdict, "alternative-annotator")]


def _own_family(scored: Scored, limits: Limits, model: str, family: str) -> list[Verdict]:
    """Whether it takes an answer of its own family more often than people do."""
    kin = Kin()

    def own(writer: str) -> bool:
        return bool(writer) and (writer.lower() == family or kin.between(model, writer) is not Kinship.NONE)

    excess: list[float] = []
    for one, score in scored:
        mine = [own(writer) for writer in one.writers]
        if all(one.writers) and mine[0] != mine[1]:
            taken, wanted = (score, VALUE[one.label]) if mine[1] else (1 - score, 1 - VALUE[one.label])
            excess.append(taken - wanted)
    if len(excess) < limits.slice_items:
        return []
    values: Floats = np.array(excess)
    shown = bounded_mean(values, least=-1.0)
    verdict = judge_interval(
        _measure("excess for its own family", Interval(shown.value, shown.low, shown.high), len(values)),
        at_most=limits.own,
        summary=f"takes an answer of its own family {shown.value * 100:+.1f} points more often than people do "
        f"({shown.low * 100:+.1f} to {shown.high * 100:+.1f}, {len(values):,} pairs)",
    )
    return [_line(verdict, "self-preference")]
