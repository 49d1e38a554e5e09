"""Settings of the section `[train]`: what is trained, on what, for how long."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.kit.settings import key_of, option

MOST_THREADS = 1024  # arithmetic libraries end the process where they are asked for far more than there are
SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """The shape of the adapter."""

    kind: Literal["lora"] = option("lora", help="kind of adapter")
    rank: int = option(16, help="rank of each update", unit="dimensions")
    alpha: float = option(32.0, help="scale: updates are multiplied by alpha / rank", unit="number")
    dropout: float = option(0.0, help="share of inputs of an update dropped while training", unit="share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dpo:
    """What only `method = "dpo"` reads."""

    beta: float = option(0.1, help="how strongly the answers are held to those of the start", unit="number")
    loss: Literal["sigmoid", "hinge", "ipo"] = option("sigmoid", help="loss of a pair")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kto:
    """What only `method = "kto"` reads."""

    beta: float = option(0.1, help="how strongly the answers are held to those of the start", unit="number")
    good_weight: float = option(1.0, help="weight of answers labelled good in the loss", unit="number")
    bad_weight: float = option(1.0, help="weight of answers labelled bad in the loss", unit="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grpo:
    """What only `method = "grpo"` reads."""

    rewards: list[str] = option(
        [],
        help="scorers of a drawn answer: exact, normalised, contains, number, regex, json-valid, json-match, "
        "json-schema:FILE, python:FILE:FUNCTION",
        unit="names",
    )
    reward_weights: list[float] = option([], help="weight of each reward; empty: all weigh 1", unit="numbers")
    outcomes: list[str] = option(
        [],
        help="scorers that nothing is rewarded for: training ends where rewards rise on `probe.split` and one falls",
        unit="names",
    )
    reference: str = option(
        "", help="key of a row's other columns that holds the right answer; empty: the row's own answer", unit="name"
    )
    generations: int = option(8, help="answers drawn for each prompt", unit="answers")
    answer_tokens: int = option(64, help="longest answer that is drawn", unit="tokens")
    temperature: float = option(1.0, help="temperature at which answers are drawn", unit="number")
    beta: float = option(0.0, help="weight of the divergence from the start in the loss", unit="number")
    budget: float = option(
        0.0,
        help="largest divergence from the start on `probe.split` that needs no note at the gate; 0: none",
        unit="nats",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is looked at while training, and when training ends early."""

    split: str = option(
        "", help="split whose loss is measured, never one that the gate looks at; empty: none", unit="name"
    )
    most: int = option(
        500, help="rows of the split that are looked at, always the same ones; 0: all of them", unit="rows"
    )
    every: float = option(1.0, help="passes over the rows between probes", unit="passes")
    drift: str = option(
        "",
        help="file of prompts whose first answer tokens are held against the base's, such as harmful ones",
        unit="path",
    )
    drift_tokens: int = option(5, help="first tokens of an answer that drift is measured on", unit="tokens")
    drift_limit: float = option(0.0, help="largest mean divergence of these tokens; 0: none", unit="nats")
    patience: int = option(0, help="probes without a lower loss after which training ends; 0: never", unit="probes")
    keep: Literal["last", "best"] = option("last", help="which adapter goes on: the last, or that of the lowest loss")

    @property
    def asked(self) -> bool:
        """Whether anything is to be looked at."""
        return bool(self.split or self.drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The section `[train]`."""

    base: str = option(help="folder of the base model, or its name in the ledger", unit="path or name")
    method: Literal["sft", "dpo", "kto", "grpo"] = option(
        "sft", help="what rows teach: answers, preferred answers, good and bad answers, or rewards for drawn answers"
    )
    engine: Literal["auto", "transformers-sft", "trl"] = option(
        "auto", help="what trains; auto: transformers-sft for sft, trl for the other methods", unit="name"
    )
    start: str = option(
        "",
        help="adapter to go on from: its name or address in the ledger, or a release; empty: a fresh one",
        unit="name",
    )
    adapter: Adapter = dataclasses.field(default_factory=Adapter, metadata={"help": "shape of the adapter"})
    targets: str | list[str] = option("all-linear", help="layers that get an update: all-linear, or names of modules")
    split: str = option("train", help="split of the dataset version to train on", unit="name")
    steps: int = option(0, help="optimiser steps; 0: `epochs` decides", unit="steps")
    epochs: float = option(3.0, help="passes over the rows, where `steps` is 0", unit="passes")
    batch: int = option(32, help="rows a step", unit="rows")
    micro_batch: int = option(
        0, help="rows at once where a whole batch does not fit in memory; 0: the batch", unit="rows"
    )
    learning_rate: float = option(2e-3, help="peak learning rate", unit="per step")
    warmup: float = option(0.05, help="share of the steps in which the rate rises", unit="share")
    decay: Literal["linear", "cosine", "constant"] = option("linear", help="how the rate falls after the warm-up")
    weight_decay: float = option(0.0, help="AdamW's weight decay", unit="per step")
    clip: float = option(1.0, help="largest norm of the gradient", unit="norm")
    max_tokens: int = option(0, help="longest row; a longer one stops the run; 0: the base's context", unit="tokens")
    seeds: list[int] = option([0], help="one adapter is trained for each seed", unit="numbers")
    choose: Literal["first", "lowest-loss"] = option(
        "first", help="which seed's adapter goes on: the first, or the lowest loss on `choose-on`"
    )
    choose_on: str = option("", help="split that decides between seeds; never one that the gate looks at", unit="name")
    threads: int = option(
        0, help="CPU threads; 0: one for a base below 20 million parameters, else all", unit="threads"
    )
    precision: Literal["float32", "bfloat16"] = option("float32", help="arithmetic of the forward pass")
    attention: Literal["sdpa", "eager"] = option("sdpa", help="implementation of attention; changes the last bits")
    device: Literal["auto", "cpu"] = option("auto", help="auto: an accelerator where there is one")
    save_every: int = option(50, help="steps between checkpoints; 0: none", unit="steps")
    variables: list[str] = option(
        [],
        help="environment variables that matter to your own code: the closure keeps their values, so no secrets",
        unit="names",
    )
    processes: int = option(1, help="processes that share each batch, started by accelerate", unit="processes")
    mix: dict[str, float] = option(
        {},
        help="share of every batch that comes from a source, such as { safety = 0.02, general = 0.05 }",
        unit="share",
    )
    system_prompt: Literal["keep", "drop"] = option(
        "keep", help="drop: tune without the system prompt, and serve with it"
    )
    distil: Literal["off", "prompts"] = option(
        "off", help="prompts: rows without an answer teach what the base answers to them"
    )
    distil_tokens: int = option(128, help="longest answer of the base that is taught", unit="tokens")
    sweep: dict[str, list[Any]] = option(
        {}, help='values to try, such as { learning-rate = [1e-3, 3e-3], "adapter.rank" = [4, 16] }'
    )
    probe: Probe = dataclasses.field(default_factory=Probe, metadata={"help": "probes while training"})
    dpo: Dpo = dataclasses.field(default_factory=Dpo, metadata={"help": "preferred answers"})
    kto: Kto = dataclasses.field(default_factory=Kto, metadata={"help": "good and bad answers"})
    grpo: Grpo = dataclasses.field(default_factory=Grpo, metadata={"help": "rewards for drawn answers"})

    @property
    def trainer(self) -> str:
        """Name of the engine that trains."""
        if self.engine != "auto":
            return self.engine
        return "transformers-sft" if self.method == "sft" else "trl"

    def __post_init__(self) -> None:
        problems = [text for wrong, text in _checks(self) if wrong]
        if problems:
            raise Refused("[train] cannot be used", found="; ".join(problems))


def _checks(s: Settings) -> list[tuple[bool, str]]:
    return [
        (s.batch < 1, "batch below 1"),
        (s.steps < 0 or s.save_every < 0 or s.micro_batch < 0 or s.max_tokens < 0, "a number of steps or rows below 0"),
        (bool(s.micro_batch) and s.batch % s.micro_batch != 0, "batch is no multiple of micro-batch"),
        (s.steps == 0 and s.epochs <= 0, "neither steps nor epochs"),
        (s.learning_rate <= 0, "learning-rate is not above 0"),
        (s.adapter.rank < 1 or s.adapter.alpha <= 0, "adapter rank or alpha is not above 0"),
        (not 0 <= s.adapter.dropout < 1, "adapter dropout is not a share"),
        (not 0 <= s.warmup < 1, "warmup is not a share"),
        (min(s.weight_decay, s.clip) < 0, "weight-decay or clip is below 0"),
        (not 0 <= s.threads <= MOST_THREADS, f"threads is not between 0 and {MOST_THREADS}"),
        (not _names_modules(s.targets), "targets is neither a list of names nor a regular expression"),
        (not s.seeds or len(set(s.seeds)) != len(s.seeds), "seeds is empty or names one twice"),
        (any(not 0 <= one < 2**32 for one in s.seeds), "a seed is not between 0 and 4294967295"),
        (s.choose == "lowest-loss" and not s.choose_on, "choose = lowest-loss needs choose-on"),
        (bool(s.choose_on) and s.choose_on == s.split, "choose-on is the split that is trained on"),
        (any(not re.fullmatch(r"[A-Za-z_]\w*", one) for one in s.variables), "variables holds what is no name"),
        (any(SECRET.search(one) for one in s.variables), "variables names a secret, whose value would be kept"),
        *_checks_of_method(s),
    ]


def _names_modules(targets: str | list[str]) -> bool:
    if not isinstance(targets, str):
        return bool(targets)
    try:
        re.compile(targets)
    except re.error:
        return False
    return True


def _checks_of_method(s: Settings) -> list[tuple[bool, str]]:
    rows = s.micro_batch or s.batch
    return [
        ((s.method == "sft") != (s.trainer == "transformers-sft"), f"engine {s.engine} does not train {s.method}"),
        (s.method != "sft" and s.adapter.dropout > 0, f"adapter dropout: TRL turns it off for {s.method}"),
        (s.method in ("grpo",) and s.choose == "lowest-loss", "choose = lowest-loss: drawn answers have no such loss"),
        (s.method == "kto" and rows < 2, "kto needs two rows or more at once: it compares each with another"),
        (min(s.dpo.beta, s.kto.beta) <= 0, "beta of dpo or kto is not above 0"),
        (min(s.kto.good_weight, s.kto.bad_weight) < 0, "good-weight or bad-weight of kto is below 0"),
        (s.method == "grpo" and not s.grpo.rewards, "grpo needs rewards"),
        (
            bool(s.grpo.reward_weights) and len(s.grpo.reward_weights) != len(s.grpo.rewards),
            "grpo has not one weight for each reward",
        ),
        (s.grpo.generations < 2, "grpo draws fewer than two answers, which cannot be compared"),
        (s.grpo.answer_tokens < 1 or s.grpo.temperature <= 0, "grpo answer-tokens or temperature is not above 0"),
        (s.grpo.beta < 0, "grpo beta is below 0"),
        (s.grpo.budget < 0, "grpo budget is below 0"),
        (s.grpo.budget > 0 and not s.grpo.outcomes, "grpo budget without outcomes, which are held beside it"),
        (bool(set(s.grpo.outcomes) & set(s.grpo.rewards)), "grpo rewards what should be an outcome"),
        (len(set(s.grpo.outcomes)) < len(s.grpo.outcomes), "grpo names an outcome twice"),
        (bool(s.grpo.outcomes) and not s.probe.split, "grpo outcomes need probe.split"),
        *_checks_of_recipe(s),
    ]


def _checks_of_recipe(s: Settings) -> list[tuple[bool, str]]:
    parts = s.processes * (s.micro_batch or 1)
    return [
        (s.processes < 1 or s.batch % max(1, parts) != 0, "batch is no multiple of processes times micro-batch"),
        (any(not 0 < share < 1 for share in s.mix.values()) or sum(s.mix.values()) >= 1, "mix is not made of shares"),
        (s.distil_tokens < 1, "distil-tokens below 1"),
        (s.distil != "off" and s.method != "sft", f"distil = {s.distil} does not go with {s.method}"),
        (bool(s.probe.split) and s.probe.split == s.split, "probe.split is the split that is trained on"),
        (s.probe.every <= 0 or s.probe.drift_tokens < 1, "probe.every or probe.drift-tokens is not above 0"),
        (
            min(s.probe.patience, s.probe.drift_limit, s.probe.most) < 0,
            "probe.patience, probe.drift-limit or probe.most is below 0",
        ),
        (not s.probe.split and (bool(s.probe.patience) or s.probe.keep == "best"), "early stop needs probe.split"),
        (bool(s.probe.drift_limit) and not s.probe.drift, "probe.drift-limit needs probe.drift"),
        (bool(s.sweep) and (not s.choose_on or len(s.seeds) > 1), "a sweep needs choose-on and one seed"),
    ]


def resolved(settings: Settings) -> dict[str, Any]:
    """Every setting as a plain value, defaults included, by the key of the flow file."""
    return _plain(settings)


def _plain(value: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for one in dataclasses.fields(value):
        inner = getattr(value, one.name)
        out[key_of(one)] = _plain(inner) if dataclasses.is_dataclass(inner) else inner
    return out


# What was done before a setting was there, where that is not its default; recorded runs are rebuilt as they were.
DONE_BEFORE: dict[tuple[type, str], Any] = {(Probe, "most"): 0}


def settings_of(plain: Mapping[str, Any]) -> Settings:
    """Settings from what `resolved` gave."""
    made: Settings = _made(Settings, plain)
    return made


def _made(cls: Any, plain: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(cls)
    values = {}
    for one in dataclasses.fields(cls):
        if key_of(one) not in plain:  # a setting that came later
            if (cls, one.name) in DONE_BEFORE:
                values[one.name] = DONE_BEFORE[cls, one.name]
            continue
        value, hint = plain[key_of(one)], hints[one.name]
        values[one.name] = _made(hint, value) if dataclasses.is_dataclass(hint) else value
    return cls(**values)


def origins(settings: Settings) -> dict[str, str]:
    """For each setting "given" or "default"; the file, line or variable stands with the step in the ledger."""
    plain, default = resolved(settings), resolved(Settings(base=""))
    return {key: "given" if key == "base" or plain[key] != default[key] else "default" for key in plain}
