"""Measures the promises of the stats room: coverage of its intervals, false alarms and power of its tests.

Everything is seeded. `python benchmarks/planted/stats/coverage.py` writes `results.json` beside this file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headgate.stats.claims import judge_difference
from headgate.stats.intervals import clopper_pearson, mean_interval, share_interval, wilson
from headgate.stats.ladder import Ladder, default_step
from headgate.stats.multiplicity import holm
from headgate.stats.paired import compare_paired, tango_interval
from headgate.stats.power import items_needed_non_inferior, items_needed_paired
from headgate.stats.quantiles import binomial_at_most, t_two_sided
from headgate.stats.resampling import bca, null_test, sign_flip
from headgate.stats.sequences import confidence_sequence
from headgate.stats.trends import trend_over_versions
from headgate.stats.verdict import Outcome

ROOT = Path(__file__).resolve().parents[3]
VERDICTS = ROOT / "tests/fixtures/gsm8k_verdicts/verdicts.json"
REFERENCE, CANDIDATE = "175b_finetuning", "6b_verification"

Rate = dict[str, float]


def verdicts() -> dict[str, np.ndarray]:
    """Right or wrong, per GSM8K test item, for each of four models."""
    stored = json.loads(VERDICTS.read_text())
    return {model: np.array([float(bit) for bit in bits]) for model, bits in stored.items()}


def rate(hits: int, of: int) -> Rate:
    """A measured share with its interval."""
    found = share_interval(hits, of)
    return {"value": round(found.value, 4), "low": round(found.low, 4), "high": round(found.high, 4), "n": of}


def repeated(repeats: int, seed: int, once: Callable[[np.random.Generator], bool]) -> Rate:
    """How often something happens over independent, seeded repeats."""
    return rate(sum(once(np.random.default_rng((seed, number))) for number in range(repeats)), repeats)


def exact_share_coverage(n: int, share: float, interval: Callable[..., Any]) -> float:
    """Coverage of an interval of a share, summed over all outcomes: no simulation."""
    covered = 0.0
    for k in range(n + 1):
        found = interval(k, n)
        if found.low <= share <= found.high:
            covered += binomial_at_most(k, n, share) - (binomial_at_most(k - 1, n, share) if k else 0.0)
    return covered


def paired_coverage(n: int, repeats: int, seed: int = 1) -> dict[str, Rate]:
    """Coverage of the nominal 95 % intervals of a difference on resampled GSM8K pairs."""
    scores = verdicts()
    difference = scores[CANDIDATE] - scores[REFERENCE]
    truth = float(difference.mean())

    def score(rng: np.random.Generator) -> bool:
        d = difference[rng.integers(0, len(difference), n)]
        low, high = tango_interval(int((d > 0).sum()), int((d < 0).sum()), n)
        return low <= truth <= high

    def t(rng: np.random.Generator) -> bool:
        d = difference[rng.integers(0, len(difference), n)]
        half = t_two_sided(0.95, n - 1) * float(d.std(ddof=1)) / math.sqrt(n)
        return abs(float(d.mean()) - truth) <= half

    return {"score": repeated(repeats, seed, score), "t": repeated(repeats, seed, t)}


def clustered(rng: np.random.Generator, clusters: int, size: int, effect: float) -> tuple[np.ndarray, ...]:
    """Two systems on items in clusters that share a common difficulty and a common change."""
    labels = np.repeat(np.arange(clusters), size)
    ease = rng.normal(0.5, 0.15, clusters)[labels]
    change = rng.normal(effect, 0.10, clusters)[labels]
    reference = np.clip(ease + rng.normal(0, 0.1, len(labels)), 0, 1)
    candidate = np.clip(ease + change + rng.normal(0, 0.1, len(labels)), 0, 1)
    return reference, candidate, labels


def clustered_false_alarms(clusters: int, size: int, repeats: int, seed: int = 2) -> dict[str, Rate]:
    """How often clustered and naive analyses see a difference where the systems are equal on average."""

    def flip(rng: np.random.Generator) -> bool:
        reference, candidate, labels = clustered(rng, clusters, size, 0.0)
        return sign_flip(np.bincount(labels, weights=candidate - reference), draws=999, seed=seed) <= 0.05

    def t(rng: np.random.Generator) -> bool:
        reference, candidate, labels = clustered(rng, clusters, size, 0.0)
        found = mean_interval(candidate - reference, clusters=labels)
        return not found.low <= 0 <= found.high

    def naive(rng: np.random.Generator) -> bool:
        reference, candidate, _ = clustered(rng, clusters, size, 0.0)
        found = mean_interval(candidate - reference)
        return not found.low <= 0 <= found.high

    found = {"sign flip by cluster": flip, "t on C - 1 degrees of freedom": t, "t that ignores clusters": naive}
    return {name: repeated(repeats, seed, once) for name, once in found.items()}


def mcnemar_rates(n: int, discordance: float, drop: float, repeats: int, seed: int = 3) -> dict[str, Rate]:
    """What the three claims answer for a true drop on n items."""

    def outcome(kind: Any, margin: float, wanted: Outcome) -> Callable[[np.random.Generator], bool]:
        def once(rng: np.random.Generator) -> bool:
            draw = rng.random(n)
            gains = draw < (discordance - drop) / 2
            losses = (draw >= (discordance - drop) / 2) & (draw < discordance)
            base = (rng.random(n) < 0.8) & ~gains | losses
            comparison = compare_paired(base.astype(float), (base & ~losses | gains).astype(float))
            return judge_difference(comparison, kind=kind, margin=margin).outcome is wanted

        return once

    return {
        "superiority passes": repeated(repeats, seed, outcome("superiority", 0.0, Outcome.PASS)),
        "superiority fails": repeated(repeats, seed, outcome("superiority", 0.0, Outcome.FAIL)),
        "non-inferiority within 5 points passes": repeated(
            repeats, seed, outcome("non-inferiority", 0.05, Outcome.PASS)
        ),
        "non-inferiority within 5 points fails": repeated(
            repeats, seed, outcome("non-inferiority", 0.05, Outcome.FAIL)
        ),
        "equivalence within 5 points passes": repeated(repeats, seed, outcome("equivalence", 0.05, Outcome.PASS)),
    }


def bca_coverage(n: int, repeats: int, draws: int, seed: int = 4) -> Rate:
    """Coverage of the BCa interval for a metric that is no mean: the F1 score of a noisy labeller."""
    population = np.random.default_rng(99)
    truth = population.random(200_000) < 0.3
    said = np.where(population.random(200_000) < 0.85, truth, ~truth)

    def f1(chosen_truth: np.ndarray, chosen_said: np.ndarray) -> float:
        both = float((chosen_truth & chosen_said).sum())
        return 2 * both / max(1.0, float(chosen_truth.sum() + chosen_said.sum()))

    target = f1(truth, said)

    def once(rng: np.random.Generator) -> bool:
        rows = rng.integers(0, len(truth), n)
        t, s = truth[rows], said[rows]
        found = bca(lambda i: f1(t[i], s[i]), n, draws=draws, seed=seed)
        return found.low <= target <= found.high

    return repeated(repeats, seed, once)


def peeking(n: int, repeats: int, seed: int = 5) -> dict[str, Rate]:
    """How often a look after every item sees a difference that is not there."""

    def stream(rng: np.random.Generator) -> np.ndarray:
        return rng.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8, 0.1])

    def sequence(method: Any) -> Callable[[np.random.Generator], bool]:
        def once(rng: np.random.Generator) -> bool:
            found = confidence_sequence(stream(rng), method=method)
            return found.first_above(0) is not None or found.first_below(0) is not None

        return once

    def fixed(rng: np.random.Generator) -> bool:
        d = stream(rng)
        t = np.arange(1, n + 1)
        mean = np.cumsum(d) / t
        se = np.sqrt(np.maximum(np.cumsum(d**2) / t - mean**2, 1e-9) / t)
        return bool((np.abs(mean) > 1.96 * se)[30:].any())

    return {
        "empirical-bernstein": repeated(repeats, seed, sequence("empirical-bernstein")),
        "asymptotic": repeated(repeats, seed, sequence("asymptotic")),
        "fixed-n interval read after each item": repeated(repeats, seed, fixed),
    }


def drift(n: int, repeats: int, total: float = -0.04, versions: int = 13, seed: int = 6) -> dict[str, Rate]:
    """A loss spread evenly over versions: slope over all against first with last, one-sided 5 %."""

    def table(rng: np.random.Generator, change: float) -> np.ndarray:
        chance = 0.77 + change * np.arange(versions) / (versions - 1)
        return (rng.random((versions, n)) < chance[:, None]).astype(float)

    def ends(rng: np.random.Generator) -> bool:
        scores = table(rng, total)
        return compare_paired(scores[0], scores[-1]).p_below(0.0) <= 0.05

    return {
        "slope": repeated(repeats, seed, lambda rng: trend_over_versions(table(rng, total)).p_falling <= 0.05),
        "first against last": repeated(repeats, seed, ends),
        "slope where nothing changes": repeated(
            repeats, seed + 1, lambda rng: trend_over_versions(table(rng, 0.0)).p_falling <= 0.05
        ),
    }


def attack(n: int, k: int, step: float | str, repeats: int, seed: int = 7) -> float:
    """Inflation of the score that the Blum-Hardt attack reaches; the true accuracy is one half."""

    def once(rng: np.random.Generator) -> float:
        truth, submissions = rng.integers(0, 2, n), rng.integers(0, 2, (k, n))
        ladder = None if step == "plain" else Ladder(None if step == "free" else float(step))
        votes, reported = np.zeros(n), 0.0
        for submission in submissions:
            hits = (submission == truth).astype(float)
            good = hits.mean() > 0.5 if ladder is None else ladder.submit(hits).better
            votes += (2 * submission - 1) * good
        final = ((votes > 0) == truth).astype(float)
        reported = float(final.mean()) if ladder is None else ladder.submit(final).best
        return reported - 0.5

    return float(np.mean([once(np.random.default_rng((seed, number))) for number in range(repeats)]))


def holm_false_alarms(claims: int, repeats: int, seed: int = 8) -> dict[str, Rate]:
    """How often at least one of several true nulls is rejected, corrected and not."""
    return {
        "holm": repeated(repeats, seed, lambda rng: min(holm(list(rng.random(claims)))) <= 0.05),
        "uncorrected": repeated(repeats, seed, lambda rng: float(rng.random(claims).min()) <= 0.05),
    }


def null_alarms(n: int, splits: int, seed: int = 9) -> dict[str, Any]:
    """Null test of "the halves differ by more than 5 points" on the GSM8K verdicts of one model."""
    scores = verdicts()[CANDIDATE][:n]
    found = null_test(lambda a, b: abs(float(scores[a].mean() - scores[b].mean())), n, 0.05, splits=splits, seed=seed)
    return found.as_json()


def gsm8k() -> dict[str, Any]:
    """The published comparison: 6B with verification against 175B fine-tuned."""
    scores = verdicts()
    found = compare_paired(scores[CANDIDATE], scores[REFERENCE])
    boot = bca(lambda i: float((scores[REFERENCE] - scores[CANDIDATE])[i].mean()), found.n, draws=10_000)
    return {
        "d": round(found.d, 4),
        "se": round(found.se, 4),
        "unpaired_se": round(found.unpaired_se, 4),
        "p": round(found.p, 5),
        "discordant": list(found.discordant),
        "interval": [round(found.low, 4), round(found.high, 4)],
        "bca_interval": [round(boot.low, 4), round(boot.high, 4)],
        "smallest_visible": round(found.smallest_visible, 4),
    }


def measured() -> dict[str, Any]:
    """All figures."""
    shares = [0.005, 0.02, 0.1, 0.3, 0.5]
    intervals = {"wilson": wilson, "judged": share_interval, "clopper-pearson": clopper_pearson}
    steps: dict[str, Callable[[int], float | str]] = {
        "plain": lambda _: "plain",
        "0.01": lambda _: 0.01,
        "parameter-free": lambda _: "free",
        "1/sqrt(n)": default_step,
    }
    return {
        "gsm8k": gsm8k(),
        "items_needed": {
            "drop 2/3/5/10 points at discordance 0.10": [items_needed_paired(e, 0.1) for e in (0.02, 0.03, 0.05, 0.1)],
            "drop 2/3/5/10 points at discordance 0.20": [items_needed_paired(e, 0.2) for e in (0.02, 0.03, 0.05, 0.1)],
            "no regression beyond 5/3/1 points": [items_needed_non_inferior(m, 0.15) for m in (0.05, 0.03, 0.01)],
        },
        "share_coverage_exact": {
            name: {
                f"n={n}": {f"{share:g}": round(exact_share_coverage(n, share, interval), 4) for share in shares}
                for n in (30, 100, 300)
            }
            for name, interval in intervals.items()
        },
        "paired_coverage": {f"n={n}": paired_coverage(n, 4000) for n in (30, 50, 100, 300)},
        "clustered_false_alarms": {f"{c} clusters of 10": clustered_false_alarms(c, 10, 1500) for c in (12, 30, 60)},
        "claims": {
            f"n={n}, discordance 0.15, drop {drop:g}": mcnemar_rates(n, 0.15, drop, 1000)
            for n in (26, 100, 200, 500, 1000)
            for drop in (0.0, 0.05, 0.1)
        },
        "bca_coverage_f1": {f"n={n}": bca_coverage(n, 500, 1000) for n in (50, 200)},
        "peeking_false_alarms": peeking(1000, 1500),
        "drift_4_points_over_13": {f"n={n}": drift(n, 1000) for n in (500, 1000)},
        "ladder_inflation": {
            f"n={n}, k={k}": {name: round(attack(n, k, step(n), 60), 4) for name, step in steps.items()}
            for n, k in ((200, 100), (200, 500), (1000, 100), (1000, 500))
        },
        "holm_false_alarms_10_claims": holm_false_alarms(10, 4000),
        "null_test_5_points": {f"n={n}": null_alarms(n, 1000) for n in (100, 1319)},
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("results.json")
    target.write_text(json.dumps(measured(), indent=1) + "\n")
    print(target.relative_to(ROOT))
