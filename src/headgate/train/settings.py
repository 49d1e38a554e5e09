"""Settings of the section `[train]`: what is trained, on what, for how long."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.kit.settings import key_of, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """The shape of the adapter."""

    kind: Literal["lora"] = option("lora", help="kind of adapter")
    rank: int = option(16, help="rank of each update", unit="dimensions")
    alpha: float = option(32.0, help="scale: updates are multiplied by alpha / rank", unit="number")
    dropout: float = option(0.0, help="share of inputs of an update dropped while training", unit="share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The section `[train]`."""

    base: str = option(help="folder of the base model, or its name in the ledger", unit="path or name")
    engine: Literal["transformers-sft"] = option("transformers-sft", help="what trains", unit="name")
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
        (not s.seeds or len(set(s.seeds)) != len(s.seeds), "seeds is empty or names one twice"),
        (s.choose == "lowest-loss" and not s.choose_on, "choose = lowest-loss needs choose-on"),
        (bool(s.choose_on) and s.choose_on == s.split, "choose-on is the split that is trained on"),
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


def origins(settings: Settings) -> dict[str, str]:
    """For each setting "given" or "default"; the file, line or variable stands with the step in the ledger."""
    plain, default = resolved(settings), resolved(Settings(base=""))
    return {key: "given" if key == "base" or plain[key] != default[key] else "default" for key in plain}
