"""Rows that are answered together: they join and leave between two steps.

Rows stand flush on the right; what lies to their left is masked. A row that joins is run through the model
beside nobody or beside others that join with it, and then laid beside those that run already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from headgate.models.engines.transformers_local import left_padded


@dataclass
class Cohort:
    """What the model remembers of some rows, and the scores of their next tokens."""

    cache: Any
    mask: torch.Tensor  # (rows, positions)
    logits: torch.Tensor  # (rows, vocabulary)

    @property
    def joins(self) -> bool:
        """Whether this kind of memory can be laid beside another."""
        return all(type(layer) is DynamicLayer for layer in self.cache.layers)


def begun(model: Any, prompts: Sequence[Sequence[int]], pad: int) -> Cohort:
    """Runs prompts through the model."""
    tokens, mask = (one.to(model.device) for one in left_padded(prompts, pad))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache()
    out = model(
        input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
        logits_to_keep=1,
    )  # fmt: skip
    return Cohort(out.past_key_values, mask, out.logits[:, -1].float())


def stepped(model: Any, cohort: Cohort, tokens: Sequence[int]) -> Cohort:
    """The same rows with one token more each."""
    mask = torch.cat([cohort.mask, cohort.mask.new_ones(len(tokens), 1)], 1)
    last = torch.tensor(tokens, dtype=torch.long, device=mask.device)[:, None]
    out = model(
        input_ids=last, attention_mask=mask, position_ids=mask.sum(1, keepdim=True) - 1,
        past_key_values=cohort.cache, use_cache=True, logits_to_keep=1,
    )  # fmt: skip
    return Cohort(out.past_key_values, mask, out.logits[:, -1].float())


def joined(first: Cohort, second: Cohort) -> Cohort:
    """Both, those of the first above those of the second."""
    width = max(first.mask.shape[1], second.mask.shape[1])
    for one, other in zip(first.cache.layers, second.cache.layers, strict=True):
        one.keys = torch.cat([_filled(one.keys, width), _filled(other.keys, width)])
        one.values = torch.cat([_filled(one.values, width), _filled(other.values, width)])
    pads = [torch.nn.functional.pad(one.mask, (width - one.mask.shape[1], 0)) for one in (first, second)]
    return Cohort(first.cache, torch.cat(pads), torch.cat([first.logits, second.logits]))


def kept(cohort: Cohort, rows: Sequence[int]) -> Cohort:
    """Only some of the rows, without positions that none of them has."""
    numbers = torch.tensor(rows, dtype=torch.long, device=cohort.mask.device)
    mask = cohort.mask[numbers]
    cohort.cache.batch_select_indices(numbers)
    lead = int(mask.any(0).long().argmax()) if cohort.joins else 0
    if lead:
        for layer in cohort.cache.layers:
            layer.keys, layer.values = layer.keys[:, :, lead:], layer.values[:, :, lead:]
    return Cohort(cohort.cache, mask[:, lead:], cohort.logits[numbers])


def _filled(states: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(states, (0, 0, width - states.shape[-2], 0))
