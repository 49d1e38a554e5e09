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

DOORS: dict[str, Door] = {TRANSFORMERS_SFT.name: TRANSFORMERS_SFT}
