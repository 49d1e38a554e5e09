"""From answers of a judge to a score for each pair: both orders, repeats, and what depends on the order is a tie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.models.judges.asking import Answer
from headgate.models.judges.protocol import Call

VALUE = {"first": 0.0, "tie": 0.5, "second": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one judge said of one pair."""

    item: str
    score: float | None  # how far the second answer is preferred: 1, 0.5 (neither, or it depends on the order), 0
    by_order: tuple[float | None, float | None]  # the same in each order, repeats averaged
    consistent: bool | None  # whether both orders have one winner; None: not both are scored
    outcome: str  # "scored", "unscored" or "error"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """How a judge leans towards the answer shown first."""

    first: int  # times that the answer shown first won
    decided: int  # answers that named a winner
    consistent: int  # pairs with one winner in both orders
    both: int  # pairs scored in both orders

    @property
    def effect(self) -> float:
        """Share won by the answer shown first, less one half."""
        return self.first / self.decided - 0.5 if self.decided else 0.0


def judged(calls: Sequence[Call], answers: Sequence[Answer]) -> list[Judged]:
    """One result for each item, in the order in which items first occur."""
    held: dict[str, list[tuple[Call, Answer]]] = {}
    for call, answer in zip(calls, answers, strict=True):
        held.setdefault(call.item, []).append((call, answer))
    return [_one(item, pairs) for item, pairs in held.items()]


def _one(item: str, pairs: Sequence[tuple[Call, Answer]]) -> Judged:
    means = [
        _mean([VALUE[a.better] for c, a in pairs if c.swapped is s and a.outcome == "scored"]) for s in (False, True)
    ]
    by_order = (means[0], means[1])
    asked = {call.swapped for call, _ in pairs}
    missing = [a for _, a in pairs if a.outcome != "scored"]
    if any(by_order[order] is None for order in asked):
        # One order alone would carry the judge's leaning to a place into the score.
        kind = "error" if any(one.outcome == "error" for one in missing) else "unscored"
        return Judged(item=item, score=None, by_order=by_order, consistent=None, outcome=kind, why=missing[0].why)
    sides = [_side(one) for one in by_order if one is not None]
    same = len(set(sides)) == 1
    return Judged(
        item=item,
        score=sides[0] if same else 0.5,
        by_order=by_order,
        consistent=same if len(sides) == 2 else None,
        outcome="scored",
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _side(value: float) -> float:
    return 0.5 if value == 0.5 else float(value > 0.5)


def positions(calls: Sequence[Call], answers: Sequence[Answer]) -> Positions:
    """How often the answer shown first won, and how many pairs have one winner in both orders."""
    won: Counter[bool] = Counter()
    for call, answer in zip(calls, answers, strict=True):
        if answer.outcome == "scored" and answer.better != "tie":
            won[(answer.better == "first") != call.swapped] += 1
    pairs = [one for one in judged(calls, answers) if one.consistent is not None]
    same = sum(bool(one.consistent) for one in pairs)
    return Positions(first=won[True], decided=won[True] + won[False], consistent=same, both=len(pairs))


def ends(results: Sequence[Judged]) -> Mapping[str, int]:
    """Pairs by outcome."""
    found = Counter(one.outcome for one in results)
    return {name: found[name] for name in ("scored", "unscored", "error")}


def reasons(results: Sequence[Judged]) -> dict[str, int]:
    """Why pairs are not scored, with counts, most frequent first."""
    return dict(Counter(one.why for one in results if one.outcome != "scored").most_common(5))
