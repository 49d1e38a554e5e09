"""The engines that scan shards and need a library of their own."""

from __future__ import annotations

from headgate.kit.doors import Door

RAY = Door(
    name="ray",
    reference="headgate.check.engines.ray",
    extra="ray",
    packages=("ray",),
    purpose="scan shards on a Ray cluster",
)

DOORS: dict[str, Door] = {RAY.name: RAY}
