"""Conflicts on full updates: planted ones are found, harmless ones are not, factors do not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_adapters import make_adapter, shapes_of

from headgate.fleet.composition.conflict import conflict, inner_product, judge_conflict
from headgate.fleet.composition.plans import distance, forecast, plans_of, weighted_sum
from headgate.kit.errors import Refused
from headgate.models.lora import Factors, read_factors, updates_of
from headgate.stats.verdict import Outcome

Update = dict[str, Factors]


def some(seed: int, modules: int = 3, rank: int = 3, scale: float = 2.0, start: int = 0) -> Update:
    rng = np.random.default_rng(seed)
    return {
        f"layer.{n}": Factors(rng.normal(size=(rank, 12)).astype("f4"), rng.normal(size=(16, rank)).astype("f4"), scale)
        for n in range(start, start + modules)
    }


def negated(update: Update) -> Update:
    return {name: Factors(one.down, -one.up, one.scale) for name, one in update.items()}


def test_an_adapter_and_its_negation_cancel_whole() -> None:
    """Every sign is opposite, every space is shared, all energy is gone."""
    found = conflict("a", some(1), "not-a", negated(some(1)))
    assert (1.0, 1.0, -1.0) == pytest.approx((found.cancelled, found.opposite, found.cosine))
    assert all(one.outputs == pytest.approx(1) and one.inputs == pytest.approx(1) for one in found.shared)
    assert Outcome.FAIL is judge_conflict(found).outcome


@pytest.mark.parametrize("against", [(1, 5), (2, 2), (3, 3)])
def test_the_share_that_is_planted_is_the_share_that_is_found(against: tuple[int, int]) -> None:
    """Some modules negated, the others equal: the energy of the negated ones is what cancels."""
    opposed, helping = against
    rng = np.random.default_rng(0)
    parts = {
        f"m{n}": Factors(np.linalg.qr(rng.normal(size=(12, 2)))[0].T.astype("f4"), np.eye(16, 2, dtype="f4"), 1.0)
        for n in range(opposed + helping)
    }
    other = dict(parts)
    for n in range(opposed):
        other |= negated({f"m{n}": parts[f"m{n}"]})
    found = conflict("a", parts, "b", other)
    assert (opposed - helping) / (opposed + helping) == pytest.approx(found.cancelled, abs=1e-6)
    wanted = Outcome.FAIL if found.cancelled > 0.1 else Outcome.PASS
    assert wanted is judge_conflict(found).outcome


@pytest.mark.parametrize("other", [some(1, start=3), some(2), some(1)], ids=["disjoint", "independent", "the same"])
def test_what_does_not_cancel_is_not_flagged(other: Update) -> None:
    """Modules of their own, directions of their own, or the very same update."""
    found = conflict("a", some(1, rank=2), "b", other)
    if not found.shared:
        assert (0.0, 0.0) == (found.cancelled, found.opposite)
    assert Outcome.PASS is judge_conflict(found).outcome


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0.2, 5.0))
def test_another_factoring_of_the_same_update_gives_the_same_report(seed: int, extra: int, scale: float) -> None:
    """An invertible matrix between the factors, the scale moved into one of them, a rank filled up with nothing."""
    rng = np.random.default_rng(seed)
    plain = some(seed)
    other = {}
    for name, one in plain.items():
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ np.diag(rng.uniform(0.5, 2, 3))
        down = np.vstack([np.linalg.inv(turn) @ one.down * one.scale / scale, np.zeros((extra, 12))])
        up = np.hstack([one.up @ turn, rng.normal(size=(16, extra))])
        other[name] = Factors(down.astype("f4"), up.astype("f4"), scale)
        np.testing.assert_allclose(other[name].update(), one.update(), rtol=2e-3, atol=2e-3)
    against = some(seed + 1)
    before, after = (conflict("x", one, "y", against).as_json() for one in (plain, other))
    assert {key: value for key, value in before.items() if not isinstance(value, float | list)} == {
        key: value for key, value in after.items() if not isinstance(value, float | list)
    }
    for was, now in zip(before["by_module"], after["by_module"], strict=True):
        assert was == pytest.approx(now, abs=0.02) if "module" not in was else True
        assert [was[key] for key in was if key != "module"] == pytest.approx(
            [now[key] for key in now if key != "module"], abs=0.02
        )


def test_the_factors_themselves_would_have_said_otherwise() -> None:
    """The planted trap: both factors negated is the same update, and signs of A or B would call it opposed."""
    plain = some(1)
    turned = {name: Factors(-one.down, -one.up, one.scale) for name, one in plain.items()}
    assert conflict("x", plain, "y", plain).as_json() == conflict("x", plain, "y", turned).as_json()


def test_products_are_those_of_full_updates() -> None:
    """What is reckoned from factors is what the updates give."""
    a, b = some(1)["layer.0"], some(2, rank=5, scale=0.3)["layer.0"]
    assert float(np.sum(a.update() * b.update())) == pytest.approx(inner_product(a, b), rel=1e-4)
    summed = weighted_sum([{"m": a}, {"m": b}], 0.5)
    wanted = 0.5 * (a.update() + b.update())
    off = float(np.linalg.norm(a.update() - wanted) / np.linalg.norm(wanted))
    assert off == pytest.approx(distance({"m": a}, summed), rel=1e-4)
    assert 1.0 == pytest.approx(distance({}, summed))
    assert 0.0 == pytest.approx(forecast({"m": a}, {"a": {"m": a}}), abs=1e-3)


def test_plans_by_name() -> None:
    """Every plan where none is named; shares to keep where weights are dropped; anything else is refused."""
    assert len(plans_of([], 2)) > 15
    stack, mean, ties = plans_of(["stack", "cat", "ties@0.2"], 4)
    assert [("cat", 1.0), ("cat", 0.25), ("ties", 1.0)] == [(one.type, one.weight) for one in (stack, mean, ties)]
    assert 0.2 == ties.density
    for bad in ("blend", "ties", "cat@0.5", "ties@x", "ties@0", "route@1"):
        with pytest.raises(Refused):
            plans_of([bad], 2)


def test_adapters_are_read_as_the_updates_that_they_make(tmp_path: Path) -> None:
    """Alpha over rank, rank-stabilised; bfloat16; what is no plain LoRA is refused."""
    folder = make_adapter(tmp_path / "a", rank=4, lora_alpha=8, use_rslora=True)
    assert {4.0} == {one.scale for one in read_factors(folder).values()}
    assert set(shapes_of()) == set(updates_of(folder))
    for config in ({"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"init_lora_weights": "olora"}):
        with pytest.raises(Refused, match="not a plain LoRA"):
            updates_of(make_adapter(tmp_path / "b", **config))
