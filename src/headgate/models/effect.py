"""The effect of an adapter, recorded on the base it was made for and replayed on the base that is to serve.

For prompts that stay the same (as messages, so that template and tokenizer are asked too) the adapted model's own
answers are kept with the probability of each token, the likeliest tokens beside it, and how far the adapted model
is from the bare base there: KL(adapted || bare), the mean over the tokens of the answers. A replay measures the same
again. Kept are 0.5 to 2 times that divergence, nearly the same distribution, and the same likeliest token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, must_be_file
from headgate.kit.hashing import canonical_json
from headgate.models.compatibility import FAILURE, Compatibility, Kind
from headgate.stats.intervals import mean_interval
from headgate.stats.judging import cannot_tell, judge_interval, judge_share
from headgate.stats.resampling import bca
from headgate.stats.verdict import Level, Measure, Outcome, Verdict, worst

FORM = 1
PROMPTS = 128  # asked, where so many are given
KEPT = 16  # likeliest tokens kept at each place
SAME_KL = 1e-3  # nats per token below which two models are numerically the same
LARGEST_KL = 0.02  # nats per token above which they are not the same model
LEAST_AGREEMENT = 0.98  # share of places with the same likeliest token
RETAINED = (0.5, 2.0)  # of the divergence from the bare base
# Causes that a replay may excuse: the bytes differ, and what they compute does not.
EXCUSABLE = frozenset({"weights", "quantisation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One prompt with the recorded answer and what the models say about it."""

    messages: tuple[Mapping[str, Any], ...]
    answer: str
    log_probabilities: tuple[float, ...]  # of each token of the answer and of the end
    likeliest: tuple[tuple[tuple[int, float], ...], ...]  # at each place (token id, log-probability), best first
    divergence: tuple[float, ...]  # KL(adapted || bare) at each place, nats

    def as_json(self) -> dict[str, Any]:
        """As kept."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an adapter does on a base."""

    adapter: str  # digest
    base: str  # root of the fingerprint
    asked: tuple[Asked, ...]

    @property
    def divergence(self) -> float:
        """Mean KL(adapted || bare) over all places, nats per token."""
        return float(np.mean([one for prompt in self.asked for one in prompt.divergence]))

    def as_json(self) -> dict[str, Any]:
        """As kept."""
        return {
            "form": FORM,
            "adapter": self.adapter,
            "base": self.base,
            "divergence": self.divergence,
            "asked": [one.as_json() for one in self.asked],
        }


def write_effect(effect: Effect, path: Path) -> None:
    """Writes a recorded effect in one step."""
    with atomic_write(path) as stream:
        stream.write(canonical_json(effect.as_json()))


def read_effect(path: Path) -> Effect:
    """Reads a recorded effect.

    Raises:
        Refused: missing, or not a recorded effect.
    """
    try:
        body = orjson.loads(must_be_file(path).read_bytes())
        if body["form"] != FORM:
            raise Refused("an effect of another form", file=str(path), found=str(body["form"]), wanted=str(FORM))
        return Effect(adapter=body["adapter"], base=body["base"], asked=tuple(_asked(one) for one in body["asked"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        wanted = "what headgate fleet compat --record wrote"
        raise Refused("not a recorded effect", file=str(path), wanted=wanted) from None


def _asked(one: Mapping[str, Any]) -> Asked:
    return Asked(
        messages=tuple(one["messages"]),
        answer=str(one["answer"]),
        log_probabilities=tuple(float(p) for p in one["log_probabilities"]),
        likeliest=tuple(tuple((int(t), float(p)) for t, p in place) for place in one["likeliest"]),
        divergence=tuple(float(p) for p in one["divergence"]),
    )


def retention(recorded: Effect, now: Effect) -> tuple[Verdict, ...]:
    """Verdicts on a replay: the distribution, the likeliest tokens, and the divergence from the bare base.

    Raises:
        Refused: the replay asked other prompts.
    """
    if [one.messages for one in recorded.asked] != [one.messages for one in now.asked]:
        raise Refused("the replay asked other prompts than were recorded")
    if any(len(a.divergence) != len(b.divergence) for a, b in zip(recorded.asked, now.asked, strict=True)):
        return (_named(_other_tokens(recorded, now), "effect-tokens"),)
    apart = [
        np.mean([_kl(*two) for two in zip(a.likeliest, b.likeliest, strict=True)]) for a, b in _pairs(recorded, now)
    ]
    shift = max(
        abs(x - y) for a, b in _pairs(recorded, now)
        for x, y in zip(a.log_probabilities, b.log_probabilities, strict=True)
    )  # fmt: skip
    same = [x[0][0] == y[0][0] for a, b in _pairs(recorded, now) for x, y in zip(a.likeliest, b.likeliest, strict=True)]
    return (
        _named(_distribution(apart, shift), "effect-distribution"),
        _named(
            judge_share(
                sum(same), len(same), name="places with the same likeliest token", at_least=LEAST_AGREEMENT,
                summary=f"{sum(same):,} of {len(same):,} places have the same likeliest token",
            ),
            "effect-agreement",
        ),
        _named(_retained(recorded, now), "effect-retention"),
    )  # fmt: skip


def decided(pair: Compatibility, replayed: Sequence[Verdict]) -> Outcome:
    """What files and replay say together: a replay excuses other bytes, and nothing else."""
    if not replayed:
        return pair.verdict.outcome
    excused = pair.kind is not Kind.CANNOT_LOAD and all(one.part in EXCUSABLE for one in pair.causes)
    return worst(replayed) if excused else worst((pair.verdict, *replayed))


def _pairs(recorded: Effect, now: Effect) -> list[tuple[Asked, Asked]]:
    return list(zip(recorded.asked, now.asked, strict=True))


def _kl(before: Sequence[tuple[int, float]], now: Sequence[tuple[int, float]]) -> float:
    """KL over the recorded tokens, all others taken together: at most the divergence of the whole, nats.

    A recorded token that is no longer among the likeliest is taken to be as likely as the least of these.
    """
    after = dict(now)
    least = min(after.values())
    p = np.exp([one for _, one in before])
    q = np.exp([after.get(token, least) for token, _ in before])
    p = np.clip(np.append(p, 1 - p.sum()), 1e-9, 1)
    q = np.clip(np.append(q, 1 - q.sum()), 1e-9, 1)
    return max(0.0, float(np.sum(p * np.log(p / q))))


def _distribution(apart: Sequence[Any], shift: float) -> Verdict:
    mean = mean_interval(apart) if len(apart) > 1 else None
    value = float(np.mean(apart))
    measure = Measure(
        name="divergence from the recorded answers", value=value, low=max(0.0, mean.low) if mean else 0.0,
        high=mean.high if mean else float("inf"), unit="nats per token", n=len(apart), smallest_visible=SAME_KL,
    )  # fmt: skip
    how = "numerically the same" if value < SAME_KL else "not numerically the same"
    return judge_interval(
        measure,
        summary=f"{value:.2g} nats per token from the recorded answers, {how}",
        at_most=LARGEST_KL,
        details={"largest_shift": shift, "numerically_the_same": value < SAME_KL},
    )


def _retained(recorded: Effect, now: Effect) -> Verdict:
    before = np.array([sum(one.divergence) for one in recorded.asked])
    after = np.array([sum(one.divergence) for one in now.asked])
    if before.sum() <= 0:
        why = "the adapter had no effect on the recorded prompts"
        return cannot_tell(summary=why, reason=why, next_step="record the effect on prompts of its task")
    ratio = float(after.sum() / before.sum())
    low, high = ratio, ratio
    if len(before) > 1:
        drawn = bca(lambda rows: float(after[rows].sum() / max(before[rows].sum(), 1e-12)), len(before), draws=999)
        low, high = drawn.low, drawn.high
    measure = Measure(
        name="effect retained", value=ratio, low=low, high=high, unit="times", n=len(before), smallest_visible=0.0
    )
    summary = f"{ratio:.2f} times the recorded divergence from the bare base"
    verdict = judge_interval(measure, summary=summary, at_least=RETAINED[0])
    return verdict if verdict.outcome is not Outcome.PASS else judge_interval(
        measure, summary=summary, at_most=RETAINED[1]
    )  # fmt: skip


def _other_tokens(recorded: Effect, now: Effect) -> Verdict:
    other = sum(len(a.divergence) != len(b.divergence) for a, b in _pairs(recorded, now))
    return judge_share(
        other, len(recorded.asked), name="answers cut into other tokens", zero_tolerance=True,
        summary=f"{other:,} of {len(recorded.asked):,} recorded answers are other tokens on this base",
    )  # fmt: skip


def _named(verdict: Verdict, rule: str) -> Verdict:
    return replace(verdict, rule=rule, failure=FAILURE, level=Level.BLOCK)
