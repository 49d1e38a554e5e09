"""LoRA for a batch whose rows each have an adapter of their own, in one forward pass.

PEFT answers a mixed batch one adapter after the other and puts every adapter into every module, so that
time grows with the adapters of a batch and the loading of one with the number of those loaded. Here the base
stays as it is; a hook on each of its linear modules adds the updates of all rows with two batched products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from tempfile import NamedTemporaryFile
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from headgate.kit.errors import Refused
from headgate.models.adapter import TENSORS
from headgate.models.lora import updates_of

SHARED = 4  # rows for each adapter from which on their updates are reckoned adapter by adapter


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The factors of one module's update."""

    down: torch.Tensor  # (rank, inputs)
    up: torch.Tensor  # (outputs, rank)
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """An adapter mapped from a copy of the process's own: whatever is done to its file, it answers as it was proved."""

    pairs: Mapping[str, Pair]
    bytes: int


def seen_of(file: Path) -> tuple[int, int, int]:
    """What tells that a file was written to.

    Raises:
        Refused: it is not there.
    """
    try:
        stat = file.stat()
    except OSError as error:
        raise Refused("the adapter cannot be read", file=str(file), found=str(error)) from None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def read_weights(folder: Path, dtype: torch.dtype, device: torch.device) -> Weights:
    """The factors of a plain adapter, mapped from a copy without a name, whose pages come when they are used.

    Not from the file itself: whoever cuts short a file that is mapped, as `cp` over it does, ends the process.

    Raises:
        Refused: not a plain adapter, or a damaged file.
    """
    file = folder / TENSORS
    updates = updates_of(folder)
    try:
        with NamedTemporaryFile(prefix="headgate-", suffix=".safetensors") as own:
            copyfile(file, own.name)
            with safe_open(own.name, "pt") as stream:
                pairs = {
                    stem: Pair(
                        stream.get_tensor(one.down).to(device, dtype),
                        stream.get_tensor(one.up).to(device, dtype),
                        one.scale,
                    )
                    for stem, one in updates.items()
                }
    except (SafetensorError, OSError) as error:
        raise Refused("the adapter cannot be read", file=str(file), found=str(error)) from None
    size = sum(t.numel() * t.element_size() for pair in pairs.values() for t in (pair.down, pair.up))
    return Weights(pairs, size)


class LoraRows:
    """Hooks on a base that add the updates of the rows at hand."""

    def __init__(self, model: Any) -> None:
        self._modules = {name: one for name, one in model.named_modules() if isinstance(one, torch.nn.Linear)}
        self._mix: Mapping[str, _Batched | _Grouped] = {}
        for stem, module in self._modules.items():
            module.register_forward_hook(self._hook(stem))

    def must_fit(self, weights: Weights, name: str) -> None:
        """Refuses an adapter with updates that no hook would add.

        Raises:
            Refused: a module of the adapter is none of the base's linear ones, or has other sizes.
        """
        for stem, pair in weights.pairs.items():
            module = self._modules.get(stem)
            if module is None or (pair.up.shape[0], pair.down.shape[1]) != tuple(module.weight.shape):
                raise Refused(f"{name} updates {stem}, which is no linear module of the base of that size")

    def use(self, rows: Sequence[Weights | None]) -> None:
        """From now on a batch has these adapters, row by row; None: the base alone."""
        known = [one for one in dict.fromkeys(rows) if one is not None]
        stems = dict.fromkeys(stem for one in known for stem in one.pairs)
        make: type[_Batched | _Grouped] = _Grouped if len(rows) >= SHARED * (len(known) + (None in rows)) else _Batched
        self._mix = {stem: make([one.pairs.get(stem) if one else None for one in rows]) for stem in stems}

    def _hook(self, stem: str) -> Any:
        def add(module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor | None:  # noqa: ARG001
            mixed = self._mix.get(stem)
            return None if mixed is None else mixed.added(inputs[0], output)

        return add


class _Batched:
    """A product for each row, all rows at once; ranks are filled up with zeros."""

    def __init__(self, rows: Sequence[Pair | None]) -> None:
        one = next(pair for pair in rows if pair is not None)
        rank = max(pair.down.shape[0] for pair in rows if pair is not None)
        self._down = one.down.new_zeros(len(rows), rank, one.down.shape[1])
        self._up = one.up.new_zeros(len(rows), one.up.shape[0], rank)
        for n, pair in enumerate(rows):
            if pair is not None:
                self._down[n, : pair.down.shape[0]] = pair.down
                torch.mul(pair.up, pair.scale, out=self._up[n, :, : pair.up.shape[1]])

    def added(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """The output of the module with the updates."""
        low = torch.bmm(x, self._down.transpose(1, 2))
        return torch.baddbmm(out, low, self._up.transpose(1, 2))


class _Grouped:
    """A product for each adapter, where many rows share one; nothing is copied."""

    def __init__(self, rows: Sequence[Pair | None]) -> None:
        places: dict[int, tuple[Pair, list[int]]] = {}
        for n, pair in enumerate(rows):
            if pair is not None:
                places.setdefault(id(pair), (pair, []))[1].append(n)
        self._all = len(places) == 1 and all(pair is not None for pair in rows)
        self._groups = [(pair, torch.tensor(numbers)) for pair, numbers in places.values()]

    def added(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """The output of the module with the updates."""
        if self._all:
            pair = self._groups[0][0]
            return out + ((x @ pair.down.t()) @ pair.up.t()) * pair.scale
        out = out.clone()
        for pair, numbers in self._groups:
            numbers = numbers.to(x.device)
            out.index_add_(0, numbers, ((x[numbers] @ pair.down.t()) @ pair.up.t()) * pair.scale)
        return out
