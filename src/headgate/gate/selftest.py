"""The gate asked about itself: how often it lets through what is no better, and how often it stops what is.

Outcomes that were recorded are drawn again with replacement, item by item (all items of a cluster together). Each
draw then makes the arms exchange places at random within each cluster, after which no arm is better than another
and all that is known of their difficulty and likeness is kept (an A/A test; after arms that differed much it sees
less than between likes). To that a true difference is added: of the items that the candidate failed, so many are
turned to passed, or the other way round, until it is there. Every draw goes through the claims of [gate] and their
correction, as a decision does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.gate.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger, Node
from headgate.stats.intervals import wilson
from headgate.stats.judging import corrected, judge_difference, judge_share
from headgate.stats.paired import compare_paired
from headgate.stats.power import ALPHA, POWER
from headgate.stats.verdict import Outcome, Verdict, worst

POOL = "gate"  # of a sealed pool no outcomes are kept
CANDIDATE = "candidate"
SCORED = ("pass", "fail")
EFFECTS = (-0.05, 0.0, 0.02, 0.05, 0.10)  # true differences, in shares
DRAWS = 2_000
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Bench:
    """What one suite showed: a score for each arm and item, and which items belong together."""

    suite: str
    arms: tuple[str, ...]  # references first, the candidate last
    scores: Scores  # (arms, items), 0 or 1
    clusters: NDArray[np.int64]  # (items,), 0 to C - 1
    kinds: Mapping[str, float | None]  # reference: None to be beaten, else the largest drop

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """Places of the items, cluster by cluster."""
        return np.argsort(self.clusters, kind="stable")

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Items of each cluster."""
        return np.bincount(self.clusters)


@dataclass(frozen=True, slots=True)
class Rate:
    """What the gate said at one true difference."""

    effect: float  # of the candidate over every reference, in shares
    draws: int
    passed: int
    failed: int

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        share = wilson(self.passed, self.draws)
        return {
            "effect": self.effect,
            "draws": self.draws,
            "passed": share.value,
            "low": share.low,
            "high": share.high,
            "failed": self.failed / self.draws,
            "unsure": 1 - (self.passed + self.failed) / self.draws,
        }


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Verdict on the false alarms, and the rates behind it."""

    verdict: Verdict
    rates: tuple[Rate, ...]
    benches: tuple[Bench, ...]
    items: int = 0  # of each suite in every draw; 0: as many as were recorded

    def size(self, bench: Bench) -> tuple[int, int]:
        """Items and clusters that a draw of a suite has, about."""
        n, clusters = bench.scores.shape[1], len(bench.sizes)
        return (self.items, max(1, round(clusters * self.items / n))) if self.items else (n, clusters)

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        suites = [
            {"suite": one.suite, **dict(zip(("items", "clusters"), self.size(one), strict=True))}
            for one in self.benches
        ]
        return {"verdicts": [self.verdict.as_json()], "rates": [one.as_json() for one in self.rates], "suites": suites}


def self_test(
    benches: Sequence[Bench],
    settings: Settings,
    *,
    effects: Sequence[float] = EFFECTS,
    draws: int = DRAWS,
    items: int = 0,
    seed: int = 0,
    quiet: bool = True,
) -> SelfTest:
    """Runs the claims of the gate on outcomes with a known true difference.

    `effects` are true differences in shares; `items`: how many items each suite is to have, 0 for as many as it has.

    Raises:
        Refused: nothing to test, or an effect that no candidate can have.
    """
    if not benches:
        raise Refused("no outcomes to test the gate on", next_step="headgate evaluate, or give --items and --accuracy")
    if unusable := [one for one in effects if not -1 < one < 1]:
        raise Refused("a true difference is a share of the items", found=str(unusable[0]), wanted="-1 to 1")
    null = null_effect(benches, settings)
    wanted = sorted({*effects, null})
    claims: dict[tuple[Any, ...], Verdict] = {}
    rates = []
    with progress("testing the gate", len(wanted) * draws, quiet=quiet) as advance:
        for effect in wanted:
            rng = np.random.default_rng([seed, round((effect + 1) * 1e6)])
            said = [_decided(benches, settings, effect, items, rng, claims, advance) for _ in range(draws)]
            passed, failed = (sum(one is outcome for one in said) for outcome in (Outcome.PASS, Outcome.FAIL))
            rates.append(Rate(effect, draws, passed, failed))
    return SelfTest(_verdict(rates, null), tuple(rates), tuple(benches), items)


def null_effect(benches: Sequence[Bench], settings: Settings) -> float:
    """The largest true difference that must not pass: none where something is to be won, else the smallest drop."""
    kinds = [kind for bench in benches for kind in bench.kinds.values()]
    if any(kind is None for kind in kinds):
        return settings.smallest_gain
    return -min(kind for kind in kinds if kind is not None)


def _decided(
    benches: Sequence[Bench], settings: Settings, effect: float, items: int, rng: np.random.Generator,
    claims: dict[tuple[Any, ...], Verdict], advance: Callable[[int], None],
) -> Outcome:  # fmt: skip
    """One decision of the gate."""
    verdicts = []
    for bench in benches:
        scores, clusters = drawn(bench, effect, items, rng)
        for place, reference in enumerate(bench.arms[:-1]):
            drop = bench.kinds[reference]
            verdicts.append(_claim(scores[place], scores[-1], clusters, drop, settings.smallest_gain, claims))
    advance(1)
    return worst(corrected(verdicts) if settings.correction == "holm" else verdicts)


def drawn(bench: Bench, effect: float, items: int, rng: np.random.Generator) -> tuple[Scores, NDArray[np.int64]]:
    """Scores (arms, about `items`) in which the candidate is better by a true difference, and their clusters."""
    sizes, members = bench.sizes, bench.members
    ends = np.cumsum(sizes)
    count = max(1, round(len(sizes) * items / len(bench.clusters))) if items else len(sizes)
    picked = rng.integers(len(sizes), size=count)
    clusters = np.repeat(np.arange(count), sizes[picked])
    within = np.arange(len(clusters)) - np.repeat(np.cumsum(sizes[picked]) - sizes[picked], sizes[picked])
    places = members[np.repeat((ends - sizes)[picked], sizes[picked]) + within]
    order = rng.permuted(np.tile(np.arange(len(bench.arms))[:, None], (1, count)), axis=0)[:, clusters]
    scores = np.take_along_axis(bench.scores[:, places], order, axis=0)
    own = scores[-1]
    open_to_change = np.flatnonzero(own == (0 if effect > 0 else 1))
    # A true difference is one of expectation: who changes is drawn, so that it varies as samples do.
    room = len(open_to_change) / len(own)
    chance = min(1.0, abs(effect) / room) if room else 0.0
    turned = open_to_change[rng.random(len(open_to_change)) < chance]
    scores[-1, turned] = 1 - own[turned]
    return scores, clusters.astype(np.int64)


def _claim(
    before: Scores, after: Scores, clusters: NDArray[np.int64], drop: float | None, gain: float,
    claims: dict[tuple[Any, ...], Verdict],
) -> Verdict:  # fmt: skip
    alone = int(clusters[-1]) + 1 == len(clusters)
    judge = partial(judge_difference, kind="superiority", margin=gain)
    if drop is not None:
        judge = partial(judge_difference, kind="non-inferiority", margin=drop)
    if not alone:
        return judge(compare_paired(before, after, clusters=clusters))
    # Of independent items no more than these counts decides, and the same counts come again and again.
    key = (int((after > before).sum()), int((after < before).sum()), len(before), drop)
    if key not in claims:
        claims[key] = judge(compare_paired(before, after))
    return claims[key]


def _verdict(rates: Sequence[Rate], null: float) -> Verdict:
    mine = next(one for one in rates if one.effect == null)
    share = wilson(mine.passed, mine.draws)
    what = "that is no better" if null == 0 else f"with a true difference of {null * 100:+g} points"
    seen = next((one for one in rates if one.effect > null and one.passed / one.draws >= POWER), None)
    reach = f"it lets through {POWER:.0%} or more at {seen.effect * 100:+g} points" if seen else "no difference tested "
    reach += "" if seen else f"is let through in {POWER:.0%}"
    return judge_share(
        mine.passed,
        mine.draws,
        name="false alarms of the gate",
        summary=f"a candidate {what} is let through in {share.value:.1%} of {mine.draws:,} draws; {reach}",
        at_most=ALPHA,
        next_step="more items, or fewer claims: [gate] suites, compare" if seen is None else "",
    )


def recorded(ledger: Ledger, settings: Settings) -> list[Bench]:
    """The newest outcomes of every suite that the gate decides on, of items that every arm was scored on."""
    names = dict.fromkeys(node.name.split("/")[0] for node in ledger.find("score") if f"/{POOL}/" in node.name)
    wanted = settings.suites or [name for name in names if name not in settings.worst_drop]
    kinds: dict[str, dict[str, float | None]] = {name: dict.fromkeys(settings.compare) for name in wanted}
    kinds |= {name: {"base": drop} for name, drop in settings.worst_drop.items()}
    cluster_of = {str(node.body["row"]): str(node.body["cluster"]) for node in ledger.find("item") if node.body}
    out = []
    for suite, asked in kinds.items():
        arms = {arm: ledger.latest("score", f"{suite}/{POOL}/{arm}") for arm in (*asked, CANDIDATE)}
        found = {arm: _outcomes(ledger, node) for arm, node in arms.items() if node is not None}
        if CANDIDATE in found and len(found) > 1:
            out.append(_bench(suite, found, asked, cluster_of))
    return [one for one in out if one.scores.size]


def _outcomes(ledger: Ledger, node: Node) -> dict[str, str]:
    address = node.body.get("outcomes", "")
    found: dict[str, str] = orjson.loads(ledger.content.get(address)) if address and ledger.content.has(address) else {}
    return found


def _bench(
    suite: str, found: Mapping[str, Mapping[str, str]], asked: Mapping[str, float | None], cluster_of: Mapping[str, str]
) -> Bench:
    arms = (*(arm for arm in found if arm != CANDIDATE), CANDIDATE)
    items = [item for item in found[CANDIDATE] if all(found[arm].get(item) in SCORED for arm in arms)]
    scores = np.array([[found[arm][item] == "pass" for item in items] for arm in arms], dtype=np.float64)
    names = np.array([cluster_of.get(item, item) for item in items], dtype=np.str_)
    clusters = np.unique(names, return_inverse=True)[1].astype(np.int64)
    return Bench(suite, arms, scores, clusters, {arm: asked[arm] for arm in arms[:-1]})


def supposed(settings: Settings, *, items: int, accuracy: float, discordance: float, seed: int = 0) -> list[Bench]:
    """A suite that does not exist yet: independent items, on which base and candidate differ in a share.

    Raises:
        Refused: no items, or shares that no two models can have.
    """
    if items < 1 or not 0 < accuracy < 1:
        raise Refused("items and accuracy", found=f"{items} and {accuracy:g}", wanted="1 or more, and between 0 and 1")
    most = 2 * min(accuracy, 1 - accuracy)
    if not 0 < discordance <= most:
        raise Refused("a share of items on which two models differ", found=f"{discordance:g}", wanted=f"up to {most:g}")
    known = np.linspace(0, 1, 100_000, endpoint=False)
    first = known < accuracy
    half = discordance / 2
    second = (known < accuracy - half) | ((known >= accuracy) & (known < accuracy + half))
    scores = np.stack([first, second]).astype(np.float64)[:, np.random.default_rng(seed).permutation(len(known))]
    drop = next(iter(settings.worst_drop.values()), None)
    kinds = {"base": None if settings.compare and drop is None else drop}
    return [Bench("supposed", ("base", CANDIDATE), scores, np.arange(len(known)), kinds)]


def lines(found: SelfTest) -> list[str]:
    """The answer on one screen."""
    out = [f"{found.verdict.outcome.value}: {found.verdict.summary}"]
    if found.verdict.reason:
        out.append(f"  {found.verdict.reason}")
    for bench in found.benches:
        against = ", ".join(
            f"better than {arm}" if kind is None else f"at most {kind:.1%} below {arm}"
            for arm, kind in bench.kinds.items()
        )
        items, clusters = found.size(bench)
        out.append(f"  {bench.suite}, {items:,} items in {clusters:,} clusters: {against}")
    out.append("  true difference   let through               unsure   stopped")
    for one in found.rates:
        told = one.as_json()
        span = f"{told['passed']:6.1%} ({told['low']:.1%} to {told['high']:.1%})"
        out.append(f"  {one.effect * 100:+8.1f} points   {span:<24} {told['unsure']:7.1%}   {told['failed']:7.1%}")
    return out
