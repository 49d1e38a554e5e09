"""What averages hide: a slice that lost, and a decline that no two neighbours show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from headgate.evaluate.comparing import Arm, Limits
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.standing import judge_decline, judge_worst_slice
from headgate.kit.hashing import canonical_json, digest
from headgate.ledger.ledger import Ledger

ITEMS = 600


def items(slices: Sequence[str]) -> tuple[Item, ...]:
    """Items of some slices."""
    return tuple(
        Item(
            id=digest(f"item {n}".encode()), suite="topics", pool="gate", messages=(), question="q", target="t",
            cluster=f"c{n}", slices={"topic": name},
        )
        for n, name in enumerate(slices)
    )  # fmt: skip


def arm(name: str, passed: np.ndarray, of: tuple[Item, ...], model: str = "m") -> Arm:
    """What a model made of them."""
    scored = tuple(Scored(mark=Mark.PASS if one else Mark.FAIL, extracted="x") for one in passed)
    return Arm(name=name, suite="topics", pool="gate", items=of, scored=scored, model=model, transcript="b3:t")


def two(losses: dict[str, float], gain: float = 0.1) -> tuple[Arm, Arm]:
    """A base at 80 %, and a candidate that gains everywhere but in some slices."""
    rng = np.random.default_rng(4)
    names = [("cards", "accounts", "transfers")[n % 3] for n in range(ITEMS)]
    base = rng.random(ITEMS) < 0.8
    change = np.array([losses.get(name, gain) for name in names])
    up, down = (~base) & (rng.random(ITEMS) < change / 0.2), base & (rng.random(ITEMS) < -change / 0.8)
    of = items(names)
    return arm("base", base, of), arm("candidate", (base | up) & ~down, of)


def test_a_slice_that_lost_behind_a_better_average() -> None:
    """The candidate is better on the whole, and the verdict names the slice."""
    base, candidate = two({"transfers": -0.35}, gain=0.2)
    assert candidate.counts["pass"] > base.counts["pass"]
    verdict = judge_worst_slice(base, candidate, Limits(), 0.1)
    assert verdict is not None and verdict.measure is not None
    assert ("fail", "warn", "worst slice, topic=transfers") == (verdict.outcome, verdict.level, verdict.measure.name)
    assert "topic=transfers" == verdict.details["slices"][0]["slice"]
    assert 3 == len(verdict.details["slices"])


def test_no_slice_lost() -> None:
    """All slices show it; with few items they cannot, and the items needed are told."""
    base, candidate = two({})
    verdict = judge_worst_slice(base, candidate, Limits(), 0.1)
    assert verdict is not None and "pass" == verdict.outcome
    few = slice(0, 90)
    small = [
        arm(one.name, np.array([s.mark is Mark.PASS for s in one.scored])[few], one.items[few]) for one in (base, base)
    ]
    doubt = judge_worst_slice(small[0], small[1], Limits(), 0.02)
    assert doubt is not None
    assert ("unsure", True) == (doubt.outcome, "needs about" in doubt.reason)


def test_slices_with_few_items_or_all_of_them_say_nothing() -> None:
    """One slice that is the whole suite is no slice; nine items are none either."""
    of = items(["all"] * 200)
    every = np.ones(200, dtype=bool)
    assert None is judge_worst_slice(arm("base", every, of), arm("candidate", every, of), Limits(), 0.1)
    of = items(["rare"] * 9 + [f"topic {n}" for n in range(191)])
    assert None is judge_worst_slice(arm("base", every, of), arm("candidate", every, of), Limits(), 0.1)


def test_chance_alone_fails_hardly_any_slice() -> None:
    """Ten slices of equal models: in 200 draws few lose ten points by Holm's correction."""
    rng = np.random.default_rng(8)
    of = items([f"topic {n % 10}" for n in range(ITEMS)])
    found = []
    for _ in range(200):
        base = rng.random(ITEMS) < 0.8
        other = np.where(rng.random(ITEMS) < 0.2, rng.random(ITEMS) < 0.8, base)
        found.append(judge_worst_slice(arm("base", base, of), arm("candidate", other, of), Limits(), 0.1))
    assert sum(one is not None and one.outcome == "fail" for one in found) <= 4


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


def record(ledger: Ledger, arms: Sequence[Arm]) -> None:
    """The outcomes of earlier candidates."""
    for one in arms:
        outcomes = {item.id: scored.mark.value for item, scored in zip(one.items, one.scored, strict=True)}
        body = {"model": one.model, "outcomes": ledger.content.put(canonical_json(outcomes))}
        ledger.record("score", "topics/gate/candidate", body)


def falling(step: float) -> list[Arm]:
    """Five candidates, each a little worse than the one before it."""
    rng = np.random.default_rng(2)
    of, hard = items(["all"] * ITEMS), rng.random(ITEMS)
    return [arm("candidate", hard < 0.9 - step * n + rng.normal(0, 0.02, ITEMS), of, f"m{n}") for n in range(5)]


def test_a_slow_decline_is_seen_over_five_candidates(ledger: Ledger) -> None:
    """Two points each: no pair of neighbours shows a loss of five, all five together do."""
    arms = falling(0.03)
    record(ledger, arms[:-1])
    verdict = judge_decline(ledger, arms[-1], 0.05)
    assert verdict is not None and verdict.measure is not None
    assert ("fail", "warn") == (verdict.outcome, verdict.level)
    assert verdict.measure.high < -0.05
    assert 5 == len(verdict.details["accuracies"])
    shift = verdict.details["shift"]
    assert (True, True, True) == (1 <= shift["after"] <= 4, shift["change"] < 0, shift["p"] < 0.01)


def test_candidates_that_hold_their_level_pass(ledger: Ledger) -> None:
    """And one that was evaluated twice is one candidate."""
    arms = falling(0.0)
    record(ledger, [*arms[:-1], arms[0]])
    verdict = judge_decline(ledger, arms[-1], 0.05)
    assert verdict is not None
    assert ("pass", 5) == (verdict.outcome, len(verdict.details["accuracies"]))


def test_two_candidates_are_no_trend(ledger: Ledger) -> None:
    """Nothing is said."""
    arms = falling(0.03)
    assert None is judge_decline(ledger, arms[0], 0.05)
    record(ledger, arms[:1])
    assert None is judge_decline(ledger, arms[1], 0.05)
