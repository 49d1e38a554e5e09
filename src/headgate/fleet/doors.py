"""The doors of the fleet desk."""

from __future__ import annotations

from headgate.kit.doors import Door

MERGER = Door(
    name="peft-merging",
    reference="headgate.fleet.engines.peft_merging",
    extra="train",
    packages=("torch", "transformers", "peft", "safetensors"),
    purpose="merge adapters",
)

DOORS: dict[str, Door] = {MERGER.name: MERGER}
