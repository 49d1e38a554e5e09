"""The updates that a LoRA adapter makes: which modules, of what rank, by what scale. No torch needed.

An update is `scale * B @ A` for each module. Only that product is the adapter's effect: its two factors
may be exchanged for others by any invertible matrix between them, and nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.kit.errors import Refused
from headgate.models.adapter import CONFIG, TENSORS, read_config
from headgate.models.adapter_layout import PREFIX, pattern_value
from headgate.models.safetensors_header import read_header

Floats = NDArray[np.float32]
# Settings under which the effect is something else than `scale * B @ A`, with the value under which it is that.
PLAIN: Mapping[str, Any] = {
    "use_dora": False,
    "lora_bias": False,
    "bias": "none",
    "modules_to_save": None,
    "trainable_token_indices": None,
    "target_parameters": None,
    "layer_replication": None,
    "alora_invocation_tokens": None,
    "use_bdlora": None,
    "kasa_config": None,
    "arrow_config": None,
    "fan_in_fan_out": False,
    "use_qalora": False,
}
# Starting values that were taken out of the base's weights: the adapter is meant for a base that was changed for it.
CHANGED_BASE = ("pissa", "olora", "loftq", "corda", "lora_ga")
NUMPY_TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}


@dataclass(frozen=True, slots=True)
class Factors:
    """The two factors of one module's update."""

    down: Floats  # A, (rank, inputs)
    up: Floats  # B, (outputs, rank)
    scale: float

    def update(self) -> Floats:
        """The full update, (outputs, inputs)."""
        return np.asarray(self.scale * (self.up @ self.down), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Where the two factors of one module's update lie."""

    stem: str  # name of the module in the base
    down: str  # name of tensor A
    up: str  # name of tensor B
    rank: int
    inputs: int
    outputs: int
    scale: float


def must_be_plain(folder: Path) -> None:
    """Refuses an adapter whose effect is not `scale * B @ A` on modules of its base.

    Raises:
        Refused: a variant of LoRA, or one that wants its base changed.
    """
    config = read_config(folder)
    other = [name for name, value in PLAIN.items() if config.get(name) not in (value, None, False, [], {})]
    start = str(config.get("init_lora_weights", ""))
    if start.lower().startswith(CHANGED_BASE):
        other.append(f"init_lora_weights {start}")
    if config.get("peft_type") != "LORA" or other:
        raise Refused(
            "not a plain LoRA adapter",
            file=str(folder / CONFIG),
            found=", ".join(other) or repr(config.get("peft_type")),
            wanted="an update of the form scale * B @ A for each module",
            next_step="train it again without that variant",
        )


def updates_of(folder: Path) -> dict[str, Update]:
    """The updates of a plain adapter, by module; reads only headers.

    Raises:
        Refused: not a plain LoRA adapter, half of a pair is missing, or a tensor that is no LoRA tensor.
    """
    must_be_plain(folder)
    config = read_config(folder)
    header, _ = read_header(folder / TENSORS)
    pairs: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {}
    for name, (_, shape, _, _) in header.items():
        stem, mark, half = name.removeprefix(PREFIX).partition(".lora_")
        if not mark or half not in ("A.weight", "B.weight") or len(shape) != 2:
            raise Refused("not a tensor of a plain LoRA adapter", file=str(folder / TENSORS), found=name)
        pairs.setdefault(stem, {})[half[0]] = (name, shape)
    found = {}
    for stem, pair in sorted(pairs.items()):
        if len(pair) != 2 or pair["A"][1][0] != pair["B"][1][1]:
            raise Refused("half of an update is missing, or its halves do not fit", file=str(folder), found=stem)
        (down, (rank, inputs)), (up, (outputs, _)) = pair["A"], pair["B"]
        found[stem] = Update(
            stem=stem, down=down, up=up, rank=rank, inputs=inputs, outputs=outputs, scale=_scale(config, stem, rank)
        )
    if not found:
        raise Refused("the adapter updates nothing", file=str(folder / TENSORS))
    return found


def read_factors(folder: Path) -> dict[str, Factors]:
    """The factors of every update as 32-bit numbers; the file is mapped, not read whole.

    Raises:
        Refused: as for `updates_of`, a damaged file, or a type of number that is not read.
    """
    path = folder / TENSORS
    header, start = read_header(path)
    raw = np.memmap(path, dtype=np.uint8, mode="r")

    def tensor(name: str) -> Floats:
        dtype, shape, begin, end = header[name]
        return numbers(raw[start + begin : start + end], dtype, shape, path)

    return {
        stem: Factors(down=tensor(one.down), up=tensor(one.up), scale=one.scale)
        for stem, one in updates_of(folder).items()
    }


def numbers(raw: NDArray[np.uint8], dtype: str, shape: tuple[int, ...], path: Path) -> Floats:
    """Stored bytes as 32-bit numbers.

    Raises:
        Refused: a type of number that is not read.
    """
    if dtype == "BF16":  # the upper half of a 32-bit number
        wide = raw.view("<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(shape)
    if dtype not in NUMPY_TYPES:
        raise Refused("a type of number that is not read here", file=str(path), found=dtype)
    return raw.view(NUMPY_TYPES[dtype]).astype(np.float32).reshape(shape)


def _scale(config: Mapping[str, Any], stem: str, rank: int) -> float:
    alpha = float(pattern_value(config.get("alpha_pattern"), stem, config.get("lora_alpha", rank)))
    wanted = int(pattern_value(config.get("rank_pattern"), stem, config.get("r", rank)))
    if wanted != rank:
        raise Refused("the settings tell another rank than the tensors have", found=f"{stem}: {wanted}, not {rank}")
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
