"""The doors of models: engines that need heavy libraries, by name."""

from __future__ import annotations

from headgate.kit.doors import Door

LOCAL = Door(
    name="local",
    reference="headgate.models.engines.transformers_local",
    extra="train",
    packages=("torch", "transformers", "peft", "safetensors", "tokenizers"),
    purpose="run a model from a folder on this machine",
)

EFFECT = Door(
    name="effect",
    reference="headgate.models.engines.effect",
    extra="train",
    packages=LOCAL.packages,
    purpose="record and replay what an adapter does",
)

DRIFT = Door(
    name="drift",
    reference="headgate.models.engines.drift",
    extra="train",
    packages=LOCAL.packages,
    purpose="measure how far an adapter moved first tokens from the base",
)

DOORS: dict[str, Door] = {door.name: door for door in (LOCAL, EFFECT, DRIFT)}
