"""Rewards held against outcomes while a model is trained on them, and what is kept of it in the ledger.

At each probe the model answers the prompts of `probe.split`. What `rewards` pay for an answer is the proxy; what the
scorers of `outcomes` say of it is paid for by nothing. Both go to the reward governor: where the proxy rises and an
outcome falls, training ends, and the stop sticks until a named person clears it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rules.reward_governing import Governed, Terms, govern
from headgate.rules.reward_series import Batch, Fields, batch_of, keep
from headgate.rules.reward_states import open_stops, settle, spent_prompts, stands
from headgate.stats.governed import State
from headgate.stats.governing import LEAST
from headgate.stats.verdict import Verdict
from headgate.train.prompts import Asked
from headgate.train.rewards import Reward
from headgate.train.settings import Grpo, Settings

SERIES, PROXY = "grpo", "reward"
WITHOUT = "outcome"  # name of the outcome that nobody declared


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to a prompt that is not trained on."""

    asked: Asked
    text: str
    ended: bool  # an answer that was cut off earns nothing and is right in nothing
    kl: float | None = None  # of the answer from what the start would have said, in nats


def paid(said: Said, rewards: Sequence[Reward], weights: Sequence[float]) -> float:
    """What an answer earns: the weighted sum that training is after."""
    if not said.ended:
        return 0.0
    asked = said.asked
    scores = [one.score(asked.prompt, said.text, asked.reference) for one in rewards]
    return sum(weight * score for weight, score in zip(weights or [1.0] * len(scores), scores, strict=True))


def scored(step: int, said: Sequence[Said], earned: Sequence[float], outcomes: Sequence[Reward]) -> dict[str, Any]:
    """One step of the series as JSON: what each answer earned and what the outcomes say of it; no text is kept.

    The same prompt in two rows counts once.
    """
    rows: dict[str, dict[str, Any]] = {}
    for one, reward in zip(said, earned, strict=True):
        asked = one.asked
        told = {
            scorer.name: scorer.score(asked.prompt, one.text, asked.reference) if one.ended else 0.0
            for scorer in outcomes
        }
        about = {"prompt_text": asked.text, "answer": one.text, "reference": asked.reference or None, "kl": one.kl}
        rows.setdefault(named(asked), {"prompt": named(asked), PROXY: reward, **about, **told})
    return batch_of(step, rows.values(), _fields([scorer.name for scorer in outcomes])).as_json()


def named(asked: Asked) -> str:
    """The name of a prompt in the series: an address of its text."""
    return digest_json(asked.text)


def judged(scores: Sequence[Mapping[str, Any]], grpo: Grpo, probes: int) -> Governed:
    """The state of the series so far; `probes` looks share the level."""
    terms = Terms(outcomes=tuple(grpo.outcomes), form="rl", budget=grpo.budget, planned=probes)
    return govern(SERIES, [Batch.from_json(one) for one in scores], terms)


def why_stopped(found: Governed) -> str:
    """Why training ends; empty: it goes on."""
    if found.state is not State.STOP:
        return ""
    return next(one.said for one in found.reasons if one.state is State.STOP)


def standing(ledger: Ledger, settings: Settings, asked: Sequence[Asked], flow: str) -> list[Verdict]:
    """What keeps a governed training from its first step: a stop that nobody cleared.

    Raises:
        Refused: too few prompts to govern by, or prompts on which an earlier series was stopped.
    """
    if not settings.grpo.outcomes:
        return []
    prompts = {named(one) for one in asked}
    where = f"probe.split = {settings.probe.split!r}"
    if len(prompts) < LEAST:
        found = f"{len(prompts)} prompts in {where}"
        raise Refused("too few prompts to hold rewards against outcomes", found=found, wanted=f"{LEAST} or more")
    if stops := open_stops(ledger, flow=flow, series=SERIES):
        return [stands(one) for one in stops]
    if again := prompts & spent_prompts(ledger, SERIES, flow):
        raise Refused(
            "rewards were stopped on these prompts",
            found=f"{len(again):,} of {len(prompts):,} in {where}",
            wanted="prompts that no step of the stopped series was scored on",
        )
    return []


def settled(
    ledger: Ledger, settings: Settings, context: StageContext, told: Mapping[str, Any], on: Sequence[str], probes: int
) -> list[Verdict]:
    """Records the series of one adapter and the state that it ends in.

    `told` holds scores, curve and plan of the training, `on` are its nodes. Rewards without an outcome are recorded
    too, with their mean at the last step: the gate asks for an outcome of theirs.
    """
    if settings.method != "grpo":
        return []
    flow, take, outcomes = context.flow_name, f"{told['plan']}/{told['seed']}", settings.grpo.outcomes
    if not outcomes:
        mean = next((one for one in reversed(told["curve"]) if one is not None), 0.0)
        rows = [{"prompt": "all", PROXY: mean}]
        batch = batch_of(len(told["curve"]), rows, _fields([WITHOUT]))
        keep(ledger, SERIES, batch, _fields([WITHOUT]), flow=flow, on=on, take=take)
        return []
    batches = [Batch.from_json(one) for one in told["scores"]]
    about: dict[str, Any] = {"flow": flow, "suite": told["suite"], "on": on, "take": take}
    nodes = [ledger.node(keep(ledger, SERIES, one, _fields(outcomes), **about)) for one in batches]
    found = judged(told["scores"], settings.grpo, probes)
    return settle(ledger, found, nodes, batches, flow=flow, on=on)


def _fields(outcomes: Sequence[str]) -> Fields:
    return Fields(proxy=PROXY, outcomes=tuple(outcomes))
