"""The doors of rules: engines that need an extra, by name."""

from __future__ import annotations

from headgate.kit.doors import Door

EMBEDDING = Door(
    name="static-embedding",
    reference="headgate.rules.engines.static_embedding",
    extra="embed",
    packages=("safetensors", "tokenizers"),
    purpose="compare texts by vectors from a folder on this machine",
)

DOORS: dict[str, Door] = {EMBEDDING.name: EMBEDDING}
