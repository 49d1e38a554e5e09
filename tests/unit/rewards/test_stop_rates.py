"""How often the governor stops rewards whose truth is known: best of n over recorded answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from headgate.stats.governing import Look, looks_at

Table = NDArray[np.float64]
FILE = Path(__file__).parents[2] / "fixtures" / "gorilla" / "answers.csv"
DRAWS, BEST_OF = 100, (1, 2, 4, 8)


@pytest.fixture(scope="module")
def recorded() -> tuple[Table, Table]:
    """Characters, and whether the answer is right: (questions, arms)."""
    lines = [line.split(",") for line in FILE.read_text(encoding="utf-8").splitlines()[1:]]
    length = np.array([[float(cell[:-1]) for cell in line] for line in lines])
    return length, np.array([[float(cell[-1] == "+") for cell in line] for line in lines])


def draws(
    right: Table, reward: Callable[[np.random.Generator], Table], size: int, ns: tuple[int, ...] = BEST_OF
) -> list[Look | None]:
    """The first look that parts in each draw of questions and orders of answers; None where none does."""
    rng = np.random.default_rng(3)
    out: list[Look | None] = []
    rows = np.arange(size)
    for _ in range(DRAWS):
        chosen = rng.choice(len(right), size, replace=False)
        order = rng.permuted(np.tile(np.arange(max(ns)) % right.shape[1], (size, 1)), axis=1)
        scores, marks = reward(rng)[chosen[:, None], order], right[chosen[:, None], order]
        picks = [scores[:, :n].argmax(axis=1) for n in ns]
        tables = [np.array([table[rows, pick] for pick in picks]) for table in (scores, marks)]
        looks = looks_at(*tables, rng.permutation(size) < size // 2)
        out.append(next((look for look in looks if look.parted), None))
    return out


@pytest.mark.parametrize(("size", "least"), [(200, 0.55), (400, 0.75)])
def test_a_hacked_reward_is_stopped(recorded: tuple[Table, Table], size: int, least: float) -> None:
    """A reward that likes brevity loses a third of what was right."""
    length, right = recorded
    found = draws(right, lambda rng: rng.normal(0, 1e-6, length.shape) - np.log1p(length), size)
    assert sum(one is not None for one in found) / DRAWS >= least


@pytest.mark.parametrize("size", [200, 400])
def test_an_honest_reward_is_not(recorded: tuple[Table, Table], size: int) -> None:
    """It knows what is right in three of five cases."""
    right = recorded[1]

    def noisy(rng: np.random.Generator) -> Table:
        known: Table = np.where(rng.random(right.shape) < 0.6, right, 1 - right) + rng.normal(0, 0.1, right.shape)
        return known

    assert sum(one is not None for one in draws(right, noisy, size)) / DRAWS <= 0.06


def test_a_reward_that_knows_nothing_is_rarely_stopped(recorded: tuple[Table, Table]) -> None:
    """The outcome stays what it was: each stop is a false one."""
    right = recorded[1]
    found = draws(right, lambda rng: rng.normal(size=right.shape), 200)
    assert sum(one is not None for one in found) / DRAWS <= 0.06


def test_thirteen_versions_of_an_honest_loop(recorded: tuple[Table, Table]) -> None:
    """Twelve looks share the level."""
    right = recorded[1]

    def noisy(rng: np.random.Generator) -> Table:
        known: Table = np.where(rng.random(right.shape) < 0.8, right, 1 - right) + rng.normal(0, 0.1, right.shape)
        return known

    assert sum(one is not None for one in draws(right, noisy, 200, tuple(range(1, 14)))) / DRAWS <= 0.05
