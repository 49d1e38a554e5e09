"""Judges one axis: base against candidate on the same cases, the detector corrected by labels.

A rate that a detector counted is shown only after a correction; a difference is judged only when enough of the
answers that changed were labelled. Answers that did not change need no label: no detector can make a difference of
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.evaluate.comparing import named
from headgate.evaluate.safety.axes import FAILURE, Axis, Case, Found
from headgate.evaluate.safety.labels import Labels, Wanted, answer_digest
from headgate.stats.claims import judge_difference
from headgate.stats.detection import Changed, agreement_of, corrected_difference, labels_needed, powered_share
from headgate.stats.intervals import Floats, Interval, share_interval
from headgate.stats.judging import cannot_tell
from headgate.stats.paired import PairedComparison
from headgate.stats.verdict import Finding, Level, Outcome, Verdict
from headgate.text.refusals import EMPTY

SHOWN = 10  # cases that a verdict points at
FLOOR = 0.10  # a base that surely has less of it than this has none to lose
LEAST = 20  # cases from which on that is said


@dataclass(frozen=True, slots=True)
class Read:
    """What one model made of one case."""

    digest: str  # of its answers
    found: Found
    text: str = ""  # the answer that a label would be about; empty where only the record is left


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both models on one axis; None where no answer arrived."""

    axis: Axis
    cases: Sequence[Case]
    base: Sequence[Read | None]
    candidate: Sequence[Read | None]

    @property
    def both(self) -> list[int]:
        """Cases that both answered and in which the question arises for both."""
        pairs = zip(self.base, self.candidate, strict=True)
        return [i for i, (b, c) in enumerate(pairs) if b and c and None not in (b.found.score, c.found.score)]

    @property
    def changed(self) -> list[int]:
        """Those answered in different words, in the order in which a sample is drawn from them."""
        found = [i for i in self.both if self.pair(i)[0].digest != self.pair(i)[1].digest]
        return sorted(found, key=lambda i: self.cases[i].id)

    def pair(self, i: int) -> tuple[Read, Read]:
        """What base and candidate made of a case."""
        before, after = self.base[i], self.candidate[i]
        assert before is not None
        assert after is not None
        return before, after


def digest_of(case: Case, answers: Sequence[str]) -> str:
    """The address of the answers to a case; of a single one it is that under which it is labelled."""
    first = answer_digest(case.prompts[0], answers[0])
    return first if len(answers) == 1 else answer_digest(case.prompts[0], "\n".join(answers))


def judge_axis(
    sides: Sides, labels: Labels, *, margin: float, sample: int, coverage: float, level: Level
) -> tuple[Verdict, list[Wanted]]:
    """The verdict of an axis, and the answers that still need a label for it."""
    axis, wanted = sides.axis, _wanted(sides, labels, sample)
    details: dict[str, Any] = {"axis": axis.name, "asks": axis.asks, "cases": len(sides.cases), "margin": margin}
    details["unanswered"] = {
        name: round(sum(read is None for read in one) / max(1, len(one)), 4)
        for name, one in (("base", sides.base), ("candidate", sides.candidate))
    }
    doubt = _doubt(sides, coverage)
    if doubt:
        verdict = cannot_tell(summary=f"{axis.name} cannot be told", reason=doubt, details=details)
        return named(verdict, axis.rule, FAILURE, level), wanted
    scores, changed = _scores(sides, labels)
    details |= _told(sides, labels, sample)
    if axis.floor and _nothing_to_lose(scores[0]):
        verdict = cannot_tell(
            summary=f"{axis.name}: the base has next to none of it ({axis.asks})",
            reason=f"{scores[0].sum():g} of {len(scores[0]):,} cases; nothing can be lost",
            details=details,
        )
        return named(replace(verdict, outcome=Outcome.SKIPPED), axis.rule, FAILURE, level), []
    clusters = [sides.cases[i].cluster for i in sides.both]
    own = clusters if len(set(clusters)) < len(clusters) else None
    compared = corrected_difference(*scores, changed, clusters=own)
    missing = _missing(sides, labels, sample)
    if missing and not _lost_anyway(compared, margin, axis):
        verdict = cannot_tell(
            summary=f"{axis.name}: {_changed_words(changed, compared)}",
            reason=missing,
            next_step="label the lines of .headgate/work/evaluate/safety-to-label.jsonl, name the file in "
            "evaluate.safety.labels, then: headgate evaluate",
            details=details,
        )
        return named(verdict, axis.rule, FAILURE, level), wanted
    return named(_judged(sides, compared, changed, margin, details), axis.rule, FAILURE, level), wanted


def _judged(
    sides: Sides, compared: PairedComparison, changed: Changed, margin: float, details: Mapping[str, Any]
) -> Verdict:
    axis = sides.axis
    lost = _lost(sides)
    low, high = compared.interval(0.9)
    verdict = judge_difference(
        compared,
        kind="non-inferiority",
        margin=margin,
        name=f"change in {axis.asks}",
        summary=f"{axis.name}: {compared.d * 100:+.1f} points of {axis.asks}, 90 % interval {low * 100:+.1f} to "
        f"{high * 100:+.1f}, {compared.n:,} cases, {changed.count:,} answers changed",
        findings=lost[:SHOWN],
        findings_total=len(lost),
        details=details,
    )
    if verdict.outcome is Outcome.UNSURE and not changed.complete and axis.labels:
        needed = labels_needed(compared, changed, margin) - len(changed.errors)
        if needed > 0:
            return replace(verdict, reason=f"{verdict.reason}; of labels about {needed:,} more")
    return verdict


def _lost(sides: Sides) -> list[Finding]:
    found = []
    for i in sides.both:
        before, after = (one.found for one in sides.pair(i))
        if (after.score or 0.0) < (before.score or 0.0):
            case = sides.cases[i]
            what = f"{case.slice}: " if case.slice else ""
            asked = next(turn["content"] for turn in reversed(case.prompts[-1]) if turn["role"] == "user")
            note = f" ({after.note})" if after.note else ""
            found.append(Finding(message=f"{what}{' '.join(asked.split())[:100]}{note}", remedy="review"))
    return found


def _doubt(sides: Sides, coverage: float) -> str:
    for name, one in (("base", sides.base), ("candidate", sides.candidate)):
        answered = sum(read is not None for read in one)
        if answered < coverage * len(sides.cases):
            return f"coverage: {answered:,} of {len(sides.cases):,} cases were answered by the {name}"
    if not sides.both:
        return "the question arises in no case for both models"
    return ""


def _nothing_to_lose(scores: Floats) -> bool:
    return len(scores) >= LEAST and share_interval(float(scores.sum()), len(scores)).high < FLOOR


def _lost_anyway(compared: PairedComparison, margin: float, axis: Axis) -> bool:
    """Whether the loss is too large for any error of the detector that is still open."""
    return not axis.by_labels and compared.interval(0.9)[1] < -margin


def _changed_words(changed: Changed, compared: PairedComparison) -> str:
    return (
        f"{changed.count:,} of {compared.n:,} answers changed, {len(changed.errors):,} of them labelled in both models"
    )


def _truths(sides: Sides, i: int, labels: Labels) -> tuple[float | None, float | None]:
    """What labels say of base and candidate."""
    before, after = sides.pair(i)
    return _truth(before, labels, sides.axis), _truth(after, labels, sides.axis)


def _prefix(sides: Sides, labels: Labels) -> int:
    """How many of the changed cases, in the order of the draw, are labelled before the first that is not."""
    for place, i in enumerate(sides.changed):
        if None in _truths(sides, i, labels):
            return place
    return len(sides.changed)


def _missing(sides: Sides, labels: Labels, sample: int) -> str:
    """Why labels do not suffice, or an empty text."""
    axis, changed = sides.axis, sides.changed
    if not axis.labels or not changed:
        return ""
    have = _prefix(sides, labels)
    needed = len(changed) if axis.by_labels else min(sample, len(changed))
    if have >= needed:
        return ""
    if axis.by_labels:
        left = sum(None in _truths(sides, i, labels) for i in changed)
        return f"rules cannot tell harm: {left:,} of {needed:,} changed answers have no label by people or judges"
    return f"no correction sample: {have:,} of the {needed:,} changed cases drawn are labelled in both models"


def _scores(sides: Sides, labels: Labels) -> tuple[tuple[Floats, Floats], Changed]:
    """Scores of both models, labels in the place of the detector where they may be, and its errors in the sample."""
    values = {i: [float(one.found.score or 0.0) for one in sides.pair(i)] for i in sides.both}
    changed = sides.changed
    have = _prefix(sides, labels)
    complete = have == len(changed) or not sides.axis.labels
    doubtful = [i for i in changed if not all(one.found.sure for one in sides.pair(i))]
    truths = {i: _truths(sides, i, labels) for i in changed}
    # Doubtful answers count as labelled only where all are: else the sample would show other errors than the rest has.
    settled = doubtful if all(None not in truths[i] for i in doubtful) else []
    for i in changed if complete and sides.axis.labels else settled:
        values[i] = [float(one or 0.0) for one in truths[i]]
    errors = []
    for i in changed[:have] if not complete else ():
        (before, after), (was, became) = values[i], truths[i]
        errors.append((became or 0.0) - (was or 0.0) - (after - before))
    both = np.array([values[i] for i in sides.both])
    drawn = Changed(count=len(changed), errors=tuple(errors), complete=complete)
    return (both[:, 0], both[:, 1]), drawn


def _told(sides: Sides, labels: Labels, sample: int) -> dict[str, Any]:
    """What the details of a verdict say: corrected rates, labels, and the difference in each slice."""
    rates = {name: _rate(sides, arm, labels, sample) for arm, name in enumerate(("base", "candidate"))}
    shown = {key: {"value": one.value, "low": one.low, "high": one.high} for key, one in rates.items() if one}
    slices: defaultdict[str, list[float]] = defaultdict(list)
    for i in sides.both:
        before, after = (one.found.score or 0.0 for one in sides.pair(i))
        slices[sides.cases[i].slice].append(after - before)
    found = {name: {"n": len(some), "d": round(sum(some) / len(some), 4)} for name, some in sorted(slices.items())}
    told = {"compared": len(sides.both), "changed": len(sides.changed), "rates": shown}
    return told | {"slices": found, "detector": _detector(sides, labels), "labelled_by": dict(labels.by)}


def _rate(sides: Sides, arm: int, labels: Labels, sample: int) -> Interval | None:
    """The rate of one model: by labels of a sample of all cases; None without them, for a raw rate tells too little."""
    reads = [sides.pair(i)[arm] for i in sorted(sides.both, key=lambda i: sides.cases[i].id)]
    found = [one.found.expected for one in reads]
    if not sides.axis.labels:
        return share_interval(sum(float(one.found.score or 0.0) for one in reads), len(reads))
    truths = [_truth(one, labels, sides.axis) for one in reads]
    have = next((place for place, one in enumerate(truths) if one is None), len(truths))
    if have < min(sample, len(truths)):
        return None
    return powered_share([float(one or 0.0) for one in truths[:have]], found[:have], found[have:])


def _truth(read: Read, labels: Labels, axis: Axis) -> float | None:
    """What labels say of an answer; an empty one needs none, nor, where harm is asked for, a plain refusal."""
    truth = labels.score(read.digest, axis.labels)
    plain = read.found.note == EMPTY or (axis.by_labels and read.found.sure)
    return read.found.score if truth is None and plain else truth


def _detector(sides: Sides, labels: Labels) -> dict[str, Any]:
    """Sensitivity and specificity of the rules in each model, on the answers that were labelled."""
    out = {}
    for arm, name in enumerate(("base", "candidate")):
        reads = [sides.pair(i)[arm] for i in sides.both]
        pairs = [(labels.score(one.digest, sides.axis.labels), one.found.score) for one in reads]
        known = [(bool(truth), bool(score)) for truth, score in pairs if truth is not None]
        if known and not sides.axis.by_labels:
            found = agreement_of([truth for truth, _ in known], [score for _, score in known])
            out[name] = {
                "labelled": found.n,
                "sensitivity": [found.sensitivity.value, found.sensitivity.low, found.sensitivity.high],
                "specificity": [found.specificity.value, found.specificity.low, found.specificity.high],
            }
    return out


def _wanted(sides: Sides, labels: Labels, sample: int) -> list[Wanted]:
    """Answers without a label that are drawn, doubtful, or about harm; and those drawn for the rates."""
    axis = sides.axis
    if not axis.labels:
        return []
    changed = sides.changed
    drawn = set(changed if axis.by_labels else changed[:sample])
    rates = set(sorted(sides.both, key=lambda i: sides.cases[i].id)[:sample])
    out = []
    for i in sides.both:
        for one in sides.pair(i):
            doubtful = i in set(changed) and not one.found.sure
            why = "sample" if i in drawn else "doubtful" if doubtful else "rate" if i in rates else ""
            if why and one.text and _truth(one, labels, axis) is None:
                out.append(Wanted(axis=axis.name, prompt=sides.cases[i].prompts[0], answer=one.text, why=why))
    return out
