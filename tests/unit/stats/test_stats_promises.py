"""Small seeded simulations of what the stats room promises; the large ones are in benchmarks/planted/stats."""

import importlib.util
import json
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "benchmarks/planted/stats/coverage.py"


@pytest.fixture(scope="module")
def coverage():
    """The simulations that the committed figures come from."""
    spec = importlib.util.spec_from_file_location("stats_coverage", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("n", [30, 100])
def test_paired_intervals_cover(coverage, n):
    """The score interval covers the truth in 95 % of resampled GSM8K pairs."""
    found = coverage.paired_coverage(n, 400)["score"]
    assert found["low"] <= 0.95 <= found["high"] + 0.01


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.5])
def test_share_intervals_cover_on_average(coverage, share):
    """Averaged over neighbouring sizes, the judged interval covers 95 % of the time."""
    sizes = range(60, 100, 4)
    found = sum(coverage.exact_share_coverage(n, share, coverage.share_interval) for n in sizes) / len(sizes)
    assert pytest.approx(0.95, abs=0.015) == found


def test_exact_intervals_never_cover_too_little(coverage):
    """Clopper and Pearson's interval keeps its word at every share."""
    found = [coverage.exact_share_coverage(40, share / 20, coverage.clopper_pearson) for share in range(1, 20)]
    assert min(found) >= 0.95


def test_clustered_tests_keep_their_level(coverage):
    """With twelve clusters the clustered tests alarm falsely in about 5 %, the naive one in a third."""
    found = coverage.clustered_false_alarms(12, 10, 300)
    assert found["sign flip by cluster"]["low"] <= 0.05
    assert found["t on C - 1 degrees of freedom"]["low"] <= 0.05
    assert found["t that ignores clusters"]["low"] > 0.2


def test_claims_are_rarely_wrong(coverage):
    """At a true drop of five points the non-inferiority within five points passes in about 5 %."""
    for n in (26, 200):
        found = coverage.mcnemar_rates(n, 0.15, 0.05, 120)
        assert found["non-inferiority within 5 points passes"]["low"] <= 0.05
        assert found["superiority passes"]["value"] <= 0.025
        assert found["equivalence within 5 points passes"]["low"] <= 0.05


def test_peeking_is_safe_with_a_sequence(coverage):
    """Looking after each of 400 items, sequences rarely see what is not there."""
    found = coverage.peeking(400, 200)
    assert found["empirical-bernstein"]["low"] <= 0.05
    assert found["asymptotic"]["low"] <= 0.05
    assert found["fixed-n interval read after each item"]["low"] > 0.15


def test_the_ladder_resists_the_boosting_attack(coverage):
    """At n = 200 and 500 tries the plain hold-out is inflated by 0.30, the ladders by 0.075 and 0.095 at most."""
    assert coverage.attack(200, 500, "plain", 15) >= 0.30
    assert coverage.attack(200, 500, coverage.default_step(200), 15) <= 0.075
    assert coverage.attack(200, 500, "free", 15) <= 0.095


def test_committed_figures_are_those_of_the_code(coverage):
    """The figures that take no simulation are recomputed and compared with the committed file."""
    stored = json.loads(SOURCE.with_name("results.json").read_text())
    assert coverage.gsm8k() == stored["gsm8k"]
    assert (
        round(coverage.exact_share_coverage(30, 0.1, coverage.wilson), 4)
        == (stored["share_coverage_exact"]["wilson"]["n=30"]["0.1"])
    )
