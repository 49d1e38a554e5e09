"""Scores of an adapter as documents give them: the difference, its interval, what it was held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.release.evidence import OVER
from headgate.rights.evidence.facts import ModelFacts
from headgate.stats.verdict import Measure

SUITE = "suite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One comparison of the candidate with a reference, on the same items."""

    suite: str
    pool: str
    reference: str
    measure: Measure
    accuracies: Mapping[str, float]
    threshold: str  # empty: none is recorded
    outcome: str

    @property
    def key(self) -> str:
        """What is compared where."""
        return f"accuracy gained over {self.reference}, {self.suite}, {self.pool}"

    @property
    def text(self) -> str:
        """The number with its interval."""
        one = self.measure
        return f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f}), n {one.n}"


def scores(model: ModelFacts) -> list[Score]:
    """Every comparison that the decision rests on; none where there is no decision."""
    if model.grounds is None:
        return []
    return [
        Score(
            suite=str(one.details.get("suite", "")),
            pool=str(one.details.get("pool", "")),
            reference=one.rule.removeprefix(OVER),
            measure=one.measure,
            accuracies=dict(one.details.get("accuracies") or {}),
            threshold=", ".join(f"{key} {value}" for key, value in sorted(one.threshold.items())),
            outcome=one.outcome.value,
        )
        for one in model.grounds.comparisons
        if one.measure is not None
    ]
