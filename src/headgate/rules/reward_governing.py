"""Governs a series of rewards: what its steps show, and the state that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.rules.reward_series import Batch, half_of, held_back
from headgate.stats.degenerate import Answers, judge_degenerate
from headgate.stats.governed import (
    FAILURE,
    HELD,
    Numbers,
    Reason,
    State,
    judge_sight,
    judge_state,
    judge_too_little,
    reasons_of,
    state_of,
)
from headgate.stats.governing import (
    LEAST,
    Choice,
    Curve,
    Drift,
    Form,
    choose,
    correlation_lost,
    drifts,
    fit_curve,
    looks_at,
    one_sided,
)
from headgate.stats.judging import judge_count
from headgate.stats.trends import Trend, trend_over_versions
from headgate.stats.verdict import Level, Verdict

P_GAP = 0.01  # that a reward rose where it was optimised and not where it was held back
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a series is held to."""

    outcomes: tuple[str, ...] = ("outcome",)
    form: Form = "best-of-n"
    budget: float = 0.0  # nats; 0: none
    planned: int = 0  # looks that share the level
    drop: float = 0.03
    hold_back: float = 0.0  # share of prompts that the optimiser may never see


@dataclass(frozen=True, kw_only=True)
class Governed:
    """What came of a series."""

    name: str
    state: State
    verdicts: tuple[Verdict, ...]
    reasons: tuple[Reason, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)  # by outcome
    steps: tuple[str, ...] = ()
    parted: int = 0  # place of the first step that was stopped; 0: none


def govern(name: str, batches: Sequence[Batch], terms: Terms) -> Governed:
    """Holds the proxy of a series against its outcomes, on the prompts that every step was scored on."""
    if len(batches) < 2:
        why = f"{len(batches)} step{'s' if len(batches) != 1 else ''}, 2 are needed"
        return Governed(name=name, state=State.OK, verdicts=(judge_too_little(name, why),))
    tables = {outcome: _Table.of(batches, outcome) for outcome in terms.outcomes}
    small = {outcome: len(table.prompts) for outcome, table in tables.items() if not table.enough}
    newest = [judge_degenerate(name, *_answers(batches))] if batches[-1].answers else []
    if small:
        why = ", ".join(f"{n} prompts have {outcome} at every step" for outcome, n in small.items())
        return Governed(
            name=name, state=State.OK, verdicts=(judge_too_little(name, f"{why}; {LEAST} are needed"), *newest)
        )
    numbers = _numbers(name, batches, tables, terms)
    reasons = reasons_of(numbers)
    aside = _held_back(name, batches, terms)
    reasons += [one for _, some in aside for one in some]
    reasons += [Reason(state=State.HOLD, kind="degenerate", said=v.summary) for v in newest if v.outcome == "fail"]
    reasons.sort(key=lambda one: -one.state.rank)
    choices = {outcome: choose(t.outcome, t.halves, clusters=t.labels) for outcome, t in tables.items()}
    details = {"steps": [batch.step for batch in batches], "chosen": {name: _chosen(choice, batches) for name, choice in choices.items()}}  # fmt: skip  # noqa: E501
    verdicts = [judge_state(numbers, reasons, details=details), judge_sight(numbers), *newest]
    verdicts += [verdict for verdict, _ in aside]
    return Governed(
        name=name, state=state_of(reasons), verdicts=tuple(verdicts), reasons=tuple(reasons), choices=choices,
        steps=tuple(batch.step for batch in batches),
        parted=min((look.step for some in numbers.looks.values() for look in some if look.parted), default=0),
    )  # fmt: skip


def _chosen(choice: Choice, batches: Sequence[Batch]) -> dict[str, Any]:
    return {
        "steps": [batches[at].step for at in choice.steps], "outcome": choice.outcome, "low": choice.low,
        "high": choice.high, "on_the_prompts_that_chose": choice.flattered,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """Proxy and one outcome of the shared prompts."""

    prompts: list[str]
    proxy: Table
    outcome: Table
    halves: NDArray[np.bool_]
    labels: NDArray[Any] | None  # clusters, where some hold several prompts
    places: list[list[int]]  # of the prompts in each batch

    @property
    def enough(self) -> bool:
        return len(self.prompts) >= LEAST and 2 <= int(self.halves.sum()) <= len(self.prompts) - 2

    @classmethod
    def of(cls, batches: Sequence[Batch], outcome: str) -> _Table:
        known = []
        for batch in batches:
            values = batch.outcomes.get(outcome, (None,) * len(batch.prompts))
            known.append({p: at for at, p in enumerate(batch.prompts) if values[at] is not None})
        shared = sorted(set.intersection(*(set(one) for one in known)))
        places = [[one[prompt] for prompt in shared] for one in known]
        both = list(zip(batches, places, strict=True))
        proxy = np.array([[b.proxy[at] for at in some] for b, some in both], dtype=np.float64)
        result = np.array([[b.outcomes[outcome][at] for at in some] for b, some in both if some], dtype=np.float64)
        named = [batches[-1].clusters[at] for at in places[-1]]
        labels = np.asarray(named) if len(set(named)) < len(named) else None
        return cls(shared, proxy, result, np.array([half_of(one) for one in named], dtype=bool), labels, places)


def _numbers(name: str, batches: Sequence[Batch], tables: Mapping[str, _Table], terms: Terms) -> Numbers:
    """Everything measured of a series; levels are shared by all outcomes."""
    planned = max(terms.planned, len(batches) - 1) * len(tables)
    divergences = [batch.divergence for batch in batches]
    known = [one for one in divergences if one is not None]
    curves: dict[str, Curve] = {}
    if len(known) == len(batches):
        for outcome, t in tables.items():
            curve = fit_curve(np.array(known), t.proxy, t.outcome, form=terms.form, clusters=t.labels)
            curves |= {outcome: curve} if curve is not None else {}
    return Numbers(
        name=name,
        steps=[batch.step for batch in batches],
        looks={
            outcome: looks_at(t.proxy, t.outcome, t.halves, clusters=t.labels, planned=planned)
            for outcome, t in tables.items()
        },
        trends={
            outcome: (
                trend_over_versions(t.proxy, clusters=t.labels),
                trend_over_versions(t.outcome, clusters=t.labels),
            )
            for outcome, t in tables.items()
            if len(batches) >= 3
        },
        drifts=_drifts(batches),
        curves=curves,
        divergence=divergences[-1],
        budget=terms.budget,
        correlations={outcome: correlation_lost(t.proxy, t.outcome) for outcome, t in tables.items()},
        drop=terms.drop,
    )


def _trend(table: Table, labels: NDArray[Any] | None) -> Trend:
    return trend_over_versions(table, clusters=labels)


def _drifts(batches: Sequence[Batch]) -> list[Drift]:
    """Features of the newest answers against those of the first step, on the prompts of both."""
    first, last = batches[0], batches[-1]
    shared_names = [name for name in first.features if name in last.features]
    where = {prompt: at for at, prompt in enumerate(first.prompts)}
    pairs = [(where[prompt], at) for at, prompt in enumerate(last.prompts) if prompt in where]
    if not shared_names or len(pairs) < LEAST:
        return []
    before = np.array([[first.features[name][a] for name in shared_names] for a, _ in pairs])
    after = np.array([[last.features[name][b] for name in shared_names] for _, b in pairs])
    gained = np.array([last.proxy[b] - first.proxy[a] for a, b in pairs])
    return drifts(before, after, shared_names, gained=gained)


def _answers(batches: Sequence[Batch]) -> tuple[Answers, Answers | None]:
    def of(batch: Batch) -> Answers:
        told = {name: np.array([np.nan if v is None else v for v in some]) for name, some in batch.answers.items()}
        return Answers(same=told["same"], empty=told["empty"], echo=told["echo"], overlap=told["overlap"])

    return of(batches[-1]), of(batches[0]) if batches[0].answers else None


def _held_back(name: str, batches: Sequence[Batch], terms: Terms) -> list[tuple[Verdict, list[Reason]]]:
    """Whether what was held back stayed so, and whether the gain is one there too."""
    out = []
    if terms.hold_back > 0:
        out.append(_kept_apart(name, batches, terms.hold_back))
    found = (_unoptimised(name, reward, batches) for reward in batches[-1].held)
    return out + [one for one in found if one is not None]


def _kept_apart(name: str, batches: Sequence[Batch], share: float) -> tuple[Verdict, list[Reason]]:
    seen = {
        prompt for batch in batches for prompt, used in zip(batch.prompts, batch.optimised, strict=True)
        if used and held_back(prompt, share)
    }  # fmt: skip
    aside = {prompt for prompt in batches[-1].prompts if held_back(prompt, share)}
    said = f"{len(seen)} prompts that are held back were optimised on, of {len(aside)} at the newest step"
    verdict = judge_count(
        len(seen), name="held-back prompts optimised on", unit="prompts", looked_at=len(aside), at_most=0,
        summary=f"{name}: {said}", details={"series": name, "prompts": sorted(seen)[:50]},
        next_step="leave out what held_back() names: headgate.rules.reward_series",
    )  # fmt: skip
    reasons = [Reason(state=State.HOLD, kind="held-back", said=said)] if seen else []
    return replace(verdict, rule=HELD, failure=FAILURE, level=Level.WARN), reasons


def _unoptimised(name: str, reward: str, batches: Sequence[Batch]) -> tuple[Verdict, list[Reason]] | None:
    """A reward that was never optimised should rise with the one that was, each in its own deviations."""
    first, last = batches[0], batches[-1]
    if reward not in first.held:
        return None
    where = {prompt: at for at, prompt in enumerate(first.prompts)}
    rows = [
        (first.proxy[a], last.proxy[b], first.held[reward][a], last.held[reward][b])
        for b, prompt in enumerate(last.prompts)
        if (a := where.get(prompt)) is not None
    ]
    table = np.array([row for row in rows if None not in row], dtype=np.float64)
    if len(table) < LEAST or min(table[:, 0].std(), table[:, 2].std()) == 0:
        return None
    own = (table[:, 1] - table[:, 0]) / table[:, 0].std(ddof=1)
    other = (table[:, 3] - table[:, 2]) / table[:, 2].std(ddof=1)
    apart = one_sided(own - other) < P_GAP and one_sided(own) < P_GAP
    said = f"the proxy gained {own.mean():+.2f} deviations, {reward}, held back, {other.mean():+.2f}"
    verdict = judge_count(
        int(apart), name="rewards that only rise where optimised", unit="rewards", looked_at=len(table), at_most=0,
        summary=f"{name}: {said}", details={"series": name, "reward": reward},
        next_step="read the answers that gained most",
    )  # fmt: skip
    reasons = [Reason(state=State.WATCH, kind="held-back", said=said)] if apart else []
    return replace(verdict, rule=HELD, failure=FAILURE, level=Level.WARN), reasons
