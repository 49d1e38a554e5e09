"""Panels of judges: what their votes are worth together, and which vote of them may be believed.

Judges that share a surface bias agree and are wrong; without anchors nothing tells that from being right. So a panel
votes with weights from anchors, its votes are counted at what they are worth, and an unanchored consensus of judges
that err together is refused unless one of them is qualified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.evaluate.cards import Card, answers_of
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.stats.consensus import accuracy_left_out, anchored_vote, dawid_skene, majority
from headgate.stats.independence import effective_votes, pairs, panel
from headgate.stats.intervals import Interval, wilson
from headgate.stats.judging import cannot_tell, judge_count, judge_interval
from headgate.stats.verdict import Level, Measure, Verdict
from headgate.stats.votes import Integers, Votes

FAILURE = "annotator-qc"
TOLERATED = 0.3  # mean correlation of errors of two judges above which an unanchored consensus is not believed
ANCHORS = 20  # anchors from which weights are taken; below FLOOR there are none
FLOOR = 10
FAMILIES = 3
LEAST = 30  # anchors that two judges must share
SIDES = ("first", "second")
SHOWN = 10  # pairs that err together, in what is printed
PRIOR = 2.0  # votes of average quality that a judge starts from

Columns = Mapping[str, Mapping[str, str]]  # judge (and order) -> item -> "first", "second" or "tie"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelFound:
    """What a panel is worth on its anchors."""

    judges: tuple[str, ...]
    anchors: int
    correlation: float  # mean over pairs of judges
    pooled: Interval | None
    effective: Interval
    best: tuple[str, float]  # the best single judge
    majority: Interval
    unanchored: Interval  # Dawid-Skene without anchors
    anchored: Interval  # anchored vote, each anchor left out in turn
    related: tuple[tuple[str, str, float], ...]  # pairs that err together, with their correlation

    @property
    def safe(self) -> bool:
        """Whether a consensus without anchors may be believed: no two judges err together beyond what is tolerated."""
        return self.correlation <= TOLERATED and not self.related

    def as_json(self) -> dict[str, Any]:
        """For printing."""

        def shown(one: Interval) -> list[float]:
            return [round(one.value, 4), round(one.low, 4), round(one.high, 4)]

        return {
            "judges": list(self.judges),
            "anchors": self.anchors,
            "mean_correlation": round(self.correlation, 4),
            "effective_votes": shown(self.effective),
            "best_judge": [self.best[0], round(self.best[1], 4)],
            "majority": shown(self.majority),
            "dawid_skene": shown(self.unanchored),
            "anchored_vote": shown(self.anchored),
            "unanchored": "safe" if self.safe else "unsafe",
            "related": [[a, b, round(phi, 3)] for a, b, phi in sorted(self.related, key=lambda x: -x[2])[:SHOWN]],
        }


def votes_of(columns: Columns, gold: Mapping[str, str]) -> tuple[Votes, Integers, list[str]]:
    """Votes, people's labels (-1: a tie) and names of the columns; a tie of a judge is no vote."""
    items = list(gold)
    place = {item: number for number, item in enumerate(items)}
    names = list(columns)
    triples = [
        (place[item], number, SIDES.index(said))
        for number, name in enumerate(names)
        for item, said in columns[name].items()
        if item in place and said in SIDES
    ]
    table = np.array(triples, dtype=np.int64).reshape(-1, 3)
    labels = np.array([SIDES.index(gold[item]) if gold[item] in SIDES else -1 for item in items], dtype=np.int64)
    return Votes.of(table[:, 0], table[:, 1], table[:, 2], (len(items), len(names), 2)), labels, names


def panel_of(columns: Columns, gold: Mapping[str, str]) -> PanelFound:
    """What a panel is worth.

    Raises:
        Refused: fewer than two judges, or too few anchors that they share.
    """
    votes, labels, names = votes_of(columns, gold)
    known = int((labels >= 0).sum())
    if len(names) < 2 or known < FLOOR:
        raise Refused(
            "a panel is two judges or more on shared anchors", found=f"{len(names)} judges, {known} anchors",
            wanted=f"2 judges and {FLOOR} anchors",
        )  # fmt: skip
    couples = pairs(votes, labels, least=min(LEAST, known))
    whole = panel(votes, labels)
    right = {name: _right(votes, labels, number) for number, name in enumerate(names)}
    best = max(right, key=lambda name: right[name])
    hits, tried = accuracy_left_out(votes, labels)
    voters = len(votes) / max(len(np.unique(votes.items)), 1)
    return PanelFound(
        judges=tuple(names),
        anchors=known,
        correlation=float(np.mean([one.phi for one in couples])) if couples else 0.0,
        pooled=whole.rho if whole else None,
        effective=whole.effective if whole else Interval(voters, effective_votes(voters, 1.0), voters),
        best=(best, right[best]),
        majority=_share(majority(votes).labels, labels),
        unanchored=_share(dawid_skene(votes).labels, labels),
        anchored=wilson(hits, tried),
        related=tuple((names[one.first], names[one.second], one.phi) for one in couples if one.low > TOLERATED),
    )


def _right(votes: Votes, gold: Integers, judge: int) -> float:
    mine = (votes.annotators == judge) & (gold[votes.items] >= 0)
    return float((votes.labels[mine] == gold[votes.items[mine]]).mean()) if mine.any() else 0.0


def _share(found: Integers, gold: Integers) -> Interval:
    known = (gold >= 0) & (found >= 0)
    return wilson(int((found[known] == gold[known]).sum()), int(known.sum()))


def anchored_accuracy(columns: Columns, gold: Mapping[str, str], *, anchors: int, draws: int = 100) -> list[float]:
    """Share right of items that are no anchors by the anchored vote, for each draw of anchors."""
    votes, labels, _ = votes_of(columns, gold)
    shares = []
    for seed in range(draws):
        drawn = np.random.default_rng(seed).choice(np.flatnonzero(labels >= 0), anchors, replace=False)
        known = np.full(len(labels), -1, dtype=np.int64)
        known[drawn] = labels[drawn]
        rest = (known < 0) & (labels >= 0)
        shares.append(float((anchored_vote(votes, known).labels == labels)[rest].mean()))
    return shares


def columns_of(ledger: Ledger, cards: Sequence[Card]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """What the judges of some cards said of the anchors that all of them share, and the people's labels."""
    said = {card.judge: answers_of(ledger, card) for card in cards}
    shared = set.intersection(*(set(one) for one in said.values())) if said else set()
    columns = {
        name: {item: _named(one[3]) for item, one in sorted(found.items()) if item in shared and one[3] is not None}
        for name, found in said.items()
    }
    gold = {item: label for found in said.values() for item, (label, *_) in sorted(found.items()) if item in shared}
    return columns, gold


def _named(score: float) -> str:
    return "tie" if score == 0.5 else SIDES[int(score > 0.5)]


def weights_of(columns: Columns, gold: Mapping[str, str]) -> dict[str, float]:
    """Log-odds of each judge being right on anchors, a tie as half; never below zero, all equal without anchors."""
    out = {}
    for name, said in columns.items():
        marks = [_half(said[item], label) for item, label in gold.items() if item in said and label in SIDES]
        if len(marks) < FLOOR:
            return dict.fromkeys(columns, 1.0)
        share = (sum(marks) + PRIOR / 2) / (len(marks) + PRIOR)
        out[name] = max(float(np.log(share / (1 - share))), 0.0)
    return out


def _half(said: str, label: str) -> float:
    return 0.5 if said == "tie" else float(said == label)


def vote(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """The panel's score of one pair: the side with more weight; 0.5 where neither has; None where nobody scored."""
    told = [(weights.get(name, 0.0), score) for name, score in scores.items() if score is not None]
    if not told:
        return None
    total = sum(weight * (2 * score - 1) for weight, score in told)
    return 0.5 if abs(total) < 1e-12 else float(total > 0)


def judge_panel(found: PanelFound, families: Mapping[str, str], qualified: Sequence[str]) -> list[Verdict]:
    """What may be said of a panel, and what may not."""
    known = {families.get(name, "") for name in found.judges} - {""}
    named = ", ".join(sorted(known)) or "none is known"
    kinds = judge_count(
        len(known),
        name="families",
        summary=f"{len(known)} families among {len(found.judges)} judges: {named}",
        looked_at=len(found.judges),
        unit="families",
        at_least=FAMILIES,
        next_step="add a judge of another family",
    )
    made = (
        (kinds, "panel-families", Level.WARN),
        (_shared(found, qualified), "shared-errors", Level.BLOCK),
        (_voted(found), "anchored-vote", Level.BLOCK),
    )
    return [replace(verdict, rule=rule, failure=FAILURE, level=level) for verdict, rule, level in made]


def _shared(found: PanelFound, qualified: Sequence[str]) -> Verdict:
    if not found.safe and not qualified:
        return cannot_tell(
            summary="the judges agree, cause unknown: no consensus of theirs is believed",
            reason=f"{len(found.related)} pairs of them err together (mean correlation {found.correlation:.2f}), "
            "and none of them is qualified",
            next_step="headgate judge qualify; add a judge of another kind",
        )
    votes = found.effective
    told = f"{len(found.judges)} judges are worth {votes.value:.1f} votes ({votes.low:.1f} to {votes.high:.1f})"
    return judge_interval(
        _measure("effective votes", votes, found.anchors, "votes"),
        at_least=1.0 if votes.low >= 1 else votes.low,
        summary=f"{told}; a consensus without anchors is {'safe' if found.safe else 'unsafe'}",
    )


def _voted(found: PanelFound) -> Verdict:
    return judge_interval(
        _measure("anchored vote right", found.anchored, found.anchors, "share"),
        at_least=0.5,
        minimum=ANCHORS,
        summary=f"the anchored vote is right on {found.anchored.value:.1%} of {found.anchors:,} anchors left out in "
        f"turn, majority on {found.majority.value:.1%}, {found.best[0]} alone on {found.best[1]:.1%}",
    )


def _measure(name: str, interval: Interval, n: int, unit: str) -> Measure:
    low, high = min(interval.low, interval.value), max(interval.high, interval.value)
    return Measure(name=name, value=interval.value, low=low, high=high, unit=unit, n=n, smallest_visible=0.0)
