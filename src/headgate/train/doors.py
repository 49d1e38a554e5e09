"""The engines that can train, by the name that a flow file uses."""

from __future__ import annotations

from headgate.kit.doors import Door

TRANSFORMERS_SFT = Door(
    name="transformers-sft",
    reference="headgate.train.engines.transformers_sft",
    extra="train",
    packages=("torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers"),
    purpose="train an adapter by supervised tuning",
)

TRL = Door(
    name="trl",
    reference="headgate.train.engines.trl_methods",
    extra="train",
    packages=("torch", "transformers", "trl", "datasets", "peft", "accelerate", "safetensors", "tokenizers"),
    purpose="train an adapter by preferences or rewards",
)

DOORS: dict[str, Door] = {one.name: one for one in (TRANSFORMERS_SFT, TRL)}
