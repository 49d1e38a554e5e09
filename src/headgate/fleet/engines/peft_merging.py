"""Merges adapters with PEFT, one plan after the other, on one base in memory.

What PEFT is given are plain adapters of one rank with scale 1: its merges of rank-stabilised, unequal or
patterned adapters give something else without a word. Plans that drop weights at random draw from a seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import save_file

from headgate.fleet.composition.plans import Closed, Plan
from headgate.kit.errors import Refused
from headgate.kit.files import refusing, write_flushed
from headgate.models.adapter import CONFIG, TENSORS, canonical_bytes
from headgate.models.adapter_layout import PREFIX
from headgate.models.engines.transformers_local import load_base, wrapped
from headgate.models.lora import Factors


class Merger:
    """Several adapters on one base, ready to be merged."""

    def __init__(self, base: Path, adapters: Mapping[str, Mapping[str, Factors]]) -> None:
        """Raises Refused where the base cannot be loaded or an adapter does not fit it."""
        self._base = base
        self._names = [f"given{n}" for n in range(len(adapters))]
        self._rank = max(one.down.shape[0] for factors in adapters.values() for one in factors.values())
        model = load_base(base).model
        for name, factors in zip(self._names, adapters.values(), strict=True):
            config = LoraConfig(
                r=self._rank, lora_alpha=self._rank, target_modules=sorted(factors), task_type="CAUSAL_LM",
                inference_mode=True,
            )  # fmt: skip
            if name == self._names[0]:
                self._model = wrapped(model, config, name)
            else:
                self._model.add_adapter(name, config)
            answer = set_peft_model_state_dict(self._model, self._plain(factors), adapter_name=name)
            if answer.unexpected_keys:
                raise Refused("an adapter does not fit the base", found=", ".join(answer.unexpected_keys[:3]))

    def merge(self, plan: Plan, folder: Path, seed: int) -> None:
        """Writes the adapter of a plan: tensors and settings.

        Raises:
            Closed: PEFT cannot merge these so.
        """
        name = "merged"
        pruning = {"density": plan.density} if plan.density else {}
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.manual_seed(seed)
                self._model.base_model.add_weighted_adapter(
                    self._names, [plan.weight] * len(self._names), name, combination_type=plan.type, **pruning
                )
            state = get_peft_model_state_dict(self._model, adapter_name=name)
            tensors = {key: value.contiguous().clone() for key, value in state.items()}
            rank = int(self._model.peft_config[name].r)
        except (ValueError, RuntimeError, IndexError) as error:
            raise Closed(f"PEFT cannot merge by {plan.name}", found=str(error).split("\n")[0]) from error
        finally:
            if name in self._model.peft_config:
                self._model.delete_adapter(name)
        stems = sorted({key.removeprefix(PREFIX).partition(".lora_")[0] for key in tensors})
        with refusing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            save_file(tensors, folder / TENSORS)
            write_flushed(folder / CONFIG, canonical_bytes(_settings(stems, rank), self._base.name))

    def _plain(self, factors: Mapping[str, Factors]) -> dict[str, torch.Tensor]:
        """Tensors of one rank with the scale in B; ranks are filled up with zeros."""
        out = {}
        for stem, one in factors.items():
            rank = one.down.shape[0]
            down, up = torch.zeros(self._rank, one.down.shape[1]), torch.zeros(one.up.shape[0], self._rank)
            down[:rank] = torch.from_numpy(one.down.copy())
            up[:, :rank] = torch.from_numpy(one.up * one.scale)
            out[f"{PREFIX}{stem}.lora_A.weight"], out[f"{PREFIX}{stem}.lora_B.weight"] = down, up
        return out


def open_merger(base: Path, adapters: Mapping[str, Mapping[str, Factors]]) -> Merger:
    """A merger of adapters on a base."""
    return Merger(base, adapters)


def _settings(stems: Sequence[str], rank: int) -> dict[str, Any]:
    return {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "target_modules": list(stems),
        "bias": "none",
    }  # fmt: skip
