"""Adapters that were made and not trained: random updates of a base, with the record that training writes."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headgate.models.adapter import CONFIG, RECORD, TENSORS, adapter_mark
from headgate.models.fingerprint import fingerprint_of, weight_files
from headgate.models.safetensors_header import read_header

BASE = Path(__file__).parents[2] / "examples/base/headgate-tiny"


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """A safetensors file of 32-bit numbers."""
    header, body = {}, b""
    for name, tensor in sorted(tensors.items()):
        raw = np.ascontiguousarray(tensor, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def shapes_of(base: Path = BASE, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, tuple[int, ...]]:
    """Sizes of the projections of a base, by module."""
    every = {name: entry[1] for path in weight_files(base) for name, entry in read_header(path)[0].items()}
    found = {name.removesuffix(".weight"): shape for name, shape in every.items() if name.endswith("_proj.weight")}
    return {stem: shape for stem, shape in found.items() if wanted(stem)}


def make_adapter(
    folder: Path,
    *,
    seed: int = 0,
    rank: int = 4,
    strength: float = 0.15,
    base: Path = BASE,
    wanted: Callable[[str], bool] = lambda _: True,
    factors: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    **config: Any,
) -> Path:
    """An adapter folder; `factors` gives A and B by module, else they are random."""
    rng = np.random.default_rng(seed)
    if factors is None:
        factors = {
            stem: (rng.normal(0, shape[1] ** -0.5, (rank, shape[1])), rng.normal(0, strength, (shape[0], rank)))
            for stem, shape in shapes_of(base, wanted).items()
        }
    folder.mkdir(parents=True, exist_ok=True)
    named = {
        f"base_model.model.{stem}.lora_{half}.weight": tensor
        for stem, pair in factors.items()
        for half, tensor in zip("AB", pair, strict=True)
    }
    save_tensors(folder / TENSORS, named)
    targets = sorted({stem.rpartition(".")[2] for stem in factors})
    if len(factors) < len(shapes_of(base, lambda stem: stem.rpartition(".")[2] in targets)):
        targets = sorted(factors)
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "target_modules": targets}
    (folder / CONFIG).write_text(json.dumps(settings | config))
    seal(folder, base)
    return folder


def seal(folder: Path, base: Path = BASE) -> None:
    """Writes the record of an adapter for a base."""
    mark = adapter_mark(folder)
    body = {"form": 1, "adapter": mark.digest, "tensors": mark.tensors, "config": mark.config}
    (folder / RECORD).write_text(json.dumps(body | {"base": fingerprint_of(base).as_json(), "base_name": base.name}))
