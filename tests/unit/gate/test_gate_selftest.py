"""The gate's test of itself: rates that are known beforehand, and what it reads from records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from headgate.cli.gate_selftest import self_test as cli
from headgate.gate import selftest
from headgate.gate.selftest import Bench, drawn, null_effect, self_test, supposed
from headgate.gate.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest
from headgate.ledger.ledger import Ledger


def bench(items: int = 300, clusters: int = 300, *, kinds: dict[str, float | None] | None = None) -> Bench:
    """Outcomes of a base that passes 70 % and a candidate that passes 90 %."""
    rng = np.random.default_rng(1)
    scores = (rng.random((2, items)) < np.array([[0.7], [0.9]])).astype(float)
    labels = np.sort(rng.permutation(np.arange(items) % clusters))
    return Bench("topics", ("base", "candidate"), scores, labels, kinds or {"base": None})


@pytest.mark.parametrize("clusters", [300, 100])
def test_a_draw_has_the_true_difference_that_was_asked_for(clusters: int) -> None:
    """On average, whatever the two arms showed; and items of a cluster stay together."""
    rng = np.random.default_rng(3)
    for effect in (-0.05, 0.0, 0.1):
        found = [drawn(bench(clusters=clusters), effect, 0, rng) for _ in range(600)]
        differences = [float((scores[1] - scores[0]).mean()) for scores, _ in found]
        error = float(np.std(differences) / np.sqrt(len(differences)))
        assert effect == pytest.approx(np.mean(differences), abs=4 * error)
        assert {clusters} == {len(np.unique(labels)) for _, labels in found}


def test_no_better_is_let_through_in_at_most_five_percent() -> None:
    """And a large gain nearly always."""
    found = self_test([bench()], Settings(compare=["base"]), effects=[0.0, 0.2], draws=400)
    none, large = found.rates
    assert "pass" == found.verdict.outcome.value
    assert none.passed / none.draws < 0.05 < 0.9 < large.passed / large.draws


def test_a_drop_of_the_margin_is_let_through_in_at_most_five_percent() -> None:
    """Where a suite must only not get worse, that is what may not pass, and equal models nearly always do."""
    wide = bench(kinds={"base": 0.4})
    settings = Settings(compare=[], worst_drop={"topics": 0.4})
    assert -0.4 == null_effect([wide], settings)
    found = self_test([wide], settings, effects=[0.0], draws=400)
    assert [-0.4, 0.0] == [one.effect for one in found.rates]
    assert found.rates[0].passed / 400 < 0.08 < 0.9 < found.rates[1].passed / 400


def test_more_claims_are_corrected_for_their_number() -> None:
    """Three suites that must all be won let less through than one."""
    settings = Settings(compare=["base"])
    one = self_test([bench()], settings, effects=[0.1], draws=300)
    three = self_test([bench()] * 3, settings, effects=[0.1], draws=300)
    assert three.rates[1].passed < one.rates[1].passed


def test_a_suite_that_does_not_exist_yet() -> None:
    """Its arms have the accuracy and the discordance that are supposed."""
    (made,) = supposed(Settings(compare=["base"]), items=400, accuracy=0.8, discordance=0.15)
    first, second = made.scores
    assert (0.8, 0.8) == (pytest.approx(first.mean()), pytest.approx(second.mean()))
    assert 0.15 == pytest.approx((first != second).mean(), abs=1e-4)
    scores, _ = drawn(made, 0.0, 400, np.random.default_rng(0))
    assert (2, 400) == scores.shape
    for wrong in ({"items": 0}, {"accuracy": 1.0}, {"discordance": 0.5}):
        with pytest.raises(Refused):
            supposed(Settings(), **({"items": 400, "accuracy": 0.8, "discordance": 0.15} | wrong))  # type: ignore[arg-type]


def test_the_same_seed_says_the_same() -> None:
    """Every number again."""
    first, second = (self_test([bench()], Settings(), effects=[0.02], draws=50, seed=5).as_json() for _ in range(2))
    assert first == second


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


def test_outcomes_are_read_from_the_ledger(ledger: Ledger) -> None:
    """Items that every arm was scored on, with their clusters; suites without a candidate are left out."""
    outcomes = {
        "base": {"a": "pass", "b": "fail", "c": "unscored", "d": "fail"},
        "candidate": {"a": "pass", "b": "pass", "c": "pass", "d": "fail"},
    }
    ids = {name: digest(name.encode()) for name in "abcd"}
    for name, cluster in zip("abcd", ("x", "x", "y", "z"), strict=True):
        ledger.record("item", "topics/gate", {"row": ids[name], "suite": "topics", "pool": "gate", "cluster": cluster})
    for arm, said in outcomes.items():
        address = ledger.content.put(canonical_json({ids[name]: mark for name, mark in said.items()}))
        ledger.record("score", f"topics/gate/{arm}", {"outcomes": address})
    ledger.record("score", "other/gate/base", {"outcomes": ""})
    (found,) = selftest.recorded(ledger, Settings())
    assert ("topics", ("base", "candidate"), {"base": None}) == (found.suite, found.arms, found.kinds)
    assert sorted(map(tuple, found.scores.T.tolist())) == [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    assert [1, 2] == sorted(found.sizes.tolist())
    assert json.dumps(self_test([found], Settings(), draws=5).as_json())


def test_nothing_was_evaluated(ledger: Ledger) -> None:
    """The next step is named."""
    assert [] == selftest.recorded(ledger, Settings())
    with pytest.raises(Refused, match="no outcomes"):
        self_test([], Settings())
    with pytest.raises(Refused, match="true difference"):
        self_test([bench()], Settings(), effects=[2.0])


def test_before_there_is_anything_one_command_tells_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No flow file, no evaluation: false alarms and power of so many items; without --accuracy it asks for a flow."""
    monkeypatch.chdir(tmp_path)
    options = ["--items", "400", "--accuracy", "0.8", "--effects", "0,10", "--draws", "200"]
    done = CliRunner().invoke(cli, options, standalone_mode=False)
    assert 0 == done.return_value, done.output
    assert "400 items in 400 clusters: better than base" in done.output
    none, ten = (line.split()[2] for line in done.output.splitlines() if "points   " in line)
    assert float(none.rstrip("%")) < 5 < 80 < float(ten.rstrip("%"))
    with pytest.raises(Refused, match="no flow file here"):
        CliRunner().invoke(cli, [], standalone_mode=False, catch_exceptions=False)
