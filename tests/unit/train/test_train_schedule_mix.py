"""The order of a run where sources have a share of every batch, and settings that are tried in turn."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.stats.chosen import chosen_of
from headgate.train.schedule import schedule_of
from headgate.train.settings import Grpo, Probe, Settings, resolved, settings_of
from headgate.train.sweep import variants

ROWS = [f"row-{i}" for i in range(100)]
SOURCES = ["safety" if i < 10 else "general" if i < 30 else "bank" for i in range(100)]
MIX = {"safety": 0.05, "general": 0.1}


def order(**more: object) -> np.ndarray:
    given = {"seed": 0, "batch": 16, "steps": 50, "epochs": 0.0, "sources": SOURCES, "mix": MIX, **more}
    return schedule_of(ROWS, **given).rows  # type: ignore[arg-type]


def test_sources_get_their_share_of_the_steps() -> None:
    """Over 50 steps no share is off by more than a row, and every row of a source comes in turn."""
    rows = order()
    drawn = {name: [i for i in rows.reshape(-1) if SOURCES[i] == name] for name in ("safety", "general", "bank")}
    assert (len(drawn["safety"]), len(drawn["general"]), rows.size) == (40, 80, 800)
    assert sorted(drawn["safety"][:10]) == list(range(10))
    counts = np.bincount(drawn["bank"], minlength=100)[30:]
    assert counts.max() - counts.min() <= 1


def test_without_shares_the_order_is_that_of_whole_passes() -> None:
    """Sources alone change nothing."""
    plain = schedule_of(ROWS, seed=0, batch=16, steps=20, epochs=0.0)
    assert plain.digest == schedule_of(ROWS, seed=0, batch=16, steps=20, epochs=0.0, sources=SOURCES).digest


def test_passes_count_what_has_no_share() -> None:
    """Two passes over 70 rows at 85 % of 16 a batch are 11 steps."""
    assert len(order(steps=0, epochs=2.0)) == 11


def test_a_share_of_nothing_is_refused_with_the_sources_there_are() -> None:
    """The name is wrong, and the right ones are said."""
    with pytest.raises(Refused, match="has no rows") as caught:
        order(mix={"saftey": 0.1})
    assert "bank, general, safety" in str(caught.value.wanted)


def test_settings_survive_being_written_down() -> None:
    """Nested sections included."""
    settings = Settings(base="b", method="grpo", grpo=Grpo(rewards=["exact"]), sweep={}, mix={"a": 0.5})
    assert settings_of(resolved(settings)) == settings


def test_a_sweep_tries_every_combination() -> None:
    """Two values of two settings are four tries; nested settings by their dotted name."""
    given = {"learning-rate": [0.1, 0.2], "adapter.rank": [2, 4]}
    tried = variants(Settings(base="b", choose_on="held", sweep=given))
    assert [label for label, _ in tried][1] == "learning-rate=0.1 adapter.rank=4"
    assert [(one.learning_rate, one.adapter.rank) for _, one in tried] == [(0.1, 2), (0.1, 4), (0.2, 2), (0.2, 4)]
    assert {len(one.sweep) for _, one in tried} == {0}


@pytest.mark.parametrize(
    ("sweep", "what"),
    [
        ({"learning-rte": [0.1]}, "cannot change"),
        ({"split": ["a"]}, "cannot change"),
        ({"batch": ["many"]}, "another type"),
        ({"batch": []}, "names no values"),
        ({"batch": list(range(32, 132))}, "tries too much"),
    ],
)
def test_sweeps_that_cannot_be_walked_are_refused(sweep: dict, what: str) -> None:
    """Unknown, fixed, of another type, empty, or endless."""
    with pytest.raises(Refused, match=what):
        variants(Settings(base="b", choose_on="held", sweep=sweep))


def test_the_best_of_many_equals_is_told_to_be_luck() -> None:
    """Twenty tries of the same worth: the apparent loss is too low, the honest one is not, and none stands apart."""
    drawn = np.random.default_rng(1)
    losses = {str(i): drawn.normal(1.0, 0.5, 200).tolist() for i in range(20)}
    found = chosen_of(losses, [1.0] * 200, failed=3)
    assert (found.tried, found.apart) == (23, False)
    assert found.apparent < 0.96 < 0.98 < found.honest < 1.03


def test_a_better_try_stands_apart() -> None:
    """A lead of a fifth on 200 rows is beyond chance after correction for four questions."""
    drawn = np.random.default_rng(2)
    rows = drawn.normal(1.0, 0.5, 200)
    losses = {str(i): (rows + drawn.normal(0, 0.1, 200) - 0.2 * (i == 3)).tolist() for i in range(5)}
    found = chosen_of(losses, [1.0] * 200)
    assert (found.name, found.apart, found.optimism == pytest.approx(0.0, abs=0.02)) == ("3", True, True)
    with pytest.raises(Refused, match="nothing to choose from"):
        chosen_of({}, [1.0] * 200, failed=2)


def test_a_run_recorded_before_probes_had_a_limit_is_rebuilt_without_one() -> None:
    """The default of a later setting is not what was done then."""
    plain = resolved(Settings(base="-", probe=Probe(split="held")))
    assert (500, 500) == (plain["probe"].pop("most"), Settings(base="-").probe.most)
    assert Settings(base="-", probe=Probe(split="held", most=0)) == settings_of(plain)
